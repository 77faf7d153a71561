// Package notify brings messages to people, verification codes and notices, by e-mail and SMS, and events to programs (hooks).
// It is an outbox. Whoever has
// something to say writes it in the transaction of what it is about, and a worker of any replica delivers it.
//
// Invariants:
//   - A message exists if and only if the transaction that it tells about was committed.
//   - At most one worker has a message at a time: it is claimed for a lease (FOR UPDATE SKIP LOCKED), and whoever lost the
//     lease can no longer write to the row.
//   - What was certainly not taken is tried again, with a growing pause and jitter, for as long as the message makes sense.
//   - What was perhaps taken (the connection was lost after the last byte, the process was killed) is tried again only where
//     the channel knows a repeat by its id. Otherwise it is given up: a second mail would be worse than none, since a
//     person can ask for another code.
//   - Giving up leaves a row in the audit log. Delivery never holds up a request, nor does one channel hold up another.
//   - Address and text are sealed while they wait, and gone afterwards. Texts are fixed: nothing that anybody typed becomes
//     part of one (C10).
//
// State:
//
//	waiting > (leased > handed over >) delivered
//	   |  ^------- try again ---+----> refused | uncertain
//	   +----> expired | suppressed (a decoy)
package notify
