package e2e

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

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

// TestNobodyLearnsFromTime (C6): how long the answer takes does not tell whether somebody has the address. 1,000 requests,
// half of them for addresses with an account, in random order: the chance that one for an account takes longer than one
// for none (the area under the ROC curve, which is the statistic of Mann and Whitney) has to be 0.5 within 0.05. Where
// nothing differs, that estimate strays by 0.018 (one sigma), so a run is outside once in 160 times; three runs are, once in
// four million. A real difference is there in all of them.
func TestNobodyLearnsFromTime(t *testing.T) {
	t.Parallel()
	m := harness.NewMailServer(t)
	h := harness.New(t, harness.NoLimits, m.Configure)
	h.Exec(`
		INSERT INTO users (userpool_id, id, email, email_key, status, source, created_at, updated_at)
		SELECT $1, 'known-' || n, 'known-' || n || '@example.com', 'known-' || n || '@example.com', 'Activated', 'register', now(), now()
		FROM generate_series(0, $2 - 1) n`, h.Credentials.UserpoolID, samples/2)
	for _, use := range []gen.CaptchaUse{gen.CaptchaUseLogin, gen.CaptchaUseForgetPwd, gen.CaptchaUseRegister} {
		began, runs := time.Now(), []float64{}
		for range 3 {
			area := areaUnderCurve(timings(t, h, use))
			if runs = append(runs, area); math.Abs(area-0.5) <= 0.05 {
				break
			}
		}
		t.Logf("%s: area under the curve %.3f, in %s", use, runs, time.Since(began))
		if len(runs) == 3 && math.Abs(runs[2]-0.5) > 0.05 {
			t.Errorf("%s: the time tells who has an account: areas under the curve %.3f, want 0.5", use, runs)
		}
	}
}

// samples is how many requests are timed.
const samples = 1000

// timings asks for a code for addresses with and without an account in random order, and returns how long it took.
func timings(t *testing.T, h *harness.Instance, use gen.CaptchaUse) (known, unknown []time.Duration) {
	t.Helper()
	for range 20 { // connections are made, caches filled
		h.AskForCode(byEmail, use, "warm-up@example.com")
	}
	for _, n := range rand.Perm(samples) {
		to, list := fmt.Sprintf("known-%d@example.com", n/2), &known
		if n%2 == 0 {
			to, list = fmt.Sprintf("nobody%d@example.com", n/2), &unknown
		}
		began := time.Now()
		r, err := h.TryAskForCode(byEmail, use, to)
		took := time.Since(began)
		wantSuccess(t, to, must(r, err)(t))
		*list = append(*list, took)
	}
	return known, unknown
}

// areaUnderCurve is the chance that a value of a is greater than one of b, equal ones counting half: 0.5 when they cannot be
// told apart, 0 or 1 when one look is enough.
func areaUnderCurve(a, b []time.Duration) float64 {
	slices.Sort(b)
	wins := 0.0
	for _, value := range a {
		below, _ := slices.BinarySearch(b, value)
		above, _ := slices.BinarySearch(b, value+1)
		wins += float64(below) + float64(above-below)/2
	}
	return wins / float64(len(a)*len(b))
}

// TestAreaUnderCurve: a statistic that finds nothing would let everything pass.
func TestAreaUnderCurve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b []time.Duration
		want float64
	}{
		{[]time.Duration{1, 2, 3}, []time.Duration{3, 1, 2}, 0.5},
		{[]time.Duration{5, 4}, []time.Duration{3, 1, 2}, 1},
		{[]time.Duration{1, 1}, []time.Duration{3, 1, 2}, 0.5 / 3},
		{[]time.Duration{7}, []time.Duration{7}, 0.5},
		{[]time.Duration{2, 9}, []time.Duration{1, 3}, 0.75},
	} {
		if got := areaUnderCurve(c.a, c.b); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v over %v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
