package e2e

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// uses are what a code can be for.
var uses = []gen.CaptchaUse{gen.CaptchaUseLogin, gen.CaptchaUseRegister, gen.CaptchaUseForgetPwd, gen.CaptchaUseChangePwd, gen.CaptchaUseBindAccount}

// consumers are the operations that take a code, by its use. token is a signed-in user's.
func consumers(t *testing.T, h *harness.Instance, token string) map[gen.CaptchaUse]func(p proof) any {
	t.Helper()
	const password = "purple guards at every door"
	return map[gen.CaptchaUse]func(p proof) any{
		gen.CaptchaUseLogin:       func(p proof) any { return p.login(t, h) },
		gen.CaptchaUseRegister:    func(p proof) any { return p.register(t, h, gen.CodeRegisterRequest{}) },
		gen.CaptchaUseForgetPwd:   func(p proof) any { return p.reset(t, h, password) },
		gen.CaptchaUseChangePwd:   func(p proof) any { return p.change(t, h, token, password) },
		gen.CaptchaUseBindAccount: func(p proof) any { return p.bind(t, h, token) },
	}
}

// TestCodeIsGoodForOneThing (C3, C8): a code opens the door that it was made for, at the address that it was sent to, by the
// channel that it was sent by, in the userpool that it was asked of, once, and for five minutes (C2). Whatever else is
// wrong about it is refused in the same bytes.
func TestCodeIsGoodForOneThing(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	newBob(h)
	pool, _ := secondPool(t, h)
	sample := func(use gen.CaptchaUse) proof { return prove(h, byEmail, use, emailOfBob) }
	for _, use := range uses {
		consume := consumers(t, h, tokenOf(t, "login", sample(gen.CaptchaUseLogin).login(t, h)))[use]
		used := proof{"email", emailOfBob, "aaaaaaaaaaaaaaaaaaaa", "000000"}
		unknown := consume(used)
		wantCode(t, string(use)+": unknown id", unknown, 1000005)
		refused := func(what string, p proof) {
			t.Helper()
			wantSame(t, string(use)+": "+what+" and unknown id", consume(p), unknown)
		}
		for _, other := range uses {
			if other != use {
				refused("for the use "+string(other), sample(other))
			}
		}
		p := prove(h, byEmail, use, "carol@example.com")
		refused("sent to somebody else", proof{p.by, emailOfBob, p.id, p.code})
		p = prove(h, byPhone, use, phoneOfBob)
		refused("sent by SMS", proof{"email", emailOfBob, p.id, p.code})
		p = sample(use)
		refused("sent by e-mail", proof{"phone", phoneOfBob, p.id, p.code})
		refused("of another userpool", prove(h, byEmail, use, emailOfBob, of(pool)))
		id, answer := h.Captcha(use)
		refused("an image captcha", proof{"email", emailOfBob, id, answer})

		p = sample(use)
		refused("wrong", p.wrong())
		refused("empty", proof{p.by, p.to, p.id, ""})
		refused("without its id", proof{p.by, p.to, "", p.code})
		refused("with the id of the one before", proof{p.by, p.to, p.id, sample(use).code})
		refused("voided by the one after", p)
		p = sample(use)
		h.Clock.Advance(5 * time.Minute)
		refused("of five minutes ago", p)
		h.Clock.Advance(5 * time.Minute) // and the tries are forgotten
	}
}

// TestUsedCode (C4): a code that has opened a door opens none again.
func TestUsedCode(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	newBob(h)
	signIn := func() string {
		return tokenOf(t, "login", prove(h, byEmail, gen.CaptchaUseLogin, emailOfBob).login(t, h))
	}
	for _, use := range uses {
		to := emailOfBob
		if use == gen.CaptchaUseRegister {
			to = "carol@example.com"
		}
		token := signIn()
		p := prove(h, byEmail, use, to)
		wantSuccess(t, string(use), consumers(t, h, token)[use](p))
		if !h.Alive(token) { // a new password has ended the session
			token = signIn()
		}
		consume := consumers(t, h, token)[use]
		unknown := proof{"email", to, "aaaaaaaaaaaaaaaaaaaa", "000000"}
		wantSame(t, string(use)+": used and unknown id", consume(p), consume(unknown))
	}
}

// TestFiveWrongCodes (C4): five wrong codes void it, and no new one helps: the five are those of the address, for ten
// minutes and over all its codes of one use. Other uses and other addresses are not touched.
func TestFiveWrongCodes(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	newBob(h)
	ask := func() *gen.CreateCaptchaResult {
		return must(h.TryAskForCode(byEmail, gen.CaptchaUseLogin, "BOB@example.com"))(t)
	}
	code := prove(h, byEmail, gen.CaptchaUseLogin, emailOfBob)
	for range 3 {
		wantCode(t, "a guess", code.wrong().login(t, h), 1000005)
	}
	h.Clock.Advance(4 * time.Minute)
	code = prove(h, byEmail, gen.CaptchaUseLogin, emailOfBob)
	last := code.wrong().login(t, h)
	wantSame(t, "the fifth guess and the one before", code.wrong().login(t, h), last)
	wantSame(t, "the right code after five guesses, and a wrong one", code.login(t, h), last)
	refused := ask()
	wantCode(t, "a new code", refused, 1000028)
	if wait := refused.HTTPResponse.Header.Get("Retry-After"); wait != "360" {
		t.Errorf("Retry-After is %q, want 360: ten minutes after the first code", wait)
	}
	wantSuccess(t, "another use", prove(h, byEmail, gen.CaptchaUseForgetPwd, emailOfBob).reset(t, h, "purple guards at every door"))
	wantSuccess(t, "another address", prove(h, byPhone, gen.CaptchaUseLogin, phoneOfBob).login(t, h))

	h.Clock.Advance(6*time.Minute - time.Millisecond)
	wantCode(t, "a little too early", ask(), 1000028)
	h.Clock.Advance(time.Millisecond)
	wantSuccess(t, "ten minutes later", prove(h, byEmail, gen.CaptchaUseLogin, emailOfBob).login(t, h))
}

// TestOnlyGuessesCount (C4): somebody who does not have the id of the code cannot void it, and who got in has a clean slate.
func TestOnlyGuessesCount(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	newBob(h)
	for range 3 {
		code := prove(h, byEmail, gen.CaptchaUseLogin, emailOfBob)
		for range 4 {
			wantCode(t, "a wrong code", code.wrong().login(t, h), 1000005)
		}
		for range 10 {
			stranger := proof{code.by, code.to, "aaaaaaaaaaaaaaaaaaaa", code.code}
			wantCode(t, "a code of no id", stranger.login(t, h), 1000005)
		}
		wantSuccess(t, "the fifth try", code.login(t, h))
	}
}

// TestGuessingCodesIsSlow: from one address so many tries a minute are evaluated, whatever they are tried on.
func TestGuessingCodesIsSlow(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits, func(c *app.Config) { c.LimitSignInIP.Max = 3 })
	h.Clock.Freeze()
	for i, use := range []gen.CaptchaUse{gen.CaptchaUseLogin, gen.CaptchaUseRegister, gen.CaptchaUseForgetPwd, gen.CaptchaUseLogin} {
		p := proof{"email", emailOfBob, "aaaaaaaaaaaaaaaaaaaa", "000000"}
		r := consumers(t, h, "")[use](p)
		if i < 3 {
			wantCode(t, string(use), r, 1000005)
		} else if o := wantGate(t, "the fourth try", r, 429); o.Header.Get("Retry-After") != "20" {
			t.Errorf("the fourth try: %v", o.Header)
		}
	}
}
