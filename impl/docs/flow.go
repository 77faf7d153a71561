package docs

import "github.com/menshen-auth/menshen/impl/internal/lang"

// text is in every language that the flows are told in.
type text struct{ en, zh string }

func (t text) in(l lang.Lang) string {
	if l == lang.Chinese {
		return t.zh
	}
	return t.en
}

// flow is a story of several operations. Its shell commands, pasted one after another, run as they are.
type flow struct {
	id, tag string
	title   text
	about   text
	parties []party // in the order of their columns
	before  text    // what has to be there
	prepare string  // shell: makes it
	steps   []step
}

// party is somebody who takes part.
type party struct {
	id   string
	name text
}

// menshen takes part in all flows.
const menshen = "menshen"

var self = party{menshen, text{"Menshen", "门神"}}

// step is one call of an operation, and what happens around it.
type step struct {
	operation string
	tells     text
	arrows    []arrow
	shell     string
}

// arrow is what one party gives to another.
type arrow struct {
	from, to string
	label    text
	answer   bool
}

func call(from, to, en, zh string) arrow   { return arrow{from, to, text{en, zh}, false} }
func answer(from, to, en, zh string) arrow { return arrow{from, to, text{en, zh}, true} }

// flows are told in this order.
var flows = []flow{codeFlow, totpFlow, otpSecretFlow, qrLoginFlow, fastpassFlow}

// setup is the beginning of every flow's shell commands, before what prepares it.
func setup(publicURL string) string {
	return "URL='" + publicURL + "'\nJSON='Content-Type: application/json'\n"
}

// A person with a session, for the flows in which one device vouches for another. The name is a new one each time, so that a flow
// can be run again.
const signedIn = `NAME=ada$RANDOM
curl -s $URL/user/register -H "$JSON" -d '{"username":"'$NAME'","password":"correct horse battery"}'
TOKEN=$(curl -s $URL/api/v3/signin -H "$JSON" -d '{"connection":"PASSWORD",
  "passwordPayload":{"username":"'$NAME'","password":"correct horse battery"}}' | jq -r .data.access_token)`
