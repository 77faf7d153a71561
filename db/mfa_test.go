package db_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// factor is one of the user's authenticators as it is now.
func (f fixture) factor(id string) db.Factor {
	f.t.Helper()
	factors, err := f.MFA().FactorsOf(f.t.Context(), poolID, userID)
	f.must(err)
	for _, factor := range factors {
		if factor.ID == id {
			return factor
		}
	}
	f.t.Fatalf("the user has no authenticator %q", id)
	return db.Factor{}
}

// TestSpendStepMovesForward (T4): a step that is not newer than the last one spent is refused, also when the clock has
// gone backwards, and a success forgets failures and wait.
func TestSpendStepMovesForward(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(insertFactor(t.Context(), f.Queries))
	f.execute("UPDATE mfa_factors SET failures = 7, blocked_until = $1", now)
	for _, spend := range []struct {
		step int64
		good bool
	}{{998, false}, {999, false}, {1000, true}, {1000, false}, {999, false}, {1002, true}, {1001, false}, {1 << 40, true}} {
		err := f.MFA().SpendStep(t.Context(), poolID, "factor", spend.step, 0, now)
		if spend.good && err != nil || !spend.good && !errors.Is(err, db.ErrNotFound) {
			t.Errorf("spend %d: %v, want good: %v", spend.step, err, spend.good)
		}
	}
	factor := f.factor("factor")
	if factor.LastStep != 1<<40 || factor.Failures != 0 || factor.BlockedUntil != nil {
		t.Errorf("after a success: %+v", factor)
	}
	if err := f.MFA().SpendStep(t.Context(), "other", "factor", 1<<41, 0, now); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("in another userpool: %v, want ErrNotFound", err)
	}
}

// TestRefundAttempt (T6): a refund takes back its own charge, and the wait for which that was needed. It lifts no wait
// that wrong codes alone have earned, does not count below zero, and after a success there is nothing to take back.
func TestRefundAttempt(t *testing.T) {
	t.Parallel()
	own, other := now.Add(time.Minute), now.Add(2*time.Minute)
	tests := []struct {
		name     string
		failures int
		blocked  *time.Time // as it is
		charged  *time.Time // as the charge had left it
		lastStep int64      // at the charge
		want     string
	}{
		{"free try", 3, nil, nil, 999, "2 <nil>"},
		{"nothing charged", 0, nil, nil, 999, "0 <nil>"},
		{"try with a wait", 6, &own, &own, 999, "5 <nil>"},
		{"wait of five, one of which was none", 5, &own, nil, 999, "4 <nil>"},
		{"wait of six, one of which was none", 6, &other, nil, 999, "5 " + fmt.Sprint(&other)},
		{"another wait since", 7, &other, &own, 999, "6 " + fmt.Sprint(&other)},
		{"a success since", 2, nil, nil, 998, "2 <nil>"},
		{"a success and five wrong codes since", 5, &other, &own, 998, "5 " + fmt.Sprint(&other)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := furnished(t)
			f.must(insertFactor(t.Context(), f.Queries))
			f.execute("UPDATE mfa_factors SET failures = $1, blocked_until = $2", test.failures, test.blocked)
			charged := db.Factor{UserpoolID: poolID, ID: "factor", LastStep: test.lastStep, BlockedUntil: test.charged}
			f.must(f.MFA().RefundAttempt(t.Context(), charged, guessing))
			factor := f.factor("factor")
			if factor.BlockedUntil != nil {
				*factor.BlockedUntil = factor.BlockedUntil.UTC()
			}
			if got := fmt.Sprint(factor.Failures, factor.BlockedUntil); got != test.want {
				t.Errorf("left %s, want %s", got, test.want)
			}
		})
	}
}

// TestSpendStepKeepsWhatWasLearnt (T7): with the step go what is known of the device's clock and when it was used; a step
// that is refused changes neither. More than four steps is refused by the table itself.
func TestSpendStepKeepsWhatWasLearnt(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(insertFactor(t.Context(), f.Queries))
	if before := f.factor("factor"); before.LastUsedAt != nil || before.Drift != 0 {
		t.Errorf("before its first use: %+v", before)
	}
	later := now.Add(time.Minute)
	f.must(f.MFA().SpendStep(t.Context(), poolID, "factor", 1000, -3, later))
	if err := f.MFA().SpendStep(t.Context(), poolID, "factor", 1000, 2, later.Add(time.Minute)); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the same step: %v, want ErrNotFound", err)
	}
	after := f.factor("factor")
	if after.Drift != -3 || after.LastUsedAt == nil || !after.LastUsedAt.Equal(later) {
		t.Errorf("after it: %+v", after)
	}
	for _, drift := range []int{-5, 5} {
		if err := f.MFA().SpendStep(t.Context(), poolID, "factor", 2000, drift, later); err == nil {
			t.Errorf("a drift of %d is kept", drift)
		}
	}
}

// TestChargeAttempts (T5): a try is charged to every authenticator of the user that may be tried. One that waits or is
// disabled is neither charged nor returned, and its wait is as long as it was; other people's are not touched.
func TestChargeAttempts(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	for _, id := range []string{"free", "fourth", "waiting", "waited", "disabled", "almost"} {
		f.must(f.MFA().InsertFactor(t.Context(), newFactor(id, userID, id)))
	}
	f.must(f.MFA().InsertFactor(t.Context(), newFactor("bob's", "bob", "free")))
	f.execute("UPDATE mfa_factors SET failures = 4 WHERE id = 'fourth'")
	f.execute("UPDATE mfa_factors SET failures = 6, blocked_until = $1 WHERE id = 'waiting'", now.Add(time.Microsecond))
	f.execute("UPDATE mfa_factors SET failures = 6, blocked_until = $1 WHERE id = 'waited'", now)
	f.execute("UPDATE mfa_factors SET failures = 100, blocked_until = NULL WHERE id = 'disabled'")
	f.execute("UPDATE mfa_factors SET failures = 99, blocked_until = $1 WHERE id = 'almost'", now.Add(-time.Hour))
	charged, err := f.MFA().ChargeAttempts(t.Context(), poolID, userID, guessing, now)
	f.must(err)
	returned := map[string]int{}
	for _, c := range charged {
		returned[c.ID] = c.Failures
	}
	if want := map[string]int{"free": 1, "fourth": 5, "waited": 7, "almost": 100}; !maps.Equal(returned, want) {
		t.Errorf("charged %v, want %v", returned, want)
	}
	for id, want := range map[string]struct {
		failures int
		wait     time.Duration // 0 for none
	}{
		"free": {1, 0}, "fourth": {5, 30 * time.Second}, "waiting": {6, time.Microsecond}, "waited": {7, 2 * time.Minute}, "disabled": {100, 0},
		"almost": {100, time.Hour},
	} {
		got := f.factor(id)
		if got.Failures != want.failures || (got.BlockedUntil == nil) != (want.wait == 0) || want.wait != 0 && got.BlockedUntil.Sub(now) != want.wait {
			t.Errorf("%s: %d failures, blocked until %v; want %d and a wait of %v", id, got.Failures, got.BlockedUntil, want.failures, want.wait)
		}
	}
	if n := f.number("SELECT failures FROM mfa_factors WHERE id = 'bob''s'"); n != 0 {
		t.Errorf("a try of one user is charged to another: %d", n)
	}
	for _, nobody := range [][2]string{{poolID, "carol"}, {"other", userID}} {
		if charged, err := f.MFA().ChargeAttempts(t.Context(), nobody[0], nobody[1], guessing, now); err != nil || len(charged) != 0 {
			t.Errorf("%q: %v, %v; want none", nobody, charged, err)
		}
	}
}

// TestChargesOfSeveral (T5): parallel tries on several authenticators neither deadlock nor get more of them: each of the
// tries that are let through has all of the authenticators.
func TestChargesOfSeveral(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for _, id := range []string{"c", "a", "e", "b", "d"} {
		f.must(f.MFA().InsertFactor(t.Context(), newFactor(id, userID, id)))
	}
	ctx, let := soon(t), make([]int, 64)
	for _, err := range together(len(let), func(i int) error {
		charged, err := f.MFA().ChargeAttempts(ctx, poolID, userID, guessing, now)
		let[i] = len(charged)
		return err
	}) {
		f.must(err)
	}
	tries := 0
	for _, n := range let {
		if n != 0 && n != 5 {
			t.Errorf("a try has %d of 5 authenticators", n)
		}
		tries += min(n, 1)
	}
	if tries != 5 {
		t.Errorf("%d tries are let through, want 5", tries)
	}
}

// TestFactorsOf: a user's authenticators, oldest first, and nobody else's; of a name there is one in each user's list.
func TestFactorsOf(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	for i, id := range []string{"z", "m", "a"} {
		factor := newFactor(id, userID, "name "+id)
		factor.CreatedAt, factor.Drift = now.Add(time.Duration(i)*time.Minute), i-1
		f.must(f.MFA().InsertFactor(t.Context(), factor))
	}
	f.must(f.MFA().InsertFactor(t.Context(), newFactor("bob's", "bob", "name a")))
	factors, err := f.MFA().FactorsOf(t.Context(), poolID, userID)
	f.must(err)
	var got []string
	for _, factor := range factors {
		got = append(got, fmt.Sprint(factor.ID, " ", factor.Name, " ", factor.Drift))
	}
	if want := []string{"z name z -1", "m name m 0", "a name a 1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for user, want := range map[string]bool{userID: true, "bob": true, "carol": false} {
		if has, err := f.MFA().HasFactor(t.Context(), poolID, user); err != nil || has != want {
			t.Errorf("%s has one: %v, %v; want %v", user, has, err, want)
		}
	}
	if err := f.MFA().DeleteFactor(t.Context(), poolID, userID, "bob's"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("one user removes another's: %v, want ErrNotFound", err)
	}
	f.must(f.MFA().DeleteFactor(t.Context(), poolID, "bob", "bob's"))
	if has, err := f.MFA().HasFactor(t.Context(), poolID, "bob"); err != nil || has {
		t.Errorf("after it was removed: %v, %v", has, err)
	}
}

// TestFactorsAfter: an export reads every authenticator of its userpool once, in batches, and none of another.
func TestFactorsAfter(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	for i, id := range []string{"1", "2", "3", "4", "5"} {
		f.must(f.MFA().InsertFactor(t.Context(), newFactor(id, []string{userID, "bob"}[i%2], id)))
	}
	var seen []string
	for after := ""; ; after = seen[len(seen)-1] {
		factors, err := f.MFA().FactorsAfter(t.Context(), poolID, after, 2)
		f.must(err)
		if len(factors) == 0 {
			break
		}
		for _, factor := range factors {
			seen = append(seen, factor.ID)
		}
	}
	if !slices.Equal(seen, []string{"1", "2", "3", "4", "5"}) {
		t.Errorf("%q", seen)
	}
	if factors, err := f.MFA().FactorsAfter(t.Context(), "other", "", 2); err != nil || len(factors) != 0 {
		t.Errorf("of another userpool: %v, %v", factors, err)
	}
}
