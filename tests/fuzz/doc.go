// Package fuzz lets programs look for requests that nobody thought of.
//
// Schemathesis reads the contract, makes requests of it that it allows and that it does not, follows its links, and checks the
// answers; suite/ has what it must know of Menshen. The targets of Go (func Fuzz...) are beside what they try; here they are run
// for some time, several at once. In every run of the tests each has its share: MENSHEN_TEST_FUZZ=30s lets every target run that
// long, MENSHEN_TEST_FUZZ_CONTRACT=5m Schemathesis, and MENSHEN_TEST_SEED makes its run of that seed again.
//
//	make fuzz
package fuzz
