package clock

import (
	"testing"
	"time"
)

// TestSystem: times are in UTC and as fine as PostgreSQL keeps them, so that what is read back equals what was written.
func TestSystem(t *testing.T) {
	t.Parallel()
	for range 1000 {
		before := time.Now()
		now := System{}.Now()
		if now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
			t.Fatalf("%v is not UTC in whole microseconds", now)
		}
		if lag := before.Sub(now); lag > time.Microsecond || time.Since(now) < 0 {
			t.Fatalf("%v is not the current time, %v", now, before)
		}
	}
}
