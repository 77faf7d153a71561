// Package sdk runs the official SDKs of the V3 API, as they are published, against Menshen: authing-node-sdk from npm and authing
// from PyPI. What they make of an answer is what counts here, not what the contract says about it.
//
// Each script in suite/ tells a few stories in steps, which steps_test.go lists, against a Menshen of its own. Package
// tests/harness/script runs it, and answers what is not the SDK's business: what a phone reads in a picture, what an
// authenticator shows.
//
//	make sdk
package sdk
