// Package mfa binds authenticator apps and checks their codes (TOTP, RFC 6238).
//
// Invariants:
//   - The secret is made here, waits here, sealed, for ten minutes, and becomes the factor only with a code of the app
//     (T1, T10, T11). What a client says about the secret is compared, never believed.
//   - A code is good once: its time step is spent in the transaction that creates its effect, and so is that of the code
//     that binds (T4). Of two racing requests one wins.
//   - A try is charged, in its own statement, before it is evaluated: five are free, then each failure costs a wait that
//     doubles up to an hour, and a hundred in a row disable the factor (T5). Only a success forgets them (T6).
//   - Every door to a session asks Challenge. One without a field for the code refuses.
//
// State:
//
//	none --qrcode--> waiting --bind(code)--> bound --100 failures--> disabled
//	  ^                 |
//	  +-----------------+  five wrong codes, or ten minutes
package mfa
