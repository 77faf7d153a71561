// Package otp is the authenticators of users as those see them who manage users: systems that move secrets elsewhere or bring
// them along, or keep a second copy. A secret is the whole second factor, so the way to it is narrow.
//
// Invariants (T15, T16):
//   - The access key needs a scope of its own: otp:secret:read, otp:secret:write.
//   - The audit row is committed before the answer, also for refused lookups. No row, no secret.
//   - A key may look up so many secrets a minute, and no more.
//   - An identifier matches exactly, and only as the type it was given as.
//   - Only a key that may read users is told whether the user or the authenticator is missing.
//   - An import is all or nothing, can be repeated, and replaces nothing.
//
// transfer is the file formats in which an operator moves secrets (menshen otp export, menshen otp import).
package otp
