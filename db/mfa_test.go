package db_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestKeepPending (T11): a session that asks again is shown the secret it was given, for as long as that waits and with
// the tries and the time that are left; everybody else gets a new one. Who has an authenticator gets none.
func TestKeepPending(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		tries   int
		session string
		after   time.Duration
		want    string
	}{
		{"same session", 0, sessionID, time.Minute, "old"},
		{"same session at the last moment", 0, sessionID, 10*time.Minute - time.Microsecond, "old"},
		{"same session after its end", 0, sessionID, 10 * time.Minute, "new"},
		{"other session", 0, "other", time.Minute, "new"},
		{"other session after a wrong code", 1, "other", time.Minute, "new"},
		{"same session after a wrong code", 1, sessionID, time.Minute, "old"},
		{"same session after four", 4, sessionID, time.Minute, "old"},
		{"same session after five", 5, sessionID, time.Minute, "new"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := furnished(t)
			_, err := f.MFA().KeepPending(t.Context(), pending(sessionID, "old"), 5, now)
			f.must(err)
			for range test.tries {
				_, err := f.MFA().ChargePending(t.Context(), poolID, userID, 5, now)
				f.must(err)
			}
			next := pending(test.session, "new")
			next.ExpiresAt = next.ExpiresAt.Add(test.after)
			want, attempts := next.ExpiresAt, 0
			if test.want == "old" {
				want, attempts = now.Add(10*time.Minute), test.tries
			}
			kept, err := f.MFA().KeepPending(t.Context(), next, 5, now.Add(test.after))
			f.must(err)
			if string(kept.SecretSealed) != test.want || kept.Attempts != attempts || kept.SessionID != test.session || !kept.ExpiresAt.Equal(want) {
				t.Errorf("kept %s until %v for %s after %d tries, want %s until %v after %d", kept.SecretSealed, kept.ExpiresAt,
					kept.SessionID, kept.Attempts, test.want, want, attempts)
			}
			if n := f.number("SELECT count(*) FROM mfa_pending"); n != 1 {
				t.Errorf("%d secrets wait, want 1", n)
			}
			f.must(insertFactor(t.Context(), f.Queries))
			if _, err := f.MFA().KeepPending(t.Context(), next, 5, now); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("with an authenticator: %v, want ErrNotFound", err)
			}
		})
	}
}

// TestConsumePendingOfAnother (T11): a secret that was replaced while its code was checked is not bound.
func TestConsumePendingOfAnother(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(keepPending(t.Context(), f.Queries))
	for _, other := range [][3]string{{poolID, userID, "replaced"}, {poolID, "bob", "sealed"}, {"other", userID, "sealed"}} {
		err := f.MFA().ConsumePending(t.Context(), other[0], other[1], []byte(other[2]))
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("consume %q: %v, want ErrNotFound", other, err)
		}
	}
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
		err := f.MFA().SpendStep(t.Context(), poolID, "factor", spend.step)
		if spend.good && err != nil || !spend.good && !errors.Is(err, db.ErrNotFound) {
			t.Errorf("spend %d: %v, want good: %v", spend.step, err, spend.good)
		}
	}
	factor, err := f.MFA().FactorOf(t.Context(), poolID, userID)
	if err != nil || factor.LastStep != 1<<40 || factor.Failures != 0 || factor.BlockedUntil != nil {
		t.Errorf("after a success: %+v, %v", factor, err)
	}
	if err := f.MFA().SpendStep(t.Context(), "other", "factor", 1<<41); !errors.Is(err, db.ErrNotFound) {
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
			factor, err := f.MFA().FactorOf(t.Context(), poolID, userID)
			f.must(err)
			if factor.BlockedUntil != nil {
				*factor.BlockedUntil = factor.BlockedUntil.UTC()
			}
			if got := fmt.Sprint(factor.Failures, factor.BlockedUntil); got != test.want {
				t.Errorf("left %s, want %s", got, test.want)
			}
		})
	}
}
