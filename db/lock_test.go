package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestTryLock: of many that want a lock of the database one gets it, over all pools; the others are told at once. Locks of
// other names are free. The lock ends with its release, even when the context has ended before, and with its connection.
func TestTryLock(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{MaxConns: 12})
	other, err := db.Open(t.Context(), f.url, db.Options{MaxConns: 12})
	f.must(err)
	defer other.Close()
	ctx, cancel := context.WithCancel(soon(t))
	locks := make([]*db.Lock, 10)
	won, winner := 0, 0
	errs := together(10, func(i int) (err error) {
		locks[i], err = []*db.DB{f.DB, other}[i%2].TryLock(ctx, "one")
		return err
	})
	for i, err := range errs {
		switch {
		case err == nil:
			won, winner = won+1, i
		case !errors.Is(err, db.ErrLocked):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Fatalf("%d have the lock", won)
	}
	two, err := other.TryLock(soon(t), "two")
	f.must(err)
	two.Release()
	cancel()
	locks[winner].Release()
	lost, err := other.TryLock(soon(t), "one")
	f.must(err)
	f.cutLocks()
	one, err := f.TryLock(soon(t), "one")
	f.must(err)
	lost.Release() // of what it does not have any more
	if _, err := other.TryLock(soon(t), "one"); !errors.Is(err, db.ErrLocked) {
		t.Errorf("the lock ended with that of another: %v", err)
	}
	one.Release()
}

// cutLocks ends the connections that have a lock of the database, and waits until their locks are gone.
func (f fixture) cutLocks() {
	f.t.Helper()
	const ofLocks = ` FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	f.execute(`SELECT pg_terminate_backend(pid)` + ofLocks)
	for f.number(`SELECT count(*)`+ofLocks) > 0 {
		time.Sleep(time.Millisecond)
	}
}

// TestHoldLock: a lock that ended with its connection is taken again, if it is free, and then keeps others away as before; who
// has it meanwhile keeps it. A context that has ended costs no lock. Once released it is free at once.
func TestHoldLock(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{MaxConns: 2})
	lock, err := f.TryLock(soon(t), "one")
	f.must(err)
	defer func() {
		lock.Release()
		again, err := f.TryLock(soon(t), "one")
		f.must(err)
		again.Release()
	}()
	for range 3 {
		f.must(lock.Hold(soon(t)))
		if _, err := f.TryLock(soon(t), "one"); !errors.Is(err, db.ErrLocked) {
			t.Fatalf("another takes it: %v", err)
		}
		f.cutLocks()
	}
	other, err := f.TryLock(soon(t), "one")
	f.must(err)
	for range 2 {
		if err := lock.Hold(soon(t)); !errors.Is(err, db.ErrLocked) {
			t.Fatalf("Hold while another has it: %v", err)
		}
	}
	other.Release()
	f.must(lock.Hold(soon(t)))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lock.Hold(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Hold with a context that has ended: %v", err)
	}
	if _, err := f.TryLock(soon(t), "one"); !errors.Is(err, db.ErrLocked) {
		t.Errorf("another takes it after that: %v", err)
	}
}

// TestAside: there is a connection when transactions have used up the pool.
func TestAside(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{MaxConns: 1})
	f.must(f.InTx(soon(t), func(db.Queries) error {
		_, err := f.Aside().Keyring().All(soon(t))
		return err
	}))
}

// TestCheckSchema: a database that lacks a migration, or has one that this program does not know, is told apart from one that
// fits; looking changes nothing.
func TestCheckSchema(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	check := func(what string, want error) {
		t.Helper()
		if err := db.CheckSchema(soon(t), f.url); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	check("migrated", nil)
	f.execute(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
	check("newer", db.ErrSchemaNew)
	f.execute(`DELETE FROM goose_db_version WHERE version_id = 9999 OR version_id = 12`)
	check("older", db.ErrSchemaOld)
	f.execute(`DROP SCHEMA public CASCADE`)
	f.execute(`CREATE SCHEMA public`)
	check("empty", db.ErrSchemaOld)
	if n := f.number(`SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`); n != 0 {
		t.Errorf("%d tables were made", n)
	}
	wantUnavailable(t, "CheckSchema", db.CheckSchema(soon(t), nowhere(t)))
}
