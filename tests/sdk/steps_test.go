package sdk

// What the scripts do, in their order.
var nodeScripts = []script{
	{"qrlogin", []string{
		"a page shows a code",
		"the older name of the status tells the same",
		"a phone scans the picture, and the page sees who",
		"the phone confirms, and the page gets a ticket",
		"the backend exchanges the ticket, with its secret in the body",
		"the custom data of the code is now the user's",
		"a ticket is good once, and its second use ends the session of the first",
		"the backend exchanges a ticket by HTTP Basic",
		"a backend without the secret gets nothing",
		"a phone that passes on the id of the page may do so, and may cancel",
		"to confirm before the scan is refused",
		"to scan one must be signed in",
		"what is in the picture asks for no status",
		"an old code is EXPIRED, which is no error",
		"WeChat is refused, with HTTP 200",
	}},
}

var pythonScripts = []script{}
