// Package db is the storage of Menshen: PostgreSQL, through sqlx and lib/pq. It knows rows and guarded statements; the
// rules that decide which one to run are in impl.
//
// DB holds the pool. Queries runs statements, on the pool or inside InTx; its groups (Accounts, MFA, QRLogins ...) stand
// one to a file. Every statement is prepared once and kept, except through a transaction pooler (pooler.go).
//
// Invariants:
//   - What may happen only once (a code, a time step, a ticket, a state change, a refresh token) is one guarded
//     UPDATE or DELETE with RETURNING. ErrNotFound then means: not there, or somebody was first.
//   - Time is an argument. Statements never ask the database for it, so every decision about time is the caller's clock.
//   - A column with a secret says how it is kept: ..._sealed or ..._hash.
//
// Errors are ErrNotFound, ErrDuplicate and ErrUnavailable; errors.go is the only file that knows the driver's.
package db
