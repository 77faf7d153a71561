package e2e

import (
	"fmt"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestNobodyLearnsWhoHasAnAddress (C6): asking for a code, for whatever use, is answered alike for an address that has an
// account, one whose account is disabled and one that nobody has: same status, same headers, same body but for the id. And
// as much is written to the database, by which the time could tell.
func TestNobodyLearnsWhoHasAnAddress(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	newBob(h)
	h.CreateUser(gen.CreateUserReqDto{Username: ptr("dave"), Email: ptr("dave@example.com"), Phone: ptr("13600136000")})
	h.Exec(`UPDATE users SET status = 'Suspended' WHERE username = 'dave'`)
	for _, use := range uses {
		for by, to := range map[gen.CaptchaRequestType][3]string{
			byEmail: {emailOfBob, "nobody@example.com", "dave@example.com"}, byPhone: {"13800138000", "13900139000", "13600136000"}, bySMS: {"13800138000", "13900139000", "13600136000"},
		} {
			ask := func(to string) *gen.CreateCaptchaResult { return must(h.TryAskForCode(by, use, to))(t) }
			known := ask(to[0])
			wantSuccess(t, string(use)+" by "+string(by), known)
			wantSame(t, string(use)+" by "+string(by)+": somebody and nobody", known, ask(to[1]))
			wantSame(t, string(use)+" by "+string(by)+": somebody and who is disabled", known, ask(to[2]))
		}
	}
	h.Settle()
	const uneven = `SELECT count(*) FROM (SELECT 1 FROM sent_codes GROUP BY channel, use, attempts, expires_at, attempts_until HAVING count(*) <> 3) groups`
	if n := h.Count(uneven); n != 0 {
		t.Errorf("of %d uses something else is kept for somebody than for nobody", n)
	}
	if n := h.Count(`SELECT count(*) FROM outbox`); n != 3*3*len(uses) {
		t.Errorf("%d messages were written, want one for each request", n)
	}
}

// TestNobodyLearnsFromWrongCodes (C6): a wrong code is refused alike for somebody and for nobody, at the first try and at the
// sixth, and so is the next code.
func TestNobodyLearnsFromWrongCodes(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	newBob(h)
	for use, consume := range consumers(t, h, "") {
		if use == gen.CaptchaUseChangePwd || use == gen.CaptchaUseBindAccount {
			continue // for the signed in, who know that they exist
		}
		somebody, nobody := prove(h, byEmail, use, emailOfBob), prove(h, byEmail, use, "nobody@example.com")
		for n := range 6 {
			wantSame(t, fmt.Sprintf("%s: try %d at somebody and nobody", use, n), consume(somebody.wrong()), consume(nobody.wrong()))
		}
		wantSame(t, string(use)+": the right code of somebody and of nobody", consume(somebody), consume(nobody))
		ask := func(to string) *gen.CreateCaptchaResult { return must(h.TryAskForCode(byEmail, use, to))(t) }
		refused := ask(emailOfBob)
		wantCode(t, string(use)+": a new code", refused, 1000028)
		wantSame(t, string(use)+": a new code for somebody and for nobody", refused, ask("nobody@example.com"))
	}
}

// TestRegistrationTellsWhereItIsWanted (C6): a userpool may prefer to say at once that there is an account. It is a choice, and
// of that userpool alone; the other uses tell nothing there either.
func TestRegistrationTellsWhereItIsWanted(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits, func(c *app.Config) {
		if err := c.RegisterTells.UnmarshalText([]byte("true,second-userpool=false")); err != nil {
			t.Fatal(err)
		}
	})
	newBob(h)
	pool, _ := secondPool(t, h)
	h.Exec(`INSERT INTO users (userpool_id, id, email, email_key, status, source, created_at, updated_at)
		VALUES ($1, 'erin', 'erin@example.com', 'erin@example.com', 'Activated', 'register', now(), now())`, pool)
	ask := func(by gen.CaptchaRequestType, use gen.CaptchaUse, to string, editors ...gen.RequestEditorFn) *gen.CreateCaptchaResult {
		return must(h.TryAskForCode(by, use, to, editors...))(t)
	}
	wantCode(t, "an e-mail address with an account", ask(byEmail, gen.CaptchaUseRegister, emailOfBob), 1000023)
	wantCode(t, "a phone number with an account", ask(byPhone, gen.CaptchaUseRegister, phoneOfBob), 1000023)
	wantSuccess(t, "one without", ask(byEmail, gen.CaptchaUseRegister, "nobody@example.com"))
	wantSuccess(t, "one of another userpool", ask(byEmail, gen.CaptchaUseRegister, "erin@example.com"))
	h.Settle()
	if n := h.Count(`SELECT count(*) FROM outbox`); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
	for _, use := range uses {
		if use != gen.CaptchaUseRegister {
			wantSame(t, string(use), ask(byEmail, use, emailOfBob), ask(byEmail, use, "nobody@example.com"))
		}
	}
	wantSame(t, "another userpool", ask(byEmail, gen.CaptchaUseRegister, "erin@example.com", of(pool)), ask(byEmail, gen.CaptchaUseRegister, "nobody@example.com", of(pool)))
}
