// Package qrlogin signs a web page in from a phone: the page shows a QR code, the signed-in phone scans and confirms it,
// the page's backend exchanges a ticket for tokens. Of the WeChat types the code is WeChat's, and the phone is known there.
//
// Invariants:
//   - Three secrets of 192 bits, stored hashed (Q1). The scan id is public: it is in the picture and its address. The
//     qrcodeId is the poll secret of the page, and only it is answered with a status. The ticket follows from the
//     qrcodeId by a keyed hash, is stored nowhere, and is shown to the poll secret only. Who photographs the screen has
//     nothing.
//   - One guarded UPDATE an edge (Q3). SCAN pins user and session, or the person at WeChat; no other may confirm or cancel.
//   - SCAN says what must be seen before confirming (Q5). With number matching the page shows one of the numbers that the
//     phone shows, and a wrong one cancels.
//   - EXPIRED follows from the clock and is an answer; an unknown id is an error (Q2).
//   - A ticket is good once, for its application, while the session that confirmed lives. A second use ends the session
//     that the first one opened (Q4). Nobody vouches for who confirmed at WeChat: that ticket is a door like any other.
//   - Events and polling tell the same. Events are told by whoever looks, at a notification or once a second, and their
//     numbers only go up.
//   - Before AUTHORIZED, and after, a status tells at most display name and photo (Q6).
//
// State:
//
//	PENDING --scan--> SCANNED --confirm--> AUTHORIZED --exchange--> consumed
//	   |                 |  \--cancel--> CANCELLED  |
//	   +-----120 s-------+--> EXPIRED <-----60 s----+
package qrlogin
