package limit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

// rig is a limiter, and the database that it counts in.
type rig struct {
	*Limiter
	store *db.DB
}

func newLimiter(t *testing.T) (rig, *stopped) {
	t.Helper()
	c, store := &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}, dbtest.New(t)
	return rig{New(store, c), store}, c
}

// wait is what a refusal says; -1 for a request that passed.
func wait(t *testing.T, err error) time.Duration {
	t.Helper()
	if err == nil {
		return -1
	}
	var refusal *apierr.Error
	if !errors.Is(err, apierr.ErrRateLimited) || !errors.As(err, &refusal) {
		t.Errorf("%v, want ErrRateLimited", err)
		return 0
	}
	return refusal.RetryAfter
}

// TestRuleIsExact (C7, C8, Q9): Max requests pass at once and not one more; then one passes each interval; a refused one
// is told how long to wait, to the microsecond but at least a second, and costs nothing.
func TestRuleIsExact(t *testing.T) {
	t.Parallel()
	l, c := newLimiter(t)
	rule := Rule{Name: "r", Max: 3, Per: 30 * time.Second}
	const passed = -1 * time.Nanosecond
	for i, step := range []struct {
		advance time.Duration
		want    time.Duration
	}{
		{0, passed},
		{0, passed},
		{0, passed}, // the burst
		{0, 10 * time.Second},
		{0, 10 * time.Second},
		{0, 10 * time.Second}, // tries cost nothing
		{4 * time.Second, 6 * time.Second},
		{5999999 * time.Microsecond, time.Second},
		{time.Microsecond, passed},
		{0, 10 * time.Second},
		{20 * time.Second, passed}, // two are there again
		{0, passed},
		{0, 10 * time.Second},
		{time.Hour, passed}, // never more than the burst
		{0, passed},
		{0, passed},
		{0, 10 * time.Second},
		{-time.Minute, 70 * time.Second}, // the clock went back: no free requests
	} {
		c.now = c.now.Add(step.advance)
		if got := wait(t, l.Take(t.Context(), rule, "pool", "key")); got != step.want {
			t.Errorf("step %d: wait %v, want %v (%v is a pass)", i, got, step.want, passed)
		}
	}
}

// TestEveryMaxIsExact (C7): also where Max does not divide Per, exactly Max requests pass at once, and after the wait that
// a refusal names one passes again.
func TestEveryMaxIsExact(t *testing.T) {
	t.Parallel()
	l, c := newLimiter(t)
	for _, per := range []time.Duration{time.Second, time.Minute, 7 * time.Minute, time.Hour, 24 * time.Hour} {
		for _, most := range []int{1, 2, 3, 6, 7, 9, 11, 13, 20, 60, 97} {
			rule, passed := Rule{Name: fmt.Sprint(most, "/", per), Max: most, Per: per}, 0
			var err error
			for ; err == nil && passed <= most; passed++ {
				err = l.Take(t.Context(), rule, "pool", "key")
			}
			if passed--; passed != most {
				t.Errorf("%s: %d requests passed at once", rule.Name, passed)
			}
			after := wait(t, err)
			c.now = c.now.Add(after)
			if err := l.Take(t.Context(), rule, "pool", "key"); err != nil {
				t.Errorf("%s: %v after the wait of %v", rule.Name, err, after)
			}
		}
	}
}

// TestParallelRequestsAreCounted (C7): 64 parallel requests of two replicas, and exactly Max pass.
func TestParallelRequestsAreCounted(t *testing.T) {
	t.Parallel()
	l, c := newLimiter(t)
	replicas := []*Limiter{l.Limiter, New(l.store, c)}
	for round := range 5 {
		var passed, refused atomic.Int32
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range 64 {
			all.Go(func() {
				<-start
				err := replicas[i%2].Take(t.Context(), Rule{Name: "r", Max: 10, Per: time.Minute}, "pool", fmt.Sprint(round))
				switch {
				case err == nil:
					passed.Add(1)
				case errors.Is(err, apierr.ErrRateLimited):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
		if passed.Load() != 10 || refused.Load() != 54 {
			t.Errorf("round %d: %d passed and %d were refused, want 10 and 54", round, passed.Load(), refused.Load())
		}
	}
}

// TestKeysAreCountedApart: a key that has no room leaves the others theirs: other keys, rules and userpools.
func TestKeysAreCountedApart(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(t)
	rule, other := Rule{Name: "r", Max: 1, Per: time.Hour}, Rule{Name: "other", Max: 1, Per: time.Hour}
	for _, take := range []struct {
		rule      Rule
		pool, key string
	}{{rule, "pool", "key"}, {other, "pool", "key"}, {rule, "other", "key"}, {rule, "pool", "other"}, {rule, "pool", ""}} {
		if err := l.Take(t.Context(), take.rule, take.pool, take.key); err != nil {
			t.Errorf("%+v: %v", take, err)
		}
		if wait(t, l.Take(t.Context(), take.rule, take.pool, take.key)) != time.Hour {
			t.Errorf("%+v: a second one passes", take)
		}
	}
}

// TestOffIsUnlimited: a rule that is off lets everything through, and does not ask the database.
func TestOffIsUnlimited(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(t)
	if err := l.store.Close(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := l.Take(t.Context(), Rule{Name: "r"}, "pool", "key"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailsClosed (security, accounts: limits fail closed): without an answer of the database nothing passes, and the
// error does not pass for a rate limit.
func TestFailsClosed(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	rule := Rule{Name: "r", Max: 1000, Per: time.Second}
	if err := l.Take(gone, rule, "pool", "key"); err == nil || errors.Is(err, apierr.ErrRateLimited) {
		t.Errorf("with a cancelled context: %v", err)
	}
	if err := l.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Take(t.Context(), rule, "pool", "key"); err == nil || errors.Is(err, apierr.ErrRateLimited) || errors.Is(err, db.ErrNotFound) {
		t.Errorf("with a closed database: %v", err)
	}
}

// TestChargesOfATransaction (C7): a rule taken in a transaction is charged if that is committed, and not otherwise; one that
// is refused leaves the transaction as it was.
func TestChargesOfATransaction(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(t)
	rule, failed := Rule{Name: "r", Max: 1, Per: time.Minute}, errors.New("failed")
	take := func(then error) error {
		return l.store.InTx(t.Context(), func(q db.Queries) error {
			if err := l.In(q).Take(t.Context(), rule, "pool", "key"); err != nil {
				return err
			}
			return then
		})
	}
	for range 3 {
		if err := take(failed); !errors.Is(err, failed) {
			t.Errorf("a transaction that is rolled back was charged: %v", err)
		}
	}
	if err := take(nil); err != nil {
		t.Error(err)
	}
	if err := take(nil); !Refused(err) {
		t.Errorf("a committed transaction was not charged: %v", err)
	}
	err := l.store.InTx(t.Context(), func(q db.Queries) error {
		if err := l.In(q).Take(t.Context(), rule, "pool", "key"); !Refused(err) {
			t.Errorf("there is room: %v", err)
		}
		return l.In(q).Take(t.Context(), rule, "pool", "other")
	})
	if err != nil {
		t.Errorf("after a refusal the transaction is of no use: %v", err)
	}
	if err := l.Take(t.Context(), rule, "pool", "other"); !Refused(err) {
		t.Errorf("what came after a refusal was not charged: %v", err)
	}
}

// TestClear: a key that is cleared has all its room again, and no other key has.
func TestClear(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(t)
	rule := Rule{Name: "r", Max: 2, Per: time.Hour}
	for _, key := range []string{"a", "b"} {
		for range 2 {
			if err := l.Take(t.Context(), rule, "pool", key); err != nil {
				t.Error(err)
			}
		}
	}
	if err := l.Clear(t.Context(), rule, "pool", "a"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := l.Take(t.Context(), rule, "pool", "a"); err != nil {
			t.Errorf("after it was cleared: %v", err)
		}
	}
	if err := l.Take(t.Context(), rule, "pool", "b"); !Refused(err) {
		t.Errorf("another key was cleared: %v", err)
	}
	if err := l.Clear(t.Context(), Rule{Name: "off"}, "pool", "a"); err != nil {
		t.Error(err)
	}
}
