// Package contract tests the contract as a thing of its own, and the gate from the outside.
//
//	fresh       the merged contract and the generated code are what their sources give
//	operations  every operation is complete: names, languages, security, examples, failures
//	breaking    clients of the last release are not broken unnoticed
//	documents   what the five documents say about names, types and requiredness is still true
//	examples    there is one of everything, the contract accepts it, and refuses a success without data
//	links       what an answer says can be called next is there, and takes what the answer has
//	layers      which package may import which
//	stories     every operation is called by a test in tests/e2e
//	gate        what callers see when a request breaks the contract, in every dialect
//	hostile     hundreds of malicious requests: never a 5xx, always an answer of the contract
//
// Nothing here looks at package internals: the contract is read from the bytes that the binary serves, and the gate is
// spoken to with net/http, so that the generated client cannot tidy a request up.
package contract
