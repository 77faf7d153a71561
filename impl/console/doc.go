// Package console is what people look at: pages that sign in, keep an account, and play the phone. They are plain ES modules that
// are served as they are written, and use the contract's public operations only, so that whatever they do any front end can do.
//
//	static/          a page each: index.html signs in, account.html, phone.html
//	static/signin/   password, code, QR code, a new account, a forgotten password
//	static/account/  a module for each part of the page
//	static/phone/    scanning, deciding about a login, redeeming a fastpass
//	static/lib/      calls, tokens, words (en.js, zh.js), forms, captcha, QR codes
//	static/vendor/   a QR code reader and writer, as published (tests/frontend compares)
//	types.d.ts       the contract's types as the modules use them; `make types` follows the contract
//
// Invariants: no markup is made from text (lib/dom.js takes none), nothing is loaded from elsewhere and no script is inline
// (page.Policy), tokens stay in the tab (lib/session.js), and what one click began another click does not begin again.
//
// The pages are an application of their own, a public one: it has no secret that a page could keep. Its sessions end after a
// working day, and since it holds no refresh token, so do its access tokens; ending a session ends both at once.
package console
