// Package impl holds the hand-written service behind the generated interface of package gen. It has no code of its own;
// this is the map.
//
// A request comes in through internal/httpapi, the gate, which refuses it when there is too much to do (internal/admission),
// authenticates it (internal/authn) and validates it against the contract. Generated code routes and decodes it to a handler
// in a capability's api.go. The handler makes one call of its Service, which owns the rules and the transaction; package db
// runs the statements, what is asked for at once together. On the way back the envelope of the operation's dialect is filled
// (internal/envelope), and the answer is validated before it is sent. An error from anywhere leaves by httpapi's fail, in the
// operation's dialect, as an apierr.Error.
//
//	account    people and programs: users, passwords, sessions, tokens, applications, access keys
//	captcha    verification codes: images, and codes that are sent
//	mfa        authenticators (TOTP)
//	otp        OTP secrets for those who manage users: lookup, import, files
//	qrlogin    the web signs in from a phone
//	fastpass   a phone signs in from the web
//	hook       programs of the operator's that are asked or told about sign-ins
//	notify     the outbox: e-mail, SMS and events for hooks, delivered beside the requests
//	tenancy    userpools, applications and access keys, as an operator keeps them
//	wechat     login QR codes that are scanned with WeChat
//	service    health, readiness, the contract
//	console    pages for people: sign in, one's own account, a phone; static files that call the operations
//	docs       the reference for front ends: the contract to browse, and flows
//	app        configuration and composition; cmd/menshen is the program
//
// Capabilities never import each other: one that needs another declares a small interface, and app plugs it in.
//
// To add an operation:
//
//  1. Write it into a fragment of openapi/fragments, with its examples and what to call next (links), and run make gen types.
//  2. The compiler names what the server lacks: a handler of a few lines in the capability's api.go.
//  3. The rule goes into the capability's Service, its statement into db, its refusals into errors.go and, as far as the
//     operation can come to them, into its x-menshen-refusals.
//  4. Tell its story in tests/e2e; a test fails until every operation is called there.
//  5. make check.
package impl
