// Package clock is the seam through which Menshen sees the time, so that tests can move it.
package clock

import "time"

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// System is the clock of the machine, in UTC and to the microsecond, which is what PostgreSQL keeps.
type System struct{}

// Now returns the current time.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
