package mfa

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestChallenge: without a factor nothing is asked and nothing is proved; with one, a right code proves a second factor,
// and no code at all is no try.
func TestChallenge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	proved, spend, err := r.Challenge(t.Context(), "pool", "alice", "")
	if err != nil || len(proved) != 0 || spend(t.Context(), r.store.Queries) != nil {
		t.Errorf("without a factor: %v, %v", proved, err)
	}
	r = boundRig(t)
	for range 10 {
		r.want("without a code", r.verify(""), ErrCodeRequired)
	}
	if n := r.failures(); n != 0 {
		t.Errorf("%d tries charged for no code", n)
	}
	proved, spend, err = r.Challenge(t.Context(), "pool", "alice", r.code())
	if err != nil || !slices.Equal(proved, []string{"otp", "mfa"}) {
		t.Errorf("with the code: %v, %v", proved, err)
	}
	r.want("spend", spend(t.Context(), r.store.Queries), nil)
	r.want("spend it again", spend(t.Context(), r.store.Queries), ErrCodeUsed)
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

// TestEvaluatedIsNotSpent (T6): a right code that opens no session (the transaction failed) forgets nothing: only a
// success does.
func TestEvaluatedIsNotSpent(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	for range 3 {
		r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
	}
	_, _, err := r.Challenge(t.Context(), "pool", "alice", r.code())
	r.must(err)
	if n := r.failures(); n != 4 {
		t.Errorf("%d failures charged, want 3 and the try that was not finished", n)
	}
	r.want("the same code, finished", r.verify(r.code()), nil)
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
