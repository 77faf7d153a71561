// Package tenancy is how an operator keeps userpools, applications and access keys: `menshen pool`, `menshen app` and `menshen
// key`, beside a service that runs. It has no operations; what is wrong with a value is told under the name of its flag. Others
// read the rows that it writes, on every request, so that a change works at once and on all replicas.
//
// Invariants:
//   - A change and its audit rows are one transaction.
//   - Who is given a new secret has it before it works: it is shown within the transaction, which a failure to show it undoes.
//     Otherwise a broken pipe would leave an application whose secret nobody knows, or worse, one whose old secret has stopped.
//     It is shown this once; the database has it hashed, or sealed.
//   - A userpool always has a default application, which is not disabled: those who name none are served by it, and limits of
//     sign-ins count in its name.
//   - A disabled application has no sessions, and gets none: also a sign-in that is just being finished is waited for. Enabling it
//     brings none back.
//   - Names are for people and may be the same; ids are for programs.
//   - A userpool is never removed, nor what it has: the audit log and the users' authenticators speak of it.
package tenancy
