// Package harness runs Menshen in a test: the real service, in process, on a PostgreSQL database of its own, behind a real
// HTTP server, spoken to with the generated client. What a test moves or looks at is the clock, the digits of captchas,
// and the log.
//
//	h := harness.New(t)
//	alice := h.SignUp("alice").EnrolTOTP()
//	h.Clock.Advance(30 * time.Second)
//	alice.Login(alice.Code())
//
// Its outside is doubles that check what they get: an SMTP server and a receiver of SMS, which go wrong on command.
//
//	m := harness.NewMailServer(t)
//	h := harness.New(t, m.Configure)
//	h.AskForCode(gen.CaptchaRequestTypeEmail, gen.CaptchaUseRegister, "alice@example.com")
//	code := m.WaitForCode(t, "alice@example.com")
//
// Codes and pictures are checked with independent means: totp.go computes TOTP on its own, and QR codes are read with
// another library than the one that drew them.
package harness
