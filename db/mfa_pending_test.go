package db_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestKeepPending (T11): a session that asks again is shown the secret it was given, for as long as that waits and with
// the tries and the time that are left; everybody else gets a new one. Who has shown a code of an authenticator meanwhile
// gets one that may be bound beside it, and who was given a token before gets one that needs none.
func TestKeepPending(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		tries   int
		session string
		after   time.Duration
		want    string
	}{
		{"same session", 0, sessionID, time.Minute, "old"},
		{"same session at the last moment", 0, sessionID, 10*time.Minute - time.Microsecond, "old"},
		{"same session after its end", 0, sessionID, 10 * time.Minute, "new"},
		{"other session", 0, "other", time.Minute, "new"},
		{"other session after a wrong code", 1, "other", time.Minute, "new"},
		{"same session after a wrong code", 1, sessionID, time.Minute, "old"},
		{"same session after four", 4, sessionID, time.Minute, "old"},
		{"same session after five", 5, sessionID, time.Minute, "new"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := furnished(t)
			_, err := f.MFA().KeepPending(t.Context(), pending(sessionID, "old"), 5, now)
			f.must(err)
			for range test.tries {
				_, err := f.MFA().ChargePending(t.Context(), poolID, userID, sessionID, nil, 5, now)
				f.must(err)
			}
			next := pending(test.session, "new")
			next.ExpiresAt = next.ExpiresAt.Add(test.after)
			want, attempts := next.ExpiresAt, 0
			if test.want == "old" {
				want, attempts = now.Add(10*time.Minute), test.tries
			}
			kept, err := f.MFA().KeepPending(t.Context(), next, 5, now.Add(test.after))
			f.must(err)
			if string(kept.SecretSealed) != test.want || kept.Attempts != attempts || kept.SessionID != test.session || !kept.ExpiresAt.Equal(want) {
				t.Errorf("kept %s until %v for %s after %d tries, want %s until %v after %d", kept.SecretSealed, kept.ExpiresAt,
					kept.SessionID, kept.Attempts, test.want, want, attempts)
			}
			if n := f.number("SELECT count(*) FROM mfa_pending"); n != 1 {
				t.Errorf("%d secrets wait, want 1", n)
			}
			if waits := f.number("SELECT count(*) FROM mfa_pending WHERE id = $1", test.want); waits != 1 || kept.ID != test.want {
				t.Errorf("%s waits as %q, %d rows", test.want, kept.ID, waits)
			}
		})
	}
}

// TestConsumePendingOfAnother (T11): a secret that was replaced while its code was checked is not bound.
func TestConsumePendingOfAnother(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(keepPending(t.Context(), f.Queries))
	for _, other := range [][3]string{{poolID, userID, "replaced"}, {poolID, "bob", "sealed"}, {"other", userID, "sealed"}} {
		err := f.MFA().ConsumePending(t.Context(), other[0], other[1], other[2])
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("consume %q: %v, want ErrNotFound", other, err)
		}
	}
}

// TestKeepPendingAfterAStepUp (T11): a secret that was made before the session showed a code is not shown as one that was
// made after, nor the other way round: only the one made after may become a further authenticator.
func TestKeepPendingAfterAStepUp(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	for i, steppedUp := range []bool{false, true, true, false} {
		p := pending(sessionID, string(rune('a'+i)))
		p.SteppedUp = steppedUp
		kept, err := f.MFA().KeepPending(t.Context(), p, 5, now)
		f.must(err)
		if want := []string{"a", "b", "b", "d"}[i]; kept.ID != want || string(kept.SecretSealed) != want || kept.SteppedUp != steppedUp {
			t.Errorf("request %d, stepped up %v: kept %+v, want the secret %s", i, steppedUp, kept, want)
		}
	}
}

// TestPutPending (T11): the newest request voids the former, with its token, its recovery code, its name and its tries,
// and one without a token is not shown what waits for a token.
func TestPutPending(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	put := func(id string) {
		t.Helper()
		p := pending(sessionID, id)
		p.Name, p.TokenHash, p.RecoveryHash, p.SteppedUp = "name "+id, []byte("token "+id), []byte("recovery "+id), true
		p.Algorithm, p.Digits, p.Period = "SHA512", 8, 60
		f.must(f.MFA().PutPending(t.Context(), p))
	}
	charge := func(token []byte) (db.PendingFactor, error) {
		return f.MFA().ChargePending(t.Context(), poolID, userID, sessionID, token, 5, now)
	}
	put("first")
	for range 4 {
		_, err := charge([]byte("token first"))
		f.must(err)
	}
	put("second")
	for _, token := range [][]byte{[]byte("token first"), nil, {}, []byte("token")} {
		if _, err := charge(token); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("token %q: %v, want ErrNotFound", token, err)
		}
	}
	p, err := charge([]byte("token second"))
	f.must(err)
	if p.Attempts != 1 || p.ID != "second" || p.Name != "name second" || !bytes.Equal(p.RecoveryHash, []byte("recovery second")) ||
		!p.SteppedUp || p.Algorithm != "SHA512" || p.Digits != 8 || p.Period != 60 || p.SessionID != sessionID {
		t.Errorf("charged %+v", p)
	}
	next := pending(sessionID, "third")
	next.SteppedUp = true
	kept, err := f.MFA().KeepPending(t.Context(), next, 5, now)
	if err != nil || kept.ID != "third" || kept.TokenHash != nil || kept.RecoveryHash != nil || kept.Name != "" || kept.Attempts != 0 {
		t.Errorf("asked for without a token: %+v, %v", kept, err)
	}
	if _, err := charge([]byte("token second")); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the token that was replaced: %v, want ErrNotFound", err)
	}
	if _, err := charge(nil); err != nil {
		t.Errorf("without a token, where none is needed: %v", err)
	}
}

// TestChargePendingInTime (T11): until its end and five times; not a moment longer, not once more, and not for another, nor
// in another session of the user.
func TestChargePendingInTime(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(keepPending(t.Context(), f.Queries))
	end := now.Add(10 * time.Minute)
	for name, test := range map[string]struct {
		pool, user, session string
		at                  time.Time
	}{
		"at its end": {poolID, userID, sessionID, end}, "in another userpool": {"other", userID, sessionID, now},
		"of another": {poolID, "bob", sessionID, now}, "of another session": {poolID, userID, "other", now},
	} {
		if _, err := f.MFA().ChargePending(t.Context(), test.pool, test.user, test.session, nil, 5, test.at); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	p, err := f.MFA().ChargePending(t.Context(), poolID, userID, sessionID, nil, 5, end.Add(-time.Microsecond))
	if err != nil || p.Attempts != 1 {
		t.Errorf("at the last moment: %+v, %v", p, err)
	}
}

// TestForgetPendingFactor (T11): what waits for a user is taken away, and what waits for another stays.
func TestForgetPendingFactor(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	f.must(putPending(t.Context(), f.Queries))
	bobs := pending(sessionID, "bob's")
	bobs.UserID = "bob"
	f.must(f.MFA().PutPending(t.Context(), bobs))
	f.must(f.MFA().ForgetPending(t.Context(), poolID, userID))
	f.must(f.MFA().ForgetPending(t.Context(), poolID, userID))
	f.must(f.MFA().ForgetPending(t.Context(), "other", "bob"))
	if n := f.number("SELECT count(*) FROM mfa_pending WHERE user_id = 'bob'"); n != 1 || f.number("SELECT count(*) FROM mfa_pending") != 1 {
		t.Errorf("bob's waits: %d", n)
	}
}
