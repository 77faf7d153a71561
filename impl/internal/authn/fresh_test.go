package authn

import (
	"errors"
	"testing"
	"time"
)

// TestFresh (T11; ASVS 7.5.1): what a user signs in by is changed within fifteen minutes of proving itself, to the
// microsecond; whether the session showed a code since makes it no fresher.
func TestFresh(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]error{
		0: nil, 15 * time.Minute: nil, 15*time.Minute + time.Microsecond: ErrStale, 24 * time.Hour: ErrStale,
		-time.Second: nil, // of another replica, whose clock is ahead
	} {
		for name, mfaAt := range map[string]*time.Time{"never": nil, "just now": &now} {
			u := User{AuthTime: now.Add(-age), MFAAt: mfaAt}
			if err := u.Fresh(now); !errors.Is(err, want) {
				t.Errorf("signed in %v ago, showed a code %s: %v, want %v", age, name, err, want)
			}
		}
	}
	if err := (User{}).Fresh(now); !errors.Is(err, ErrStale) {
		t.Errorf("a session of which nothing is known: %v, want ErrStale", err)
	}
}

// TestSteppedUp (T11): a code counts for five minutes, to the microsecond, however fresh the sign-in is.
func TestSteppedUp(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]bool{
		0: true, 5 * time.Minute: true, 5*time.Minute + time.Microsecond: false, 15 * time.Minute: false, -time.Second: true,
	} {
		at := now.Add(-age)
		if got := (User{AuthTime: now, MFAAt: &at}).SteppedUp(now); got != want {
			t.Errorf("a code %v ago: %v, want %v", age, got, want)
		}
	}
	if (User{AuthTime: now}).SteppedUp(now) {
		t.Error("a session that never showed one is stepped up")
	}
}
