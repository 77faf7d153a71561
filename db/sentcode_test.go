package db_test

import (
	"errors"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestIssue (C4): a new code takes the place of the one before and keeps its tries, and the end of their time, until that
// is over; then it has all of them, and the time begins anew. No new code is kept when no try is left.
func TestIssue(t *testing.T) {
	t.Parallel()
	const window = 10 * time.Minute
	for _, test := range []struct {
		name     string
		tries    int
		after    time.Duration
		refused  bool
		attempts int           // of the new code
		until    time.Duration // their end
	}{
		{"at once", 0, 0, false, 0, window},
		{"after a wrong code", 1, time.Minute, false, 1, window},
		{"after four", 4, 9 * time.Minute, false, 4, window},
		{"after five", 5, time.Minute, true, 5, window},
		{"after five, at the last moment", 5, window - time.Microsecond, true, 5, window},
		{"after five, when the time is over", 5, window, false, 0, 2 * window},
		{"after four, when the time is over", 4, window, false, 0, 2 * window},
		{"long after", 5, 24 * time.Hour, false, 0, 24*time.Hour + window},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := furnished(t)
			old, fresh := newSentCode("old"), newSentCode("new")
			fresh.SentCodeKey = old.SentCodeKey
			f.must(f.SentCodes().Issue(t.Context(), old, 5))
			for range test.tries {
				_, err := f.SentCodes().Charge(t.Context(), old.SentCodeKey, "old", 5, now)
				f.must(err)
			}
			at := now.Add(test.after)
			fresh.CreatedAt, fresh.ExpiresAt, fresh.AttemptsUntil = at, at.Add(5*time.Minute), at.Add(window)
			err := f.SentCodes().Issue(t.Context(), fresh, 5)
			if errors.Is(err, db.ErrNotFound) != test.refused || !test.refused && err != nil {
				t.Errorf("Issue = %v", err)
			}
			used, err := f.SentCodes().Attempts(t.Context(), old.SentCodeKey)
			if err != nil || used.Attempts != test.attempts || !used.AttemptsUntil.Equal(now.Add(test.until)) {
				t.Errorf("%d tries until %v, %v; want %d until %v", used.Attempts, used.AttemptsUntil, err, test.attempts, now.Add(test.until))
			}
			if n := f.number("SELECT count(*) FROM sent_codes"); n != 1 {
				t.Errorf("%d codes are kept, want one at a time", n)
			}
			if test.refused {
				return
			}
			if _, err := f.SentCodes().Charge(t.Context(), old.SentCodeKey, "old", 5, at); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("the code before: %v, want ErrNotFound", err)
			}
			kept, err := f.SentCodes().Charge(t.Context(), old.SentCodeKey, "new", 5, at)
			if err != nil || string(kept.AnswerHash) != "answer new" || kept.Attempts != test.attempts+1 || !kept.ExpiresAt.Equal(fresh.ExpiresAt) || !kept.CreatedAt.Equal(at) {
				t.Errorf("kept %+v, %v", kept, err)
			}
		})
	}
}

// TestCharge (C2, C3): there is something to evaluate for the key and id of a code that has not expired, and nothing else
// is charged.
func TestCharge(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(issueCode(t.Context(), f.Queries))
	key := newSentCode("code").SentCodeKey
	with := func(set func(k *db.SentCodeKey)) db.SentCodeKey {
		k := key
		set(&k)
		return k
	}
	for name, test := range map[string]struct {
		key   db.SentCodeKey
		id    string
		after time.Duration
		good  bool
	}{
		"right":           {key, "code", 0, true},
		"last moment":     {key, "code", 5*time.Minute - time.Microsecond, true},
		"expired":         {key, "code", 5 * time.Minute, false},
		"other id":        {key, "cod", 0, false},
		"no id":           {key, "", 0, false},
		"other userpool":  {with(func(k *db.SentCodeKey) { k.UserpoolID = "other" }), "code", 0, false},
		"other channel":   {with(func(k *db.SentCodeKey) { k.Channel = "phone" }), "code", 0, false},
		"other use":       {with(func(k *db.SentCodeKey) { k.Use = "register" }), "code", 0, false},
		"another address": {with(func(k *db.SentCodeKey) { k.AccountHash = []byte("account") }), "code", 0, false},
	} {
		before := f.number("SELECT attempts FROM sent_codes")
		_, err := f.SentCodes().Charge(t.Context(), test.key, test.id, 5, now.Add(test.after))
		if test.good && err != nil || !test.good && !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if charged := f.number("SELECT attempts FROM sent_codes") > before; charged != test.good {
			t.Errorf("%s: charged %v", name, charged)
		}
		if !test.good && test.after == 0 {
			if err := f.SentCodes().Spend(t.Context(), test.key, test.id); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("%s: spent, %v", name, err)
			}
		}
	}
	if _, err := f.SentCodes().Attempts(t.Context(), with(func(k *db.SentCodeKey) { k.Use = "register" })); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the tries of no code: %v, want ErrNotFound", err)
	}
}

// TestRefund (C4): a right code gives its try back, and no more than it was charged; what was voided since is not touched.
func TestRefund(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(issueCode(t.Context(), f.Queries))
	key := newSentCode("code").SentCodeKey
	for i, step := range []struct {
		charge bool
		id     string
		want   int
	}{
		{false, "code", 0}, {true, "code", 1}, {true, "code", 2}, {false, "code", 1}, {false, "other", 1}, {false, "code", 0}, {false, "code", 0},
	} {
		if step.charge {
			_, err := f.SentCodes().Charge(t.Context(), key, step.id, 5, now)
			f.must(err)
		} else {
			f.must(f.SentCodes().Refund(t.Context(), key, step.id))
		}
		if n := f.number("SELECT attempts FROM sent_codes"); n != step.want {
			t.Errorf("step %d: %d tries are charged, want %d", i, n, step.want)
		}
	}
	elsewhere := key
	elsewhere.UserpoolID = "other"
	_, err := f.SentCodes().Charge(t.Context(), key, "code", 5, now)
	f.must(err)
	f.must(f.SentCodes().Refund(t.Context(), elsewhere, "code"))
	if n := f.number("SELECT attempts FROM sent_codes"); n != 1 {
		t.Errorf("%d tries are charged after a refund in another userpool, want 1", n)
	}
}

// TestIssueAndChargeTogether (C4): while codes are sent again and again, no more tries are charged than there are.
func TestIssueAndChargeTogether(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(issueCode(t.Context(), f.Queries))
	key, charged := newSentCode("code").SentCodeKey, make(chan bool, 64)
	for _, err := range together(64, func(i int) error {
		if i%2 == 0 {
			code := newSentCode("code")
			err := f.SentCodes().Issue(t.Context(), code, 5)
			if errors.Is(err, db.ErrNotFound) {
				err = nil
			}
			return err
		}
		_, err := f.SentCodes().Charge(t.Context(), key, "code", 5, now)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		charged <- err == nil
		return err
	}) {
		f.must(err)
	}
	if n := f.number("SELECT attempts FROM sent_codes"); n != 5 || len(charged) != 5 {
		t.Errorf("%d tries are charged, and %d were evaluated; want 5", n, len(charged))
	}
}
