package limit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestCrowdAtTheEdge (T15): where there is room for some of a crowd only, which is charged together, exactly those pass.
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
}
