package mfa

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// TestChallenge: without a factor there is nothing that a code could prove; with one, a right code proves a second factor,
// once. Whether there is one is known, in a transaction and outside.
func TestChallenge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	bound := func(want bool) {
		t.Helper()
		if got, err := r.Bound(t.Context(), r.store.Queries, "pool", "alice"); err != nil || got != want {
			t.Errorf("bound: %v, %v; want %v", got, err, want)
		}
	}
	bound(false)
	for _, code := range []string{"", "123456", "e7ad-aaa4-da75-fa37-57d1-5141"} {
		want := error(ErrNotBound)
		if len(code) > 6 {
			want = ErrRecoveryCode
		}
		r.want("without a factor", r.verify(code), want)
	}
	r = boundRig(t)
	bound(true)
	proved, use, err := r.Challenge(t.Context(), "pool", "alice", authn.Code{Text: r.code()})
	if err != nil || !slices.Equal(proved, []string{"otp", "mfa"}) {
		t.Errorf("with the code: %v, %v", proved, err)
	}
	r.want("use it", use(t.Context(), nothing), nil)
	r.want("use it again", use(t.Context(), nothing), ErrCodeUsed)
	if n := r.audited("mfa.replay", "refused"); n != 1 {
		t.Errorf("%d replays in the audit log, want 1", n)
	}
	used := r.factors()[0].LastUsedAt
	if used == nil || !used.Equal(r.clock.now) {
		t.Errorf("used at %v, want %v", used, r.clock.now)
	}
}

// TestSkewOfTheService (T3): the configured window, and no more.
func TestSkewOfTheService(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	for _, test := range []struct {
		skew   int
		offset int64
		want   error
	}{
		{0, -1, ErrCodeWrong},
		{0, 1, ErrCodeWrong},
		{0, 0, nil},
		{1, -2, ErrCodeWrong},
		{1, 2, ErrCodeWrong},
		{1, -1, nil},
		{1, 1, nil},
		{2, -3, ErrCodeWrong},
		{2, 3, ErrCodeWrong},
		{2, -2, nil},
		{2, 2, nil},
	} {
		r.advance(10 * time.Minute) // away from what was used
		r.execute("UPDATE mfa_factors SET drift = 0")
		r.Skew = test.skew
		if err := r.verify(r.codeOf(test.offset)); !errors.Is(err, test.want) {
			t.Errorf("skew %d, the code of step %+d: %v, want %v", test.skew, test.offset, err, test.want)
		}
	}
}

// TestLockOutSchedule (T5): five tries are free, then a wait of 30 s doubles with each failure up to an hour; tries during
// a wait are not evaluated and do not extend it; a hundred failures disable the authenticator for good.
func TestLockOutSchedule(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	for failure := 1; failure <= 100; failure++ {
		r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
		if n := r.failures(); n != failure {
			t.Fatalf("%d failures charged, want %d", n, failure)
		}
		if failure < 5 {
			continue
		}
		if failure == 100 {
			break
		}
		wait := time.Hour
		if doubled := failure - 5; doubled < 7 {
			wait = min(wait, 30*time.Second<<doubled) // 30 s, 60 s, 120 s ...
		}
		r.wantWait(r.wrong(), wait)
		r.wantWait(r.code(), wait)
		r.advance(wait / 2)
		r.wantWait(r.code(), wait-wait/2)
		r.advance(wait - wait/2 - time.Microsecond)
		r.wantWait(r.code(), time.Second) // a microsecond, told in whole seconds
		r.advance(time.Microsecond)
	}
	for _, later := range []time.Duration{0, time.Hour, 10000 * time.Hour} {
		r.advance(later)
		r.want("the right code, too late", r.verify(r.code()), ErrDisabled)
	}
	if n := r.failures(); n != 100 {
		t.Errorf("%d failures charged, want 100", n)
	}
	if n := r.audited("mfa.verify", "refused"); n != 103 {
		t.Errorf("%d refusals in the audit log, want 103", n)
	}
	if n := r.audited("mfa.disable", "success"); n != 1 {
		t.Errorf("the audit log says %d times that it is disabled, want once", n)
	}
	r.wantTold("factor_bound", "factor_disabled") // once
	if bound, err := r.Bound(t.Context(), r.store.Queries, "pool", "alice"); err != nil || !bound {
		t.Errorf("a disabled authenticator opens the door: %v, %v", bound, err)
	}
}

// TestHundredthTryCanBeRight (T5): it takes a hundred failures to disable, not ninety-nine.
func TestHundredthTryCanBeRight(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	for range 99 {
		r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
		r.advance(time.Hour)
	}
	r.want("the right one", r.verify(r.code()), nil)
	if n := r.failures(); n != 0 {
		t.Errorf("%d failures after a success", n)
	}
}

// TestSuccessForgetsFailures (T6): after a success five tries are free again, and no wait is left.
func TestSuccessForgetsFailures(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	for _, failures := range []int{4, 5, 4, 6} {
		for range failures {
			r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
			if r.failures() >= 5 {
				r.advance(time.Minute)
			}
		}
		r.want("the right one", r.verify(r.code()), nil)
		if n := r.failures(); n != 0 {
			t.Errorf("%d failures after a success", n)
		}
		r.advance(time.Minute)
	}
}

// TestEvaluatedIsNotSpent (T4, T6): a right code whose effect fails is not used up, and was no guess: its charge is taken
// back, and so is a wait that it started. It forgets nothing, since only a success does. One that was never used stays
// charged.
func TestEvaluatedIsNotSpent(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	errEffect := errors.New("the effect failed")
	for range 4 {
		r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
	}
	for range 3 { // each is the fifth try
		_, use, err := r.Challenge(t.Context(), "pool", "alice", authn.Code{Text: r.code()})
		r.must(err)
		r.want("use it", use(t.Context(), func(db.Queries) error { return errEffect }), errEffect)
		r.wantFailures("an effect that failed", 4)
	}
	if f := r.factors()[0]; f.BlockedUntil != nil || f.LastUsedAt != nil {
		t.Errorf("waits until %v, used at %v", f.BlockedUntil, f.LastUsedAt)
	}
	_, _, err := r.Challenge(t.Context(), "pool", "alice", authn.Code{Text: r.code()})
	r.must(err)
	r.wantFailures("never used", 5)
	r.wantWait(r.code(), 30*time.Second)
	r.advance(30 * time.Second)
	r.want("the next code", r.verify(r.code()), nil)
}

// TestKindOfACode: what was sent as a code of the authenticator is not looked up among the recovery codes, whatever it looks
// like, and the other way round; a field for both tells by the form.
func TestKindOfACode(t *testing.T) {
	t.Parallel()
	r, codes := codesRig(t)
	for name, test := range map[string]struct {
		code    authn.Code
		want    error
		charged int
	}{
		"recovery code as TOTP":      {authn.Code{Text: codes[0], Kind: authn.TOTPCode}, ErrCodeWrong, 1},
		"TOTP as recovery code":      {authn.Code{Text: r.code(), Kind: authn.RecoveryCode}, ErrRecoveryCode, 0},
		"TOTP as such":               {authn.Code{Text: r.code(), Kind: authn.TOTPCode}, nil, 1},
		"recovery code as such":      {authn.Code{Text: codes[1], Kind: authn.RecoveryCode}, nil, 0},
		"recovery code in any field": {authn.Code{Text: codes[2]}, nil, 0},
		"TOTP in any field":          {authn.Code{Text: r.codeOf(1)}, nil, 1},
	} {
		r.execute("UPDATE mfa_factors SET failures = 0")
		_, _, err := r.Challenge(t.Context(), "pool", "alice", test.code)
		r.want(name, err, test.want)
		if n := r.failures(); n != test.charged {
			t.Errorf("%s: charged %d, want %d", name, n, test.charged)
		}
	}
}

// TestReplayIsNoGuess (T6): a right code that was used is refused and logged, and changes neither the count nor the
// schedule.
func TestReplayIsNoGuess(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	used := r.code()
	r.must(r.verify(used))
	replay := func(times int) {
		t.Helper()
		for range times {
			before := r.failures()
			r.want("replay", r.verify(used), ErrCodeUsed)
			if after := r.failures(); after != before {
				t.Errorf("a replay changed the count from %d to %d", before, after)
			}
		}
	}
	replay(10)
	for failure := range 4 {
		r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
		replay(failure + 1)
	}
	r.want("the fifth wrong code", r.verify(r.wrong()), ErrCodeWrong)
	r.wantWait(used, 30*time.Second) // not even looked at
	r.advance(30 * time.Second)
	replay(3)
	r.want("the sixth", r.verify(r.wrong()), ErrCodeWrong)
	r.wantWait(r.code(), time.Minute)
	if n := r.audited("mfa.replay", "refused"); n != 10+1+2+3+4+3 {
		t.Errorf("%d replays in the audit log, want 23", n)
	}
	r.advance(time.Minute)
	r.want("the right one", r.verify(r.code()), nil)
}

// TestClockGoingBack (T4, T8): a clock that is set back makes no used code good again, and none of the time between, and
// the refusals are no guesses.
func TestClockGoingBack(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	r.advance(time.Hour)
	used := r.code()
	r.must(r.verify(used))
	for range 20 {
		r.advance(-30 * time.Second)
		r.want("the code of an earlier step", r.verify(r.code()), ErrCodeUsed)
	}
	r.advance(10 * time.Minute) // as before
	r.want("the used code", r.verify(used), ErrCodeUsed)
	if n := r.failures(); n != 0 {
		t.Errorf("%d failures charged", n)
	}
	r.advance(30 * time.Second)
	r.want("the next code", r.verify(r.code()), nil)
}

// TestParallelGuesses (T5): of 64 parallel wrong codes exactly five are evaluated.
func TestParallelGuesses(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	wrong := r.wrong()
	evaluated, waiting := parallel(t, func() error { return r.verify(wrong) }, ErrCodeWrong, ErrWait)
	if evaluated != 5 || waiting != 59 {
		t.Errorf("%d were evaluated and %d not, want 5 and 59", evaluated, waiting)
	}
}

// TestReplaysAmongGuesses (T5, T6): replays between parallel guesses neither pay for more of them nor leave a trace: what
// is charged in the end are the wrong codes.
func TestReplaysAmongGuesses(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	used, wrong := r.code(), r.wrong()
	r.must(r.verify(used))
	var turn atomic.Int32
	evaluated, _ := parallel(t, func() error {
		if turn.Add(1)%2 == 0 {
			return r.verify(wrong)
		}
		err := r.verify(used)
		if errors.Is(err, ErrCodeUsed) {
			err = ErrWait
		}
		return err
	}, ErrCodeWrong, ErrWait)
	if evaluated > 5 || r.failures() != evaluated {
		t.Errorf("%d guesses were evaluated, want 5 at most, and %d are charged", evaluated, r.failures())
	}
}

// TestParallelUseOfOneCode (T4): one right code, 64 times at once, opens at most one session; whoever is charged but was
// no guess is told so or to wait.
func TestParallelUseOfOneCode(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	code := r.code()
	won, lost := parallel(t, func() error {
		err := r.verify(code)
		if errors.Is(err, ErrWait) {
			err = ErrCodeUsed
		}
		return err
	}, nil, ErrCodeUsed)
	if won != 1 || lost != 63 {
		t.Errorf("%d won and %d lost, want 1 and 63", won, lost)
	}
}

// parallel calls do 64 times at once and counts its two outcomes.
func parallel(t *testing.T, do func() error, one, other error) (ones, others int) {
	t.Helper()
	var (
		all   sync.WaitGroup
		errs  [64]error
		start = make(chan struct{})
	)
	for i := range errs {
		all.Go(func() {
			<-start
			errs[i] = do()
		})
	}
	close(start)
	all.Wait()
	for _, err := range errs {
		switch {
		case errors.Is(err, one):
			ones++
		case errors.Is(err, other):
			others++
		default:
			t.Error(err)
		}
	}
	return ones, others
}
