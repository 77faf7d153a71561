// Package httpapi is the gate: everything that happens to a request before it reaches a handler and to an answer before
// it leaves.
//
//	request id > recover > resolve operation > read body > wait for its turn > authenticate > validate request
//	           > [generated code > handler]
//	         < log < validate response < fill the envelope <
//
// Contract knows the operations; it is compiled from the contract once, and refuses one that it could not guard. There is
// one exit for errors, fail, also for the hooks of the generated code; a refusal that the contract does not tell of is an
// error in the log. Answers are held back until they have passed validation: one that breaks the contract is replaced, body
// and headers, by an internal error in the operation's own dialect. No operation is exempt.
package httpapi
