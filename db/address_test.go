package db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestSetPassword: of the user, and of nobody else.
func TestSetPassword(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
	later := now.Add(time.Minute)
	f.must(f.Accounts().SetPassword(t.Context(), poolID, userID, "hash", later))
	u, err := f.Accounts().UserByID(t.Context(), poolID, userID)
	if err != nil || u.PasswordHash == nil || *u.PasswordHash != "hash" || !u.UpdatedAt.Equal(later) {
		t.Errorf("%+v, %v", u, err)
	}
	for _, nobody := range [][2]string{{"other", userID}, {poolID, "none"}} {
		if err := f.Accounts().SetPassword(t.Context(), nobody[0], nobody[1], "x", later); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%v: %v, want ErrNotFound", nobody, err)
		}
	}
	if n := f.number("SELECT count(*) FROM users WHERE password_hash IS NOT NULL"); n != 1 {
		t.Errorf("%d users have a password, want 1", n)
	}
}

// TestLock (security, accounts): whoever has locked a user is the only one who changes it until the end; a login waits for
// that too, and then sees what was changed. Who may not sign in is not locked.
func TestLock(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	seen := make(chan string, 1)
	f.must(f.InTx(soon(t), func(q db.Queries) error {
		u, err := q.Accounts().Lock(soon(t), poolID, userID)
		if err != nil || u.ID != userID {
			t.Errorf("locked %+v, %v", u, err)
		}
		go func() {
			u, err := f.Accounts().NoteLogin(soon(t), poolID, userID, "192.0.2.1", now)
			if err != nil || u.PasswordHash == nil {
				seen <- fmt.Sprint(u.PasswordHash, err)
				return
			}
			seen <- *u.PasswordHash
		}()
		for f.number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 0 {
			select {
			case hash := <-seen:
				t.Fatalf("a login does not wait, and sees the password %s", hash)
			case <-time.After(5 * time.Millisecond):
			}
		}
		return q.Accounts().SetPassword(soon(t), poolID, userID, "new", now)
	}))
	if hash := <-seen; hash != "new" {
		t.Errorf("the login that waited sees the password %q, want the new one", hash)
	}
	f.execute("UPDATE users SET status = 'Suspended'")
	for _, at := range [][2]string{{poolID, userID}, {"other", userID}, {poolID, "none"}} {
		if u, err := f.Accounts().Lock(t.Context(), at[0], at[1]); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%v: %+v, %v; want ErrNotFound", at, u, err)
		}
	}
}

// TestVerifyAddress: an address is proved for who has it right now, and the other one is not touched.
func TestVerifyAddress(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	ctx := t.Context()
	u := newUser("bob")
	u.Email, u.EmailKey, u.Phone = new("Bob@example.com"), new("bob@example.com"), new("+8613800138000")
	f.must(f.Accounts().InsertUser(ctx, u))
	for name, verify := range map[string]func() error{
		"another's e-mail":      func() error { return f.Accounts().VerifyEmail(ctx, poolID, userID, "bob@example.com") },
		"as it is spelt":        func() error { return f.Accounts().VerifyEmail(ctx, poolID, "bob", "Bob@example.com") },
		"an e-mail of before":   func() error { return f.Accounts().VerifyEmail(ctx, poolID, "bob", "old@example.com") },
		"a phone of before":     func() error { return f.Accounts().VerifyPhone(ctx, poolID, "bob", "+8613900139000") },
		"in another userpool":   func() error { return f.Accounts().VerifyPhone(ctx, "other", "bob", "+8613800138000") },
		"e-mail, other's pool":  func() error { return f.Accounts().VerifyEmail(ctx, "other", "bob", "bob@example.com") },
		"another's phone":       func() error { return f.Accounts().VerifyPhone(ctx, poolID, userID, "+8613800138000") },
		"who has none (e-mail)": func() error { return f.Accounts().VerifyEmail(ctx, poolID, userID, "") },
	} {
		if err := verify(); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	verified := func(want int) {
		t.Helper()
		if n := f.number("SELECT (count(*) FILTER (WHERE email_verified) + 10 * count(*) FILTER (WHERE phone_verified))::int FROM users"); n != want {
			t.Errorf("verified: %02d, want %02d (phones, e-mails)", n, want)
		}
	}
	verified(0)
	f.must(f.Accounts().VerifyEmail(ctx, poolID, "bob", "bob@example.com"))
	verified(1)
	f.must(f.Accounts().VerifyEmail(ctx, poolID, "bob", "bob@example.com"))
	f.must(f.Accounts().VerifyPhone(ctx, poolID, "bob", "+8613800138000"))
	verified(11)
}

// TestSetAddress (T16): an address that is proved becomes the user's, verified, and replaces the one before, whichever it
// was; one of another user of the userpool stays that user's.
func TestSetAddress(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	ctx, later := t.Context(), now.Add(time.Minute)
	f.must(f.Tenancy().InsertUserpool(ctx, db.Userpool{ID: "other", CreatedAt: now}))
	elsewhere := newUser("carol")
	elsewhere.UserpoolID = "other"
	f.must(f.Accounts().InsertUser(ctx, elsewhere))
	f.must(f.Accounts().InsertUser(ctx, newUser("bob")))
	for name, test := range map[string]struct {
		set   func(pool, id, address string) error
		of    func(u db.User) (address *string, verified, otherVerified bool)
		index string
	}{
		"e-mail": {
			func(pool, id, a string) error { return f.Accounts().SetEmail(ctx, pool, id, "E"+a, "e"+a, later) },
			func(u db.User) (*string, bool, bool) {
				return u.Email, u.EmailVerified, u.PhoneVerified && u.Phone == nil
			},
			db.UsersEmail,
		},
		"phone": {
			func(pool, id, a string) error { return f.Accounts().SetPhone(ctx, pool, id, "E"+a, later) },
			func(u db.User) (*string, bool, bool) {
				return u.Phone, u.PhoneVerified, u.EmailVerified && u.Email == nil
			},
			db.UsersPhone,
		},
	} {
		for _, address := range []string{"1", "2", "2"} {
			f.must(test.set(poolID, userID, address))
			u, err := f.Accounts().UserByID(ctx, poolID, userID)
			f.must(err)
			if now, verified, other := test.of(u); now == nil || *now != "E"+address || !verified || other || !u.UpdatedAt.Equal(later) {
				t.Errorf("%s: %+v", name, u)
			}
		}
		if err := test.set(poolID, "bob", "2"); !db.Duplicate(err, test.index) {
			t.Errorf("%s of another: %v, want ErrDuplicate of %s", name, err, test.index)
		}
		f.must(test.set(poolID, "bob", "1")) // nobody's any more
		f.must(test.set("other", "carol", "2"))
		for _, nobody := range [][2]string{{poolID, "none"}, {"third", userID}} {
			if err := test.set(nobody[0], nobody[1], "9"); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("%s of %v: %v, want ErrNotFound", name, nobody, err)
			}
		}
	}
}

// TestAddressByKey (C6): finds the address on file of who may sign in, by its comparison key and nothing else.
func TestAddressByKey(t *testing.T) {
	t.Parallel()
	f := furnished(t)
	ctx := t.Context()
	f.must(f.Accounts().SetEmail(ctx, poolID, userID, "Alice@example.com", "alice@example.com", now))
	f.must(f.Accounts().SetPhone(ctx, poolID, userID, "+8613800138000", now))
	for name, test := range map[string]struct {
		find      func(ctx context.Context, pool, key string) (string, error)
		key, want string
	}{
		"e-mail": {f.Accounts().EmailByKey, "alice@example.com", "Alice@example.com"},
		"phone":  {f.Accounts().PhoneByKey, "+8613800138000", "+8613800138000"},
	} {
		if got, err := test.find(ctx, poolID, test.key); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
		for _, at := range [][2]string{{"other", test.key}, {poolID, test.key + "x"}, {poolID, ""}, {poolID, "%"}, {poolID, "Alice@example.com"}} {
			if got, err := test.find(ctx, at[0], at[1]); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("%s of %v: %q, %v; want ErrNotFound", name, at, got, err)
			}
		}
	}
	f.execute("UPDATE users SET status = 'Suspended'")
	if _, err := f.Accounts().EmailByKey(ctx, poolID, "alice@example.com"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the e-mail address of a disabled user: %v, want ErrNotFound", err)
	}
	if _, err := f.Accounts().PhoneByKey(ctx, poolID, "+8613800138000"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the phone number of a disabled user: %v, want ErrNotFound", err)
	}
}
