package db_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
)

// poolerConns are those of the server that the pooler of the tests lends.
const poolerConns = 4

// pooled is furnished, reached through a pooler that has fewer connections than the pool.
func pooled(t *testing.T) (f fixture, through string) {
	t.Helper()
	f = furnished(t)
	f.must(f.Close())
	through = dbtest.Pooled(t, f.url)
	var err error
	f.DB, err = db.Open(t.Context(), through, db.Options{MaxConns: 4 * poolerConns, DirectURL: f.url})
	f.must(err)
	t.Cleanup(func() { _ = f.Close() })
	return f, through
}

// TestThroughPooler: through a transaction pooler, statements with values of every type, in transactions and outside, say what
// they say directly, however many at a time share its connections.
func TestThroughPooler(t *testing.T) {
	t.Parallel()
	f, _ := pooled(t)
	direct, err := db.Open(t.Context(), f.url, db.Options{MaxConns: 2})
	f.must(err)
	defer direct.Close()
	ctx := soon(t)
	errs := together(64, func(i int) error {
		for round := range 5 {
			id := fmt.Sprintf("%d-%d", i, round)
			err := f.InTx(ctx, func(q db.Queries) error {
				if err := qrIn(ctx, q, id, db.QRPending); err != nil {
					return err
				}
				scan := scanBy(userID, sessionID)
				scan.Numbers = []int64{7, 42}
				return q.QRLogins().Scan(ctx, poolID, id, scan, now)
			})
			if err != nil {
				return fmt.Errorf("in a transaction: %w", err)
			}
			if err := f.QRLogins().Cancel(ctx, poolID, id, pinOf(sessionID), now); err != nil {
				return fmt.Errorf("outside: %w", err)
			}
			if err := f.QRLogins().Cancel(ctx, poolID, id, pinOf(sessionID), now); !errors.Is(err, db.ErrNotFound) {
				return fmt.Errorf("a guard that does not hold: %w", err)
			}
			many, err := f.QRLogins().Progress(ctx, [][]byte{[]byte("poll " + id), {0, 0xff}})
			if err != nil || len(many) != 1 || !bytes.Equal(many[0].PollHash, []byte("poll "+id)) {
				return fmt.Errorf("by an array of bytes: %v, %w", many, err)
			}
			got, err := f.QRLogins().ByPollHash(ctx, []byte("poll "+id))
			if err != nil {
				return err
			}
			want, err := direct.QRLogins().ByPollHash(ctx, []byte("poll "+id))
			if err != nil || !reflect.DeepEqual(got, want) {
				return fmt.Errorf("through the pooler %+v, directly %+v, %w", got, want, err)
			}
		}
		return nil
	})
	f.must(errors.Join(errs...))
	const shared = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = '` + dbtest.PoolerName + `'`
	if n := f.number(shared); n == 0 || n > poolerConns {
		t.Errorf("%d connections of the pooler, want 1 to %d: this is not what the test is about", n, poolerConns)
	}
	session, err := f.Sessions().Live(ctx, poolID, sessionID, now)
	f.must(err)
	if want, err := direct.Sessions().Live(ctx, poolID, sessionID, now); err != nil || !reflect.DeepEqual(session, want) {
		t.Errorf("through the pooler %+v, directly %+v, %v", session, want, err)
	}
}

// TestPoolerIsNoticed: a transaction pooler is told from a database, while it is idle and while others use it.
func TestPoolerIsNoticed(t *testing.T) {
	t.Parallel()
	f, through := pooled(t)
	f.must(db.CheckSessions(soon(t), f.url))
	if err := db.CheckSessions(soon(t), through); !errors.Is(err, db.ErrPooled) {
		t.Errorf("idle: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 2 * poolerConns {
		go func() {
			for ctx.Err() == nil {
				_, _ = f.Clock(ctx)
			}
		}()
	}
	for range 20 {
		if err := db.CheckSessions(soon(t), through); !errors.Is(err, db.ErrPooled) {
			t.Errorf("in use: %v", err)
		}
	}
	wantUnavailable(t, "CheckSessions", db.CheckSessions(soon(t), nowhere(t)))
}

// TestSessionsAroundPooler: what needs a session has one beside a transaction pooler. Changes are told of, one has a lock, and
// there is a connection for what transactions wait for that hold all of the pooler's.
func TestSessionsAroundPooler(t *testing.T) {
	t.Parallel()
	f, through := pooled(t)
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	told := make(chan string, 100)
	go f.Listen(ctx, db.QRLoginsChanged, func(payload string) { told <- payload })
	for heard := false; !heard; {
		f.must(ctx.Err())
		f.execute(`SELECT pg_notify($1, 'ready')`, db.QRLoginsChanged)
		select {
		case payload := <-told:
			heard = payload == "ready"
		case <-time.After(10 * time.Millisecond):
		}
	}
	f.must(qrIn(ctx, f.Queries, "told", db.QRScanned))
	for payload := ""; payload != fmt.Sprintf("%x", "poll told"); {
		select {
		case payload = <-told:
		case <-ctx.Done():
			t.Fatal("a change is not told of")
		}
	}

	other, err := db.Open(ctx, through, db.Options{DirectURL: f.url})
	f.must(err)
	defer other.Close()
	for range 3 {
		lock, err := f.TryLock(ctx, "one")
		f.must(err)
		for range 2 * poolerConns {
			if _, err := other.TryLock(ctx, "one"); !errors.Is(err, db.ErrLocked) {
				t.Errorf("another takes the lock: %v", err)
			}
			f.must(lock.Hold(ctx))
		}
		lock.Release()
	}

	all := make(chan struct{}, poolerConns)
	f.must(errors.Join(together(poolerConns, func(int) error {
		return f.InTx(ctx, func(q db.Queries) error {
			if _, err := q.Clock(ctx); err != nil {
				return err
			}
			for all <- struct{}{}; len(all) < poolerConns; {
				time.Sleep(time.Millisecond)
			}
			_, err := f.Aside().Keyring().All(ctx)
			return err
		})
	})...))
}
