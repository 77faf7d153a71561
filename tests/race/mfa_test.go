package race

import (
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// What refusals of the second factor say.
const (
	recoveryWrong = "The recovery code is wrong."
	recoveryUsed  = "The recovery code has been used."
	signInOver    = "The sign-in has expired or is finished; sign in again."
	codeNeeded    = "A code of the authenticator is required."
	nothingWaits  = "No secret waits to be bound; get a new QR code."
	boundAlready  = "An authenticator is bound already; show a code of it first."
	notBound      = "No authenticator is bound."
	unknownFactor = "You have no such authenticator."
)

// anyCode is a call with a code.
type anyCode = func(c *gen.ClientWithResponses, code string) (any, error)

// finishes and shows are the ways in which codes are evaluated without a password, which would cost more than all the rest:
// finishing a sign-in that waits, in either dialect; and, for who is signed in, showing a code. The status dialect has a field
// of its own for recovery codes.
func finishes(t *testing.T, mfaToken string, isRecoveryCode bool) []anyCode {
	return []anyCode{
		func(c *gen.ClientWithResponses, code string) (any, error) {
			body := gen.SigninWithMFADto{MFAToken: mfaToken, TOTP: &code}
			if isRecoveryCode {
				body.TOTP, body.RecoveryCode = nil, &code
			}
			return c.SignInWithMFAWithResponse(t.Context(), body)
		},
		func(c *gen.ClientWithResponses, code string) (any, error) {
			return c.LoginWithMFAWithResponse(t.Context(), nil, gen.MFALoginRequest{MFAToken: mfaToken, Code: code})
		},
	}
}

func shows(t *testing.T, access string) []anyCode {
	as := []gen.RequestEditorFn{harness.Header("Access-Token", access), harness.Header("Authorization", access)}
	return []anyCode{
		func(c *gen.ClientWithResponses, code string) (any, error) {
			return c.VerifyMFAWithResponse(t.Context(), nil, gen.MFACodeRequest{Code: code}, as...)
		},
		func(c *gen.ClientWithResponses, code string) (any, error) {
			return c.VerifyTOTPWithResponse(t.Context(), gen.MFAOTPVerifyDto{TOTP: code}, as...)
		},
		func(c *gen.ClientWithResponses, code string) (any, error) {
			return c.MakeRecoveryCodesWithResponse(t.Context(), nil, gen.MFACodeRequest{Code: code}, as...)
		},
	}
}

// crowd is alice and those who know her password: many sessions of hers from before the authenticator, and many sign-ins that
// wait for its code.
type crowd struct {
	f       fleet
	alice   *harness.Person
	access  []string // sessions
	waiting []string // mfaTokens
}

// newCrowd is n sessions and n sign-ins that wait. Only the first of each costs a password: the others are copies of its row.
func newCrowd(t *testing.T, n int) *crowd {
	t.Helper()
	f := newFleet(t)
	h := f[0]
	name, mail, password := "alice", "alice@example.com", harness.Password
	h.CreateUser(gen.CreateUserReqDto{Username: &name, Email: &mail, Password: &password})
	c := &crowd{f: f, alice: h.SignIn(name)}
	for range n {
		page := c.alice.Approve(h.MakeQR())
		c.access = append(c.access, *h.Exchange(page).JSON200.Data.AccessToken)
	}
	c.alice.EnrolTOTP()
	return c
}

// queue makes n sign-ins that wait. A password each would take minutes, so they have a code that was sent for the first
// factor.
func (c *crowd) queue(t *testing.T, n int) {
	t.Helper()
	for range n {
		id := c.f[0].AskForCode(email, gen.CaptchaUseLogin, "alice@example.com")
		code := c.f[0].Digits.Last()
		r, err := c.f[0].Client.LoginWithCaptchaWithResponse(t.Context(), nil, gen.CaptchaLoginRequest{
			LoginType: gen.CaptchaLoginRequestLoginTypeEmail, Account: "alice@example.com", CodeID: &id, Code: &code,
		})
		if err != nil || r.JSON200 == nil || r.JSON200.MFAToken == nil {
			t.Fatalf("a sign-in that waits: %v %s", err, r.Body)
		}
		c.waiting = append(c.waiting, *r.JSON200.MFAToken)
	}
	c.f[0].Exec(`CREATE TABLE queue AS TABLE pending_signins`)
}

// afresh begins a round: what was finished waits again, and no code was tried. The clock stands still, or sessions would end
// after some rounds.
func (c *crowd) afresh() {
	c.f[0].Exec(`INSERT INTO pending_signins TABLE queue ON CONFLICT DO NOTHING`)
	c.f[0].Exec(`UPDATE mfa_factors SET last_step = 0, failures = 0, blocked_until = NULL`)
}

// everywhere is a way for each of n calls, each with a session or a sign-in of its own. way(n) tells which of them.
func (c *crowd) everywhere(t *testing.T, code func(n int) string) func(client *gen.ClientWithResponses, n int) (any, error) {
	return func(client *gen.ClientWithResponses, n int) (any, error) {
		who := n / 5
		ways := append(finishes(t, c.waiting[who%len(c.waiting)], false), shows(t, c.access[who%len(c.access)])...)
		return ways[n%5](client, code(n))
	}
}

func (c *crowd) count(query string, args ...any) int { return c.f[0].Count(query, args...) }

func (c *crowd) sessions() int { return c.count(`SELECT count(*) FROM sessions`) }

// TestGuessesAreCountedEverywhere (T5): a hundred people who know the password guess at once, through every door and within a
// hundred sessions, over three replicas, each another code. Exactly five guesses are looked at.
func TestGuessesAreCountedEverywhere(t *testing.T) {
	const many = 120
	c := newCrowd(t, 24)
	c.queue(t, 24)
	rounds(t, cheap, func(t *testing.T) {
		guesses := c.f[0].WrongCodes(many, c.alice.Secret)
		const looked = `SELECT count(*) FROM audit_log WHERE action = 'mfa.verify' AND outcome = 'refused'`
		before, opened := c.count(looked), c.sessions()
		got := tally(rush(t, c.f, many, "mfa_factors", c.everywhere(t, func(n int) string { return guesses[n] })))
		if got[codeWrong] != 5 || got[wait] != many-5 {
			t.Errorf("want 5 guesses and %d told to wait, got %v", many-5, got)
		}
		if n := c.count(looked) - before; n != 5 || failures(c.f, c.alice) != 5 || c.sessions() != opened {
			t.Errorf("%d guesses in the audit log, %d counted, %d sessions", n, failures(c.f, c.alice), c.sessions()-opened)
		}
		c.f[0].Exec(`UPDATE mfa_factors SET failures = 0, blocked_until = NULL`)
	})
}

// TestGuessesOverTwoPhones (T5, T6): with two authenticators there are five guesses at each, and no more for their number.
func TestGuessesOverTwoPhones(t *testing.T) {
	c := newCrowd(t, 13)
	c.queue(t, 13)
	tablet := c.alice.AddPhone("Tablet", c.alice.Code())
	rounds(t, fair, func(t *testing.T) {
		guesses := c.f[0].WrongCodes(calls, c.alice.Secret, tablet.Secret)
		got := tally(rush(t, c.f, calls, "mfa_factors", c.everywhere(t, func(n int) string { return guesses[n] })))
		if got[codeWrong] != 5 || got[wait] != calls-5 || c.count(`SELECT count(*) FROM mfa_factors WHERE failures = 5`) != 2 {
			t.Errorf("got %v", got)
		}
		c.f[0].Exec(`UPDATE mfa_factors SET failures = 0, blocked_until = NULL`)
	})
}

// TestOneCodeIsOneUse (T4): one right code, sent to all doors at once over three replicas, opens one of them, or is good for
// one thing within a session: never two, and never none.
func TestOneCodeIsOneUse(t *testing.T) {
	c := newCrowd(t, 16)
	c.queue(t, 16)
	rounds(t, cheap, func(t *testing.T) {
		c.afresh()
		code, opened := c.alice.Code(), c.sessions()
		answers := rush(t, c.f, calls, "mfa_factors", c.everywhere(t, func(int) string { return code }))
		one(t, answers, codeUsed, wait)
		entered := 0
		for n, answer := range answers {
			if harness.OutcomeOf(answer).Success() && n%5 < 2 {
				entered++
			}
		}
		if n := c.sessions() - opened; n != entered {
			t.Errorf("%d sessions were opened, by the answers %d", n, entered)
		}
	})
}

// TestOneRecoveryCodeIsOneUse (T14): the same of a recovery code. Its owner is told of one use.
func TestOneRecoveryCodeIsOneUse(t *testing.T) {
	c := newCrowd(t, 16)
	c.queue(t, 16)
	rounds(t, cheap, func(t *testing.T) {
		c.afresh()
		codes := c.alice.RecoveryCodes(c.alice.Code())
		const told = `SELECT count(*) FROM audit_log WHERE action = 'mfa.recovery' AND outcome = 'success'`
		opened, before := c.sessions(), c.count(told)
		answers := rush(t, c.f, calls, "users", func(client *gen.ClientWithResponses, n int) (any, error) {
			who := n / 4 % len(c.access)
			ways := append(finishes(t, c.waiting[who], true), shows(t, c.access[who])[:2]...)
			return ways[n%4](client, codes[0])
		})
		one(t, answers, recoveryUsed)
		if n := c.count(told) - before; n != 1 || c.sessions()-opened > 1 {
			t.Errorf("%d uses in the audit log, %d sessions", n, c.sessions()-opened)
		}
		if n := c.count(`SELECT count(*) FROM mfa_recovery_codes WHERE used_at IS NULL`); n != 9 {
			t.Errorf("%d recovery codes are left", n)
		}
	})
}

// TestOneWaitingSignInIsOneSession: an mfaToken, finished many times at once with codes that are all good, opens one session,
// and costs no second code.
func TestOneWaitingSignInIsOneSession(t *testing.T) {
	c := newCrowd(t, 1)
	c.queue(t, 1)
	rounds(t, fair, func(t *testing.T) {
		c.afresh()
		recovery := c.alice.RecoveryCodes(c.alice.Code())
		totp, err := harness.TOTP(c.alice.Secret, c.f[0].Clock.Now().Add(step))
		if err != nil {
			t.Fatal(err)
		}
		opened := c.sessions()
		answers := rush(t, c.f, calls, "users", func(client *gen.ClientWithResponses, n int) (any, error) {
			code := recovery[n%len(recovery)]
			if n < 3 { // more of them, and some would wait
				code = totp
			}
			return finishes(t, c.waiting[0], false)[1](client, code)
		})
		one(t, answers, signInOver, codeUsed, recoveryUsed, wait)
		if n := c.sessions() - opened; n != 1 {
			t.Errorf("%d sessions were opened", n)
		}
		spent := c.count(`SELECT count(*) FROM mfa_recovery_codes WHERE used_at IS NOT NULL`)
		if next := c.f[0].Clock.Now().Unix()/30 + 1; c.count(`SELECT count(*) FROM mfa_factors WHERE last_step = $1`, next) == 1 {
			spent++
		}
		if spent != 1 {
			t.Errorf("%d codes were used up", spent)
		}
	})
}
