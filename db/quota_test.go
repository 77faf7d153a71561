package db_test

import (
	"errors"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestQuotaIsExact (C7): never more than so many in any period, whenever they come; the next is free when the oldest of
// them is as old as the period, and a refused one costs nothing.
func TestQuotaIsExact(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	const most, period = 3, time.Hour
	for i, step := range []struct {
		at     time.Duration // since the beginning
		freeAt time.Duration // 0 for a pass
	}{
		{0, 0},
		{50 * time.Minute, 0},
		{55 * time.Minute, 0},
		{55 * time.Minute, time.Hour},
		{time.Hour - time.Microsecond, time.Hour},
		{time.Hour, 0}, // the first is an hour old
		{time.Hour, 110 * time.Minute},
		{110*time.Minute - time.Microsecond, 110 * time.Minute},
		{110 * time.Minute, 0},
		{115 * time.Minute, 0},
		{119 * time.Minute, 2 * time.Hour},
		{10 * time.Hour, 0},
		{10 * time.Hour, 0},
		{10 * time.Hour, 0},
		{10 * time.Hour, 11 * time.Hour},
		{9 * time.Hour, 11 * time.Hour}, // the clock went back: no free requests
	} {
		at := now.Add(step.at)
		err := f.Limits().TakeOf(t.Context(), db.Quota{UserpoolID: poolID, Key: "key", Most: most, Period: period, Now: at})
		if step.freeAt == 0 {
			if err != nil {
				t.Errorf("step %d: %v", i, err)
			}
			continue
		}
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("step %d: %v, want ErrNotFound", i, err)
		}
		if free, err := f.Limits().FreeOf(t.Context(), db.Quota{UserpoolID: poolID, Key: "key", Most: most, Period: period}); err != nil || !free.Equal(now.Add(step.freeAt)) {
			t.Errorf("step %d: free after %v, %v; want %v", i, free.Sub(now), err, step.freeAt)
		}
	}
	if n := f.number("SELECT cardinality(taken) FROM quotas"); n != most {
		t.Errorf("%d requests are remembered, want those of a period", n)
	}
	if n := f.number("SELECT count(*) FROM quotas WHERE expires_at = $1", now.Add(11*time.Hour)); n != 1 {
		t.Error("the row is not kept for just as long as it counts")
	}
}

// TestQuotasAreCountedApart (C7): by userpool and key; one that was made smaller applies at once.
func TestQuotasAreCountedApart(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	take := func(pool, key string, most int) error {
		return f.Limits().TakeOf(t.Context(), db.Quota{UserpoolID: pool, Key: key, Most: most, Period: time.Hour, Now: now})
	}
	for _, of := range [][2]string{{poolID, "key"}, {poolID, "other"}, {"other", "key"}, {poolID, ""}} {
		for i, want := range []error{nil, nil, db.ErrNotFound} {
			if err := take(of[0], of[1], 2); !errors.Is(err, want) {
				t.Errorf("%v, request %d: %v, want %v", of, i+1, err, want)
			}
		}
	}
	f.must(take(poolID, "key", 3))
	later := now.Add(30 * time.Minute)
	f.must(f.Limits().TakeOf(t.Context(), db.Quota{UserpoolID: poolID, Key: "key", Most: 4, Period: time.Hour, Now: later}))
	if err := take(poolID, "key", 1); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("made smaller: %v, want ErrNotFound", err)
	}
	if free, err := f.Limits().FreeOf(t.Context(), db.Quota{UserpoolID: poolID, Key: "key", Most: 1, Period: time.Hour}); err != nil || !free.Equal(later.Add(time.Hour)) {
		t.Errorf("free at %v, %v; want an hour after the newest", free, err)
	}
	if _, err := f.Limits().FreeOf(t.Context(), db.Quota{UserpoolID: poolID, Key: "none", Most: 1, Period: time.Hour}); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("of a key that was never taken: %v, want ErrNotFound", err)
	}
}

// TestBudgetsAreCountedApart (C7): by userpool, scope and day in UTC, wherever the database thinks it is.
func TestBudgetsAreCountedApart(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	f.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Shanghai'); END $$")
	elsewhere, err := db.Open(t.Context(), f.url, db.Options{})
	f.must(err)
	t.Cleanup(func() { _ = elsewhere.Close() })
	midnight := time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC)
	spend := func(pool, scope string, at time.Time) error {
		return elsewhere.Budgets().Spend(t.Context(), pool, scope, 1, at)
	}
	for i, test := range []struct {
		pool, scope string
		at          time.Time
		refused     bool
	}{
		{poolID, "all", midnight.Add(-24 * time.Hour), false},
		{poolID, "all", midnight.Add(-time.Microsecond), true},
		{poolID, "all", midnight, false},
		{poolID, "all", midnight.In(time.FixedZone("", 14*60*60)), true},
		{poolID, "all", midnight.Add(24*time.Hour - time.Microsecond), true},
		{poolID, "CN", midnight, false},
		{poolID, "CN", midnight, true},
		{"other", "all", midnight, false},
		{poolID, "all", midnight.Add(24 * time.Hour), false},
	} {
		if err := spend(test.pool, test.scope, test.at); errors.Is(err, db.ErrNotFound) != test.refused || !test.refused && err != nil {
			t.Errorf("%d: %v, want refused: %v", i, err, test.refused)
		}
	}
	for _, none := range []int{0, -1} {
		if err := f.Budgets().Spend(t.Context(), poolID, "none", none, midnight); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("a budget of %d: %v, want ErrNotFound", none, err)
		}
	}
}

// TestAlertsAreRaisedAgain (C7): when the time of one is over, and each userpool and reason has its own.
func TestAlertsAreRaisedAgain(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	for i, test := range []struct {
		pool, key string
		after     time.Duration
		refused   bool
	}{
		{poolID, "sms", 0, false},
		{poolID, "sms", time.Hour - time.Microsecond, true},
		{poolID, "other", 0, false},
		{"other", "sms", 0, false},
		{poolID, "sms", time.Hour, false},
		{poolID, "sms", 2*time.Hour - time.Microsecond, true},
	} {
		at := now.Add(test.after)
		if err := f.Budgets().RaiseAlert(t.Context(), test.pool, test.key, at, at.Add(time.Hour)); errors.Is(err, db.ErrNotFound) != test.refused || !test.refused && err != nil {
			t.Errorf("%d: %v, want refused: %v", i, err, test.refused)
		}
	}
}
