// Package captcha issues and checks verification codes: an image whose digits a person types, and codes by e-mail and
// SMS. (No channel for the latter can be configured yet; they are refused, clearly.)
//
// Invariants:
//   - A code is bound to its type and use (C3), kept as an HMAC only (C5), and good for 180 seconds (C2).
//   - An image is used up by its first check, right or wrong: one DELETE takes it away before anything is compared (C4).
//   - Unknown, used, expired, wrong use, wrong answer: all fail the same way (C8).
//   - At most 20 images a minute for one address (C8).
//
// State:
//
//	create > waiting > checked (gone), or expired
package captcha
