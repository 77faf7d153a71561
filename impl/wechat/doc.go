// Package wechat lets people scan login QR codes with WeChat: by following an official account, or in a mini program. It
// knows WeChat and its API; what a scan means is the business of Logins.
//
// Invariants (Q10):
//   - What WeChat pushes counts if its signature is right, near its time, and its nonce belongs to no other message. With
//     an EncodingAESKey nothing counts that is not encrypted. Nothing is written before that.
//   - An event takes effect once, however often WeChat sends it and to which replica. One whose effect has failed is
//     tried again; the answer comes within five seconds whatever happens.
//   - A message is XML without DOCTYPE, comments or depth; what it is not is refused before anything reads it.
//   - One access token a connection, in one row. Who has the lease fetches the next one; a token that WeChat does not
//     take is voided by its version, once. The requests of a process that need it wait for it together.
//   - WeChat being slow holds up few: so many requests of a process may wait for it, and the next is told to come again.
//   - Codes of mini programs never expire at WeChat. That ours do is up to Logins.
//   - Secrets and tokens are sealed at rest, each to its kind and row. WeChat wants them in URLs: no error has one.
//
// Threats: forged pushes, replays, XML bombs; a picture that is none; a person who decides about somebody else's scan
// (Logins pins the one who scanned).
package wechat
