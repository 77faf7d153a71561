// Package channel carries letters out of the house: an e-mail through an SMTP server, an SMS through Alibaba Cloud,
// Tencent Cloud or a webhook of the operator's own, and in development a file in a directory.
//
// Every channel answers one question after a delivery: may it be tried again?
//
//	nil            taken: the other side said so
//	ErrRefused     no: the address or the text is refused, and would be every time
//	ErrUncertain   only where Recognises is true: the answer got lost, a second try may be a second SMS
//	other errors   yes: the letter was certainly not taken
//
// What the operator has to repair (a wrong password, a certificate, an empty account, an unapproved template) is of the
// last kind: the letter is good, and goes out if the repair is quick. Errors name what is wrong for the log. They hold
// neither address, text, code nor key, not even where the other side repeats them: of its answers only status codes and
// identifiers are quoted.
//
// Invariants:
//   - A delivery ends when its context or its time-out does, wherever the other side hangs.
//   - A letter is one message to one person: nothing in it becomes a header, a command or a second recipient (C10).
//   - The ID of a letter goes along (Message-ID, webhook-id, OutId, SessionContext), so that a repeat can be recognised
//     where somebody looks.
//   - HTTP requests are signed as the vendors publish it, checked against their published examples; redirects are not
//     followed, answers are read up to a limit.
package channel
