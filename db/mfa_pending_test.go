package db_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

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

// TestPutPending (T11): the newest request voids the former, with its token, its recovery code, its name and its tries,
// and one without a token takes the place of one with.
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
	f.must(f.MFA().PutPending(t.Context(), next))
	kept, err := f.MFA().Pending(t.Context(), poolID, userID)
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
