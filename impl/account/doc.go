// Package account knows the people and the programs: users and their passwords, sessions and tokens, applications and
// access keys. It serves operations in all dialects, and opens the sessions of every other capability.
//
// Invariants:
//   - There is one way to a session, Open, in the transaction that uses up what was proved. Every door goes through it. It asks
//     again, under the lock of the user's row, whether a code of an authenticator is needed, so that no door can forget it; a
//     session that another one vouches for (QR login, fastpass) has the assurance of that one, never more, and expires no later.
//   - Open takes no grant that the hooks of the application have not let pass (authn.Screened), and tells them of every session.
//     They are asked when the first factor was right, outside of any transaction; a refusal uses nothing up.
//   - Where the protocol has no field for that code, what was proved is used up and the sign-in waits, five minutes, for
//     FinishSignIn with its mfaToken, which is good once and for nothing else. A new password ends it.
//   - A password is hashed with argon2id, a bounded number at a time; an unknown user costs the same as a known one.
//   - An access token (RS256, 15 minutes) is worth what its session is: it is looked up on every request, so signing out
//     or disabling a user works at once.
//   - A refresh token is opaque, stored hashed and good once. A second use ends the session, since one of the two users
//     is a thief; within RefreshGrace it is only refused, since that is what a browser with two requests in flight does.
//     At /oidc/token it is spent by the application of its session alone: in another's hands it is no sign of theft.
//   - Secrets of applications are tried in one place, VerifyApplication, which counts. A public application goes by its
//     name, for its own sessions, and is told nothing that takes a secret.
//   - An identifier is compared exactly, in one normal form, and only as the type it was given as (T16).
//
// State:
//
//	password or code > (authenticator's code) > Open > access + refresh > Renew > access + refresh ...
//	       |                                               |                         |
//	       +--> waiting > FinishSignIn > Open              +---- revoked: new password, reuse, disabled user
package account
