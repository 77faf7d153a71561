package limit

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// TestQuotaHoldsInAnyPeriod (C7, C8, C9): a client that asks all the time gets Max in no period more, whenever that begins,
// and in every period that is asked for from its beginning no fewer. By the generic cell rate algorithm it would be nearly
// twice as many in the first one.
func TestQuotaHoldsInAnyPeriod(t *testing.T) {
	t.Parallel()
	l, c := newLimiter(t)
	for _, rule := range []Rule{{"target", 1, time.Minute}, {"hour", 5, time.Hour}, {"day", 10, 24 * time.Hour}, {"client", 10, 10 * time.Minute}} {
		var taken []time.Time
		step := rule.Per / 60
		for began := c.now; c.now.Sub(began) < 5*rule.Per/2; c.now = c.now.Add(step) {
			err := l.TakeOf(t.Context(), rule, "pool", "key")
			if err == nil {
				taken = append(taken, c.now)
				continue
			}
			if !Refused(err) {
				t.Fatal(err)
			}
			free := c.now.Add(apierr.From(err).RetryAfter)
			if want := taken[len(taken)-rule.Max].Add(rule.Per); !free.Equal(want) && free.Sub(c.now) != time.Second {
				t.Errorf("%s: refused until %v, want %v", rule.Name, free, want)
			}
		}
		for _, from := range taken {
			in := len(slices.DeleteFunc(slices.Clone(taken), func(at time.Time) bool { return at.Before(from) || at.Sub(from) >= rule.Per }))
			if in > rule.Max {
				t.Errorf("%s: %d were taken within %v of %v", rule.Name, in, rule.Per, from)
			}
		}
		if len(taken) != 3*rule.Max {
			t.Errorf("%s: %d were taken in two and a half periods, want all of three", rule.Name, len(taken))
		}
	}
}

// TestQuotaInTheDistance: what lies a whole period back no longer counts, and not a moment sooner.
func TestQuotaInTheDistance(t *testing.T) {
	t.Parallel()
	l, c := newLimiter(t)
	rule := Rule{"r", 2, time.Minute}
	want := func(after time.Duration, refused bool) {
		t.Helper()
		c.now = c.now.Add(after)
		if err := l.TakeOf(t.Context(), rule, "pool", "key"); Refused(err) != refused || !refused && err != nil {
			t.Errorf("after %v: %v", after, err)
		}
	}
	want(0, false)
	want(20*time.Second, false)
	want(40*time.Second-time.Microsecond, true)
	want(time.Microsecond, false)
	want(0, true)
	want(20*time.Second, false)
	want(time.Hour, false)
	if err := l.TakeOf(t.Context(), rule, "pool", "another key"); err != nil {
		t.Errorf("another key: %v", err)
	}
	if err := l.TakeOf(t.Context(), rule, "another pool", "key"); err != nil {
		t.Errorf("another userpool: %v", err)
	}
	if err := l.Take(t.Context(), rule, "pool", "key"); err != nil {
		t.Errorf("a rate of the same name is counted apart: %v", err)
	}
}

// TestParallelQuota (C7): 64 parallel requests of two replicas, and exactly Max pass, in transactions as well.
func TestParallelQuota(t *testing.T) {
	t.Parallel()
	l, c := newLimiter(t)
	replicas := []*Limiter{l.Limiter, New(l.store, c)}
	rule := Rule{"r", 10, time.Minute}
	for round := range 5 {
		var passed, refused atomic.Int32
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range 64 {
			all.Go(func() {
				<-start
				key := fmt.Sprint(round)
				err := l.store.InTx(t.Context(), func(q db.Queries) error { return replicas[i%2].In(q).TakeOf(t.Context(), rule, "pool", key) })
				switch {
				case err == nil:
					passed.Add(1)
				case Refused(err):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		close(start)
		all.Wait()
		if passed.Load() != 10 || refused.Load() != 54 {
			t.Errorf("%d passed and %d were refused, want 10 and 54", passed.Load(), refused.Load())
		}
	}
}

// TestQuotaFailsClosed (security, limits): without the database nothing is let through, and off asks no database.
func TestQuotaFailsClosed(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(t)
	if err := l.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.TakeOf(t.Context(), Rule{"r", 1, time.Minute}, "pool", "key"); err == nil || Refused(err) || errors.Is(err, db.ErrNotFound) {
		t.Errorf("without the database: %v", err)
	}
	if err := l.TakeOf(t.Context(), Rule{Name: "off"}, "pool", "key"); err != nil {
		t.Errorf("off: %v", err)
	}
}

// TestClearInBetween: a key that is cleared while somebody is refused is still a refusal, to be tried again soon.
func TestClearInBetween(t *testing.T) {
	t.Parallel()
	l, c := newLimiter(t)
	var all sync.WaitGroup
	rule := Rule{"r", 1, time.Hour}
	for i := range 4 {
		limiter := New(l.store, c)
		all.Go(func() {
			for range 100 {
				err := limiter.Take(t.Context(), rule, "pool", "key")
				if err != nil && !Refused(err) {
					t.Errorf("take: %v", err)
				}
				if i%2 == 0 {
					if err := limiter.Clear(t.Context(), rule, "pool", "key"); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
}
