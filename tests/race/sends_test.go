package race

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/impl/captcha"
	"github.com/menshen-auth/menshen/tests/harness"
)

const (
	imageFirst = "Solve an image captcha first."
	tooOften   = "Too many requests; try again later."
)

// sends is a race for a limit.
type sends struct {
	name    string
	to      func(n int) string // the addresses
	calls   int
	finish  string // table
	most    int
	refusal string
	alerts  int
}

func oneMailbox(int) string       { return "alice@example.com" }
func manyMailboxes(n int) string  { return fmt.Sprintf("alice%d@example.com", n) }
func phonesOfABlock(n int) string { return fmt.Sprintf("+861380013%04d", n) }
func phonesAllOver(n int) string  { return fmt.Sprintf("+86138%04d8000", n) }
func phonesAbroad(n int) string   { return fmt.Sprintf("+6581%02d8000", n) }

// TestSendsEndAtTheFigure (C7, C9): of many codes that are asked for at once, over three replicas, exactly as many are sent
// as there may be. What is refused is counted nowhere: other limits still have their room. Operators are told once.
func TestSendsEndAtTheFigure(t *testing.T) {
	for name, test := range map[string]struct {
		limits func(*app.Config)
		sends  []sends
	}{
		"in an hour or a day": {func(c *app.Config) {
			c.LimitSendHour.Max, c.LimitSMSPrefix.Max = 5, 10
			c.SMSBudget, c.SMSCountries = 12, captcha.Countries{"CN": 0, "SG": 7}
		}, []sends{
			{"to one address", oneMailbox, calls, "quotas", 5, tooMany, 0},
			{"to one block of numbers", phonesOfABlock, calls, "quotas", 10, tooMany, 1},
			{"SMS in all", phonesAllOver, calls, "sms_budgets", 12, tooMany, 1},
			{"SMS to one country", phonesAbroad, calls, "sms_budgets", 7, tooMany, 1},
		}},
		"of the userpool": {func(c *app.Config) { c.LimitSendPool.Max = 20 }, []sends{
			{"to anybody", manyMailboxes, calls, "quotas", 20, tooMany, 1},
		}},
		"in minutes": {func(c *app.Config) { c.LimitSend.Max, c.LimitSendIP.Max = 1, 10 }, []sends{
			{"to one address", oneMailbox, 500, "quotas", 1, tooMany, 0},
			{"to one client", manyMailboxes, calls, "quotas", 10, tooOften, 0},
		}},
		"without a captcha": {func(c *app.Config) { c.LimitSendFree.Max = 3 }, []sends{
			{"to one address", oneMailbox, calls, "quotas", 3, imageFirst, 0},
			{"to one client", manyMailboxes, calls, "quotas", 3, imageFirst, 0},
		}},
		"asked for": {func(c *app.Config) { c.LimitSendAsk.Max = 10 }, []sends{
			{"by one client", manyMailboxes, calls, "limits", 10, tooOften, 0},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			mails, phones := harness.NewMailServer(t), harness.NewSMSReceiver(t)
			f := newFleet(t, mails.Configure, phones.Configure, test.limits)
			rounds(t, dear, func(t *testing.T) {
				for _, s := range test.sends {
					t.Log(s.name)
					f[0].Exec(`DELETE FROM outbox`)
					before, alerts := len(mails.Messages())+len(phones.Messages()), f[0].Count(stopped)
					got := tally(rush(t, f, s.calls, s.finish, s.ask))
					if got[success] != s.most || got[s.refusal] != s.calls-s.most {
						t.Errorf("want %d, and for the others %q; got %v", s.most, s.refusal, got)
					}
					settled(t, f)
					if n := len(mails.Messages()) + len(phones.Messages()) - before; n != s.most || f[0].Count(`SELECT count(*) FROM outbox`) != s.most {
						t.Errorf("%d messages were received, want %d", n, s.most)
					}
					if n := f[0].Count(`SELECT coalesce(sum(sent), 0) FROM sms_budgets WHERE scope = 'all'`); n != 0 && n != s.most {
						t.Errorf("%d SMS were charged, want %d", n, s.most)
					}
					if n := f[0].Count(stopped) - alerts; n != s.alerts {
						t.Errorf("%d alerts, want %d", n, s.alerts)
					}
					f[0].Exec(`DELETE FROM sms_budgets`)
					f[0].Clock.Advance(24 * time.Hour)
				}
			})
		})
	}
}

// stopped counts the alerts.
const stopped = `SELECT count(*) FROM audit_log WHERE action = 'sends.stopped'`

// ask asks for the n-th code.
func (s sends) ask(c *gen.ClientWithResponses, n int) (*gen.CreateCaptchaResult, error) {
	to, by := s.to(n), email
	if to[0] == '+' {
		by = sms
	}
	return c.CreateCaptchaWithResponse(context.Background(), nil, gen.CaptchaRequest{Type: by, Use: gen.CaptchaUseRegister, Account: &to})
}

// settled waits until no message is on its way.
func settled(t *testing.T, f fleet) {
	t.Helper()
	harness.Eventually(t, "the end of all deliveries", func() bool { return f[0].Count(`SELECT count(*) FROM outbox WHERE state = 'waiting'`) == 0 })
}

// TestOneCaptchaIsOneSend (C4, C9): an image captcha, answered many times at once, is one code by e-mail.
func TestOneCaptchaIsOneSend(t *testing.T) {
	f := newFleet(t, func(c *app.Config) { c.LimitSendFree.Max = 3 })
	rounds(t, fair, func(t *testing.T) {
		before := f[0].Count(`SELECT count(*) FROM outbox`)
		id, answer := f[0].Captcha(gen.CaptchaUseRegister)
		one(t, rush(t, f, calls, "captchas", func(c *gen.ClientWithResponses, n int) (*gen.CreateCaptchaResult, error) {
			return c.CreateCaptchaWithResponse(t.Context(), nil, gen.CaptchaRequest{
				Type: email, Use: gen.CaptchaUseRegister, Account: ptr(manyMailboxes(n)), CodeID: &id, Code: &answer,
			})
		}), sentWrong)
		if n := f[0].Count(`SELECT count(*) FROM outbox`) - before; n != 1 {
			t.Fatalf("%d messages", n)
		}
	})
}

// TestThreePasswordsAreFree (C9): of many wrong passwords on one account at once, exactly three are looked at without an
// image captcha: when signing in, and when changing the password. Who then solves one and knows the password gets in, and
// has three again.
func TestThreePasswordsAreFree(t *testing.T) {
	const wrong = "The account or the password is wrong."
	f := newFleet(t, func(c *app.Config) { c.LimitSignInFree.Max = 3 })
	alice := f[0].SignUp("alice")
	type answers func(password string, captcha ...string) func(*gen.ClientWithResponses, int) (any, error)
	given := func(captcha []string) (id, code *string) {
		if len(captcha) == 0 {
			return nil, nil
		}
		return &captcha[0], &captcha[1]
	}
	for name, test := range map[string]struct {
		use gen.CaptchaUse
		try answers
	}{
		"sign in": {gen.CaptchaUseLogin, func(password string, captcha ...string) func(*gen.ClientWithResponses, int) (any, error) {
			id, code := given(captcha)
			return func(c *gen.ClientWithResponses, _ int) (any, error) {
				return c.LoginWithCaptchaWithResponse(t.Context(), nil, gen.CaptchaLoginRequest{
					Account: "alice", LoginType: gen.CaptchaLoginRequestLoginTypePwd, Password: &password, CodeID: id, Code: code,
				})
			}
		}},
		"change": {gen.CaptchaUseChangePwd, func(password string, captcha ...string) func(*gen.ClientWithResponses, int) (any, error) {
			id, code := given(captcha)
			return func(c *gen.ClientWithResponses, _ int) (any, error) {
				return c.ChangePasswordWithResponse(t.Context(), nil, gen.ChangePasswordRequest{
					Type: gen.ChangePasswordRequestTypePwd, OldPassword: &password, Password: harness.Password, CodeID: id, Code: code,
				}, harness.Header("iThings-token", alice.AccessToken))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			rounds(t, fair, func(t *testing.T) {
				got := tally(rush(t, f, calls, "limits", test.try("not "+harness.Password)))
				if got[wrong] != 3 || got[imageFirst] != calls-3 {
					t.Fatalf("want 3 tries and the others asked for a captcha, got %v", got)
				}
				id, answer := f[0].Captcha(test.use)
				if r, err := test.try(harness.Password, id, answer)(f[1].Client, 0); err != nil || !harness.OutcomeOf(r).Success() {
					t.Fatalf("with captcha and password: %v, %v", r, err)
				}
				alice = f[0].SignIn("alice")
			})
		})
	}
}
