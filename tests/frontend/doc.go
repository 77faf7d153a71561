// Package frontend is Menshen from TypeScript. contract.d.ts has the types that openapi-typescript makes of the contract, and
// menshen.ts is what a front end needs beside them and openapi-fetch: the three shapes of answer, read as one. Both can be
// copied as they are.
//
//	suite/       stories that call a running Menshen; steps_test.go lists their steps
//	mistakes.ts  what the type checker must refuse
//
// Stories and mistakes are compiled together, as strictly as the compiler can, and run by package tests/harness/script. The
// console, which is JavaScript, is checked against the same types with tsconfig.console.json.
//
//	make types      # after a change of the contract
//	make frontend
package frontend
