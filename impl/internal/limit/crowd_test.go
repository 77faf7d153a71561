package limit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestCrowdIsChargedTogether (T15): who comes for a key while it is being charged is charged by the next statement, all in
// one; each has had its charge when it passes, and one whose client has gone takes nobody with it.
func TestCrowdIsChargedTogether(t *testing.T) {
	t.Parallel()
	const many = 50
	l, c := newLimiter(t)
	rule := Rule{Name: "r", Max: 100, Per: 100 * time.Minute}
	var passed sync.WaitGroup
	take := func(ctx context.Context, want error) {
		passed.Go(func() {
			if err := l.Take(ctx, rule, "pool", "key"); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		})
	}
	waiting := func(n int, closed bool) {
		t.Helper()
		for until := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			l.crowd.mu.Lock()
			last := l.crowd.waiting["pool|r|key"]
			there := last != nil && last.n == n && last.closed == closed
			l.crowd.mu.Unlock()
			if there {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("%d did not come together", n)
			}
		}
	}
	held, release := make(chan struct{}), make(chan struct{})
	var holder sync.WaitGroup
	holder.Go(func() {
		err := l.store.InTx(t.Context(), func(q db.Queries) error {
			err := l.In(q).Take(t.Context(), rule, "pool", "key")
			close(held)
			<-release
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	take(t.Context(), nil) // it waits for the row
	waiting(1, true)
	gone, leave := context.WithCancel(t.Context())
	take(gone, nil) // the first of the next batch, which charges it
	waiting(1, false)
	second, give := context.WithCancel(t.Context())
	take(second, context.Canceled)
	waiting(2, false)
	leave()
	give()
	for range many - 2 {
		take(t.Context(), nil)
	}
	waiting(many, false)
	close(release)
	passed.Wait()
	holder.Wait()
	free, err := l.q.Limits().FreeAt(t.Context(), db.Charge{UserpoolID: "pool", Key: "r|key", Interval: time.Minute, Burst: 1})
	if err != nil || !free.Equal(c.now.Add((many+2)*time.Minute)) {
		t.Errorf("charged until %s, %v; want %d minutes", free.Sub(c.now), err, many+2)
	}
}

// TestCrowdAtTheEdge (T15): where there is room for some of a crowd only, exactly those pass.
func TestCrowdAtTheEdge(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(t)
	rule := Rule{Name: "r", Max: 20, Per: time.Hour}
	var (
		passed, refused atomic.Int64
		all             sync.WaitGroup
	)
	for range 64 {
		all.Go(func() {
			switch err := l.Take(t.Context(), rule, "pool", "key"); {
			case err == nil:
				passed.Add(1)
			case Refused(err):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if passed.Load() != 20 || refused.Load() != 44 {
		t.Errorf("%d passed and %d were refused, want 20 and 44", passed.Load(), refused.Load())
	}
	if len(l.crowd.waiting) != 0 {
		t.Errorf("%d keys are left", len(l.crowd.waiting))
	}
}
