// Package otp hands out OTP secrets to those who manage users: systems that move them elsewhere, or keep a second copy.
// A secret is the whole second factor, so the way to it is narrow.
//
// Invariants (T15, T16):
//   - The access key needs a scope of its own, otp:secret:read.
//   - The audit row is committed before the answer, also for refused lookups. No row, no secret.
//   - A key may look up so many secrets a minute, and no more.
//   - An identifier matches exactly, and only as the type it was given as.
//   - Only a key that may read users is told whether the user or the authenticator is missing.
package otp
