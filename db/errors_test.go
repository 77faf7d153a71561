package db_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

func wantUnavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("%s: %v, want ErrUnavailable", what, err)
	}
}

// nowhere is the address of a server that is not there.
func nowhere(t *testing.T) string {
	t.Helper()
	u := url.URL{Scheme: "postgres", User: url.User("menshen"), Path: "/menshen", RawQuery: "sslmode=disable&host=" + url.QueryEscape(t.TempDir())}
	return u.String()
}

// TestUnavailable: whatever keeps the database from answering is ErrUnavailable, which becomes 503 and Retry-After;
// anything else would be reported as a fault of the service. (Security: pool exhausted is 503, limits fail closed.)
func TestUnavailable(t *testing.T) {
	t.Parallel()
	ask := func(ctx context.Context, d *db.DB) error {
		_, err := d.Clock(ctx)
		return err
	}
	t.Run("no server", func(t *testing.T) {
		t.Parallel()
		_, err := db.Open(soon(t), nowhere(t), db.Options{})
		wantUnavailable(t, "Open", err)
	})
	t.Run("no such database", func(t *testing.T) {
		t.Parallel()
		f := empty(t, db.Options{})
		u, err := url.Parse(f.url)
		f.must(err)
		u.Path = "/none"
		if _, err := db.Open(soon(t), u.String(), db.Options{}); err == nil {
			t.Error("Open of a database that does not exist succeeds")
		}
	})
	t.Run("closed pool", func(t *testing.T) {
		t.Parallel()
		f := empty(t, db.Options{})
		f.must(f.Close())
		wantUnavailable(t, "a statement", ask(t.Context(), f.DB))
		wantUnavailable(t, "InTx", f.InTx(t.Context(), func(db.Queries) error { return nil }))
	})
	t.Run("pool exhausted", func(t *testing.T) {
		t.Parallel()
		f := empty(t, db.Options{MaxConns: 1})
		f.must(f.InTx(t.Context(), func(db.Queries) error {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			wantUnavailable(t, "a statement", ask(ctx, f.DB))
			return nil
		}))
		f.must(ask(t.Context(), f.DB))
	})
	t.Run("pool exhausted for longer than one waits", func(t *testing.T) {
		t.Parallel()
		f := empty(t, db.Options{MaxConns: 1, Wait: 20 * time.Millisecond})
		f.must(f.InTx(t.Context(), func(db.Queries) error {
			wantUnavailable(t, "a statement", ask(t.Context(), f.DB))
			wantUnavailable(t, "InTx", f.InTx(t.Context(), func(db.Queries) error { return nil }))
			_, err := f.Aside().Clock(soon(t))
			return err
		}))
		f.must(ask(t.Context(), f.DB))
	})
	t.Run("connection cut", func(t *testing.T) {
		t.Parallel()
		f := empty(t, db.Options{MaxConns: 1})
		err := f.InTx(t.Context(), func(q db.Queries) error {
			f.must(q.Keyring().Lock(t.Context()))
			f.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			_, err := q.Clock(t.Context())
			return err
		})
		wantUnavailable(t, "a statement after it", err)
		f.must(ask(t.Context(), f.DB)) // the pool has opened another
	})
	t.Run("deadlock", func(t *testing.T) {
		t.Parallel()
		f := furnished(t)
		f.must(f.Accounts().InsertUser(t.Context(), newUser("bob")))
		var order [2]chan struct{}
		for i := range order {
			order[i] = make(chan struct{})
		}
		users, lost := [2]string{userID, "bob"}, 0
		for _, err := range together(2, func(i int) error {
			return f.InTx(t.Context(), func(q db.Queries) error {
				_, err := q.Accounts().NoteLogin(t.Context(), poolID, users[i], "", now)
				f.must(err)
				close(order[i])
				<-order[1-i]
				_, err = q.Accounts().NoteLogin(t.Context(), poolID, users[1-i], "", now)
				return err
			})
		}) {
			if err != nil {
				lost++
				wantUnavailable(t, "the loser", err)
			}
		}
		if lost != 1 {
			t.Errorf("%d transactions were rolled back, want 1", lost)
		}
	})
}

// TestCancelledIsNotUnavailable: a client that goes away is no failure of the database.
func TestCancelledIsNotUnavailable(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Clock(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, db.ErrUnavailable) {
		t.Errorf("a statement with a cancelled context: %v, want context.Canceled", err)
	}
}

// TestErrorsQuoteNoValues (T13): errors are logged, and PostgreSQL's own texts quote the row: a phone number, a hash.
func TestErrorsQuoteNoValues(t *testing.T) {
	t.Parallel()
	const canary = "canary-4711"
	f := furnished(t)
	ctx, name := t.Context(), canary
	user := newUser("carol")
	user.Phone = &name
	f.must(f.Accounts().InsertUser(ctx, user))
	user.ID = "dave"
	session := newSession(canary)
	session.UserID = canary
	tests := map[string]error{
		"unique index":  f.Accounts().InsertUser(ctx, user),
		"primary key":   f.Accounts().InsertUser(ctx, db.User{UserpoolID: poolID, ID: "carol", Username: &name, CreatedAt: now}),
		"foreign key":   f.Sessions().Insert(ctx, session),
		"check":         f.Audit().Insert(ctx, db.AuditEvent{UserpoolID: poolID, At: now, Actor: canary, Outcome: canary}),
		"not UTF-8":     f.Sessions().Insert(ctx, db.Session{UserpoolID: poolID, ID: canary + "\xff", UserID: userID, CreatedAt: now, ExpiresAt: now}),
		"NUL":           f.Sessions().Insert(ctx, db.Session{UserpoolID: poolID, ID: canary + "\x00", UserID: userID, CreatedAt: now, ExpiresAt: now}),
		"NUL in JSON":   f.Accounts().MergeCustomData(ctx, poolID, userID, db.JSON(`{"a":"`+canary+`\u0000"}`), 1<<10, now),
		"not null":      f.MFA().InsertFactor(ctx, db.Factor{UserpoolID: poolID, ID: canary, UserID: userID, CreatedAt: now}),
		"index too big": f.Limits().Take(ctx, db.Charge{UserpoolID: poolID, Key: incompressible(canary), Interval: time.Second, Burst: 1, Now: now}),
	}
	for what, err := range tests {
		if err == nil {
			t.Errorf("%s: no error", what)
		} else if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, canary) {
			t.Errorf("%s: the error quotes the row: %s", what, text)
		}
	}
}

// incompressible begins with text and is too long for an index.
func incompressible(text string) string {
	var b strings.Builder
	b.WriteString(text)
	for i := uint64(1); b.Len() < 20_000; i++ {
		fmt.Fprintf(&b, "%x", i*0x9E3779B97F4A7C15)
	}
	return b.String()
}
