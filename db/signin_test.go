package db_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestPendingSignIn: a sign-in waits as it was until its end and not a moment longer, is finished once and in its own
// userpool only, and looking at it does not use it up.
func TestPendingSignIn(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	s, p := f.Sessions(), newPendingSignIn("token", userID)
	p.AMR = []string{"pwd", "sms"}
	f.must(s.InsertPending(t.Context(), p))
	f.must(s.InsertPending(t.Context(), newPendingSignIn("other", userID)))
	last := p.ExpiresAt.Add(-time.Microsecond)
	for range 2 {
		got, err := s.Pending(t.Context(), []byte("token"), last)
		if err != nil || got.UserID != userID || got.UserpoolID != poolID || got.AppID != appID || got.Scope != "openid" ||
			!slices.Equal(got.AMR, p.AMR) || !bytes.Contains(got.CustomData, []byte("web")) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for name, test := range map[string]struct {
		pool, token string
		at          time.Time
	}{"at its end": {poolID, "token", p.ExpiresAt}, "unknown": {poolID, "none", now}, "in another userpool": {"other", "token", now}} {
		if err := s.FinishPending(t.Context(), test.pool, []byte(test.token), test.at); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s: finished, %v", name, err)
		}
	}
	for token, at := range map[string]time.Time{"token": p.ExpiresAt, "none": now} {
		if _, err := s.Pending(t.Context(), []byte(token), at); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s at %v: %v, want ErrNotFound", token, at.Sub(now), err)
		}
	}
	f.must(s.FinishPending(t.Context(), poolID, []byte("token"), last))
	if _, err := s.Pending(t.Context(), []byte("token"), now); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("when it is finished: %v, want ErrNotFound", err)
	}
	if _, err := s.Pending(t.Context(), []byte("other"), now); err != nil {
		t.Errorf("the other one: %v", err)
	}
}

// TestForgetPending: all sign-ins of a user that wait are void at once, and nobody else's; they go with their user.
func TestForgetPending(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	for token, user := range map[string]string{"web": userID, "phone": userID, "bob's": "bob"} {
		f.must(f.Sessions().InsertPending(t.Context(), newPendingSignIn(token, user)))
	}
	f.must(f.Sessions().ForgetPending(t.Context(), "other", userID))
	f.must(f.Sessions().ForgetPending(t.Context(), poolID, userID))
	f.must(f.Sessions().ForgetPending(t.Context(), poolID, userID))
	for token, waits := range map[string]bool{"web": false, "phone": false, "bob's": true} {
		if _, err := f.Sessions().Pending(t.Context(), []byte(token), now); (err == nil) != waits {
			t.Errorf("%s: %v, want it to wait: %v", token, err, waits)
		}
	}
	f.execute("DELETE FROM users WHERE id = 'bob'")
	if n := f.number("SELECT count(*) FROM pending_signins"); n != 0 {
		t.Errorf("%d sign-ins of nobody wait", n)
	}
}

// TestStepUp (T11, T14): what a code proves is added to the session once, with the time of the last one, and the rest stays
// as it was; a session that has ended is not stepped up.
func TestStepUp(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Sessions().Insert(t.Context(), newSession("other")))
	code := []string{"otp", "mfa"}
	for i, at := range []time.Time{now.Add(time.Minute), now.Add(2 * time.Minute)} {
		f.must(f.Sessions().StepUp(t.Context(), poolID, sessionID, code, at))
		s, err := f.Sessions().Live(t.Context(), poolID, sessionID, now)
		f.must(err)
		if !slices.Equal(s.AMR, []string{"pwd", "otp", "mfa"}) || s.MFAAt == nil || !s.MFAAt.Equal(at) || !s.AuthTime.Equal(now) {
			t.Errorf("after %d: %+v", i+1, s)
		}
	}
	if s, err := f.Sessions().Live(t.Context(), poolID, "other", now); err != nil || s.MFAAt != nil || len(s.AMR) != 1 {
		t.Errorf("another session of the user: %+v, %v", s, err)
	}
	for name, try := range map[string]func() error{
		"expired":             func() error { return f.Sessions().StepUp(t.Context(), poolID, sessionID, code, now.Add(time.Hour)) },
		"unknown":             func() error { return f.Sessions().StepUp(t.Context(), poolID, "none", code, now) },
		"of another userpool": func() error { return f.Sessions().StepUp(t.Context(), "other", sessionID, code, now) },
		"revoked": func() error {
			f.revoke(poolID, "other", now)
			return f.Sessions().StepUp(t.Context(), poolID, "other", code, now)
		},
	} {
		if err := try(); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
}

// TestStepDown (T11): what all sessions of a user but one have shown is forgotten, and nothing else of them; other users'
// are not touched.
func TestStepDown(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	for id, user := range map[string]string{"phone": userID, "never": userID, "bob's": "bob"} {
		s := newSession(id)
		s.UserID = user
		f.must(f.Sessions().Insert(t.Context(), s))
	}
	for _, id := range []string{sessionID, "phone", "bob's"} {
		f.must(f.Sessions().StepUp(t.Context(), poolID, id, []string{"otp"}, now))
	}
	f.must(f.Sessions().StepDown(t.Context(), "other", userID, ""))
	f.must(f.Sessions().StepDown(t.Context(), poolID, userID, sessionID))
	for id, steppedUp := range map[string]bool{sessionID: true, "phone": false, "never": false, "bob's": true} {
		s, err := f.Sessions().Live(t.Context(), poolID, id, now)
		if err != nil || (s.MFAAt != nil) != steppedUp || !s.AuthTime.Equal(now) {
			t.Errorf("%s: %+v, %v; want stepped up: %v", id, s, err, steppedUp)
		}
	}
}

// TestHold: who is held cannot be changed by another until the transaction ends, also when disabled; who is not there is
// ErrNotFound.
func TestHold(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.execute("UPDATE users SET status = 'Suspended'")
	ctx := soon(t)
	second := make(chan error, 1)
	f.must(f.InTx(ctx, func(q db.Queries) error {
		if err := q.Accounts().Hold(ctx, poolID, userID); err != nil {
			return err
		}
		go func() {
			second <- f.InTx(ctx, func(q db.Queries) error {
				if err := q.Accounts().Hold(ctx, poolID, userID); err != nil {
					return err
				}
				has, err := q.MFA().HasFactor(ctx, poolID, userID)
				if err == nil && !has {
					err = errors.New("it did not wait for the first")
				}
				return err
			})
		}()
		return insertFactor(ctx, q)
	}))
	f.must(<-second)
	for _, nobody := range [][2]string{{poolID, "bob"}, {"other", userID}} {
		if err := f.Accounts().Hold(ctx, nobody[0], nobody[1]); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%q: %v, want ErrNotFound", nobody, err)
		}
	}
}
