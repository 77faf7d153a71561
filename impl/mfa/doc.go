// Package mfa binds authenticator apps and checks their codes (TOTP, RFC 6238).
//
// Invariants:
//   - A secret is made here, waits here, sealed, for ten minutes, and becomes a factor only with a code of the app (T1, T10,
//     T11). What a client says about the secret is compared, never believed. One that another system has made comes in
//     through Import, for those who manage users.
//   - verify is the one place where codes are evaluated, whatever they are for. It evaluates; the transaction that creates the
//     effect spends: a code is good once, also the one that binds (T4). Of two racing requests one wins.
//   - A try is charged, in its own statement, before it is evaluated: five are free, then each failure costs a wait that
//     doubles up to an hour, and a hundred in a row disable the factor (T5). A code is tried on all authenticators of its user
//     that may be tried, and each counts its own: only a success of a factor forgets its failures, and the right code of one is
//     no guess at the others (T6).
//   - A device's clock is followed, from codes that were right, up to four steps (T7).
//   - How a user signs in changes only under the lock of the user's row, which a new session takes as well. Who has an
//     authenticator must have shown a code to add or remove one; who has none must have signed in a short while ago. What a
//     session has shown before an authenticator was removed counts for nothing in another one after it.
//   - The user is told of every change, by e-mail.
//
// State of a factor:
//
//	nothing --qrcode--> waiting --code--> active --5 failures--> blocked --time--> active
//	   ^                  |                  |                      +--100 failures--> disabled
//	   +------------------+                  +--code--> removed <--code of another, recovery code--+
//	   five wrong codes, or ten minutes
//
// Recovery codes (T14) are accepted wherever a code is. The ten that a user makes are the user's, and go with the last factor;
// one that was shown at an enrolment goes with that factor.
package mfa
