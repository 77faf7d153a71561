package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestRecoveryCodes (T14): codes are counted until they are used, a used one stays known as such, also when it is added
// once more, and they are gone with one word; another user's are neither counted nor taken away.
func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	codes := f.Recovery()
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	hashes := [][]byte{[]byte("one"), []byte("two"), []byte("three")}
	f.must(codes.Add(t.Context(), poolID, userID, hashes, nil, now))
	f.must(codes.Add(t.Context(), poolID, "bob", hashes, nil, now))
	left := func(user string, want int) {
		t.Helper()
		if n, err := codes.Left(t.Context(), poolID, user); err != nil || n != want {
			t.Errorf("%s has %d left, %v; want %d", user, n, err, want)
		}
	}
	left(userID, 3)
	later := now.Add(time.Minute)
	f.must(codes.Spend(t.Context(), poolID, userID, []byte("two"), later))
	left(userID, 2)
	f.must(codes.Add(t.Context(), poolID, userID, hashes, nil, later))
	left(userID, 2)
	for hash, used := range map[string]bool{"one": false, "two": true} {
		at, err := codes.UsedAt(t.Context(), poolID, userID, []byte(hash))
		if err != nil || (at != nil) != used || used && !at.Equal(later) {
			t.Errorf("%s was used at %v, %v; want it used: %v", hash, at, err, used)
		}
	}
	for name, of := range map[string][3]string{"unknown": {poolID, userID, "four"}, "of another userpool": {"other", userID, "one"}, "of nobody": {poolID, "carol", "one"}} {
		if at, err := codes.UsedAt(t.Context(), of[0], of[1], []byte(of[2])); !errors.Is(err, db.ErrNotFound) || at != nil {
			t.Errorf("%s: %v, %v; want ErrNotFound", name, at, err)
		}
		if err := codes.Spend(t.Context(), of[0], of[1], []byte(of[2]), now); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s is spent: %v, want ErrNotFound", name, err)
		}
	}
	f.must(codes.Forget(t.Context(), poolID, userID))
	left(userID, 0)
	left("bob", 3)
	if _, err := codes.UsedAt(t.Context(), poolID, userID, []byte("two")); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("after they were forgotten: %v, want ErrNotFound", err)
	}
	f.execute("DELETE FROM users WHERE id = 'bob'")
	if n := f.number("SELECT count(*) FROM mfa_recovery_codes"); n != 0 {
		t.Errorf("%d codes of nobody", n)
	}
}

// TestRecoveryCodeMeetsNewOnes (T14): of a code that is used and new ones that void it at the same moment, whichever comes
// first: the code is used at most once, and never after it is void.
func TestRecoveryCodeMeetsNewOnes(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Recovery().Add(t.Context(), poolID, userID, [][]byte{[]byte("old")}, nil, now))
	ctx, used := soon(t), 0
	for i, err := range together(16, func(i int) error {
		if i > 0 {
			return f.Recovery().Spend(ctx, poolID, userID, []byte("old"), now)
		}
		return f.InTx(ctx, func(q db.Queries) error { return renewCodes(ctx, q) })
	}) {
		switch {
		case err == nil && i > 0:
			used++
		case err != nil && (i == 0 || !errors.Is(err, db.ErrNotFound)):
			t.Error(err)
		}
	}
	if used > 1 {
		t.Errorf("the code was used %d times", used)
	}
	if err := f.Recovery().Spend(ctx, poolID, userID, []byte("old"), now); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the void code: %v, want ErrNotFound", err)
	}
	f.must(f.Recovery().Spend(ctx, poolID, userID, []byte("new"), now))
}

func renewCodes(ctx context.Context, q db.Queries) error {
	if err := q.Recovery().Forget(ctx, poolID, userID); err != nil {
		return err
	}
	return q.Recovery().Add(ctx, poolID, userID, [][]byte{[]byte("new")}, nil, now)
}

// TestRecoveryCodeOfAFactor (T14): a code that was shown with an authenticator goes with it; those that the user made stay.
func TestRecoveryCodeOfAFactor(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	factor, other := "factor", "other"
	f.must(insertFactor(t.Context(), f.Queries))
	f.must(f.MFA().InsertFactor(t.Context(), newFactor(other, userID, "other")))
	for hash, of := range map[string]*string{"shown": &factor, "shown with the other": &other, "made": nil} {
		f.must(f.Recovery().Add(t.Context(), poolID, userID, [][]byte{[]byte(hash)}, of, now))
	}
	f.must(f.Recovery().Spend(t.Context(), poolID, userID, []byte("shown"), now))
	f.must(f.MFA().DeleteFactor(t.Context(), poolID, userID, factor))
	for hash, left := range map[string]bool{"shown": false, "shown with the other": true, "made": true} {
		if _, err := f.Recovery().UsedAt(t.Context(), poolID, userID, []byte(hash)); (err == nil) != left {
			t.Errorf("%s: %v, want it left: %v", hash, err, left)
		}
	}
}
