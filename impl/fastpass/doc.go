// Package fastpass signs a phone in from the web: the signed-in page shows a QR code, the phone scans it and has a session
// of its own.
//
// Invariants (Q7):
//   - The QR code carries an id and no token. The id is stored hashed, good once and for 60 seconds.
//   - It lives no longer than the web session that made it: the UPDATE that redeems it looks at the session.
//   - The application that redeems it must belong to the userpool.
//   - The phone's session has the assurance (amr) of the web session, never more. The user is told of it.
//
// State:
//
//	PENDING --apps--> SCANNED --redeem--> AUTHORIZED
//	   |                 |
//	   +-----------------+--60 s--> EXPIRED, or CANCELLED with the web session
package fastpass
