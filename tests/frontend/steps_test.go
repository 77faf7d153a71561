package frontend

import "github.com/menshen-auth/menshen/tests/harness/script"

// What the stories do, in their order.
var stories = []script.Script{
	{Name: "signin", Steps: []string{
		"register",
		"a name that is taken is refused",
		"sign in",
		"a wrong password is refused",
		"who am I",
		"the refresh token renews both in passing",
	}},
	{Name: "code", Steps: []string{
		"a picture, to be shown as it is",
		"register with a code",
		"sign in with a code",
		"a wrong code is refused",
		"a new password ends the session",
	}},
	{Name: "factor", Steps: []string{
		"the picture says what the URI says",
		"it is listed",
		"a sign-in waits for a code",
		"a wrong one is refused, and the sign-in still waits",
		"the right one signs in",
		"the code dialect waits for it as well",
	}},
	{Name: "qrlogin", Steps: []string{
		"a page shows a code, and listens",
		"a phone scans it: it sees who asks, the page sees who has scanned",
		"the phone confirms, the page gets a ticket, and the stream ends",
		"polling tells the same",
		"the page exchanges the ticket, where the application has no secret",
		"a page may stop listening",
		"an unknown code has no stream",
	}},
	{Name: "fastpass", Steps: []string{
		"the page gets what it shows",
		"the phone asks where it can sign in",
		"the phone signs in",
		"a code is good once",
		"the options are typed, too",
	}},
	{Name: "refusal", Steps: []string{
		"every dialect refuses in its own shape",
		"as a problem it is the same code everywhere, with a real status",
		"the message is in the language that is asked for",
		"what breaks the contract is refused by the gate",
		"where somebody else answers, the status is all there is",
		"the oauth dialect has no envelope",
	}},
}
