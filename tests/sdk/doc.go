// Package sdk runs the official SDKs of the V3 API, as they are published, against Menshen: authing-node-sdk from npm and authing
// from PyPI. What they make of an answer is what counts here, not what the contract says about it.
//
// Each script in suite/ tells a few stories in steps and has a Menshen of its own. It gets the address and the credentials as
// the first line of its standard input, writes one line of JSON for each step, and asks, in the same way, for what is not the
// SDK's business: what a phone reads in a picture, what an authenticator shows. steps_test.go lists the steps, so that none
// goes missing.
//
//	make sdk
package sdk
