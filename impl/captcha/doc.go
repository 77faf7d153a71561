// Package captcha issues and checks verification codes: images (package puzzle draws them), and codes that are sent by
// e-mail and SMS (capability notify sends them).
//
// Invariants:
//   - A code is bound to its type, use and address (C3), kept as an HMAC only (C5), and good for 180 seconds as an image and
//     five minutes when sent (C2). Its digits come from crypto/rand (C1).
//   - An image is used up by its first check, right or wrong: one DELETE takes it away before anything is compared (C4).
//   - A sent code has five tries, charged before they are evaluated. They are the address's: a new code voids the one before
//     and brings no new tries. A right code is used up in the transaction that it allows (C4).
//   - Unknown, used, expired, of another use or address, wrong: all fail the same way (C8).
//   - Code, charges and message are one transaction. What is refused was not charged (only an image captcha is used up all
//     the same), what was charged is sent (C7).
//   - Whether somebody has an address shows in nothing but the mailbox: the rest happens in the same way, with a message that
//     is a decoy (C6). Menshen sends to the address on file, however the request spelt it.
//   - A budget that is used up raises an alarm: audit log, metric, log (C7). Limits fail closed: no database, no code.
//
// An OCR engine solves 2.6 % of the pictures of the default kind (C11; package puzzle has the table).
//
// Against farming of SMS: only known addresses are written to (but for register and bindAccount), an image captcha after a
// few codes (C9), rules by client, target, block of numbers and userpool, countries, and a budget a day.
//
// State:
//
//	image: drawn > checked (gone), or expired
//	code:  issued > (tried, up to 5 times) > spent (gone), voided by the next, or expired
package captcha
