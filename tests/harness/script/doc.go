// Package script runs programs of other languages against Menshen, and holds a conversation with them.
//
// A script tells a few stories in steps and has a Menshen of its own. It gets the address and the credentials as the first
// line of its standard input, writes one line of JSON for each step, and asks, in the same way, for what is not its business:
// what a phone reads in a picture, what an authenticator shows, what is in a mail. Its steps are listed in Go, so that none
// goes missing. script.mjs is the script's end, for Node.js.
//
//	node := script.Tool{Target: "sdk-tools", Program: "node"}
//	node.Run(t, script.Script{Name: "signin", Steps: []string{"sign in"}}, "suite/signin.mjs")
package script
