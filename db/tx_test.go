package db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestInTxIsAllOrNothing: what a transaction did is there when it succeeded, and gone when it ended in any other way; and
// the connection is free again, also after a panic. (Design 6: an effect and what pays for it are one transaction.)
func TestInTxIsAllOrNothing(t *testing.T) {
	t.Parallel()
	errRefused := errors.New("refused")
	tests := []struct {
		name string
		end  func(cancel context.CancelFunc) error
		want error
		rows int
	}{
		{"success", func(context.CancelFunc) error { return nil }, nil, 1},
		{"error", func(context.CancelFunc) error { return errRefused }, errRefused, 0},
		{"panic", func(context.CancelFunc) error { panic(errRefused) }, errRefused, 0},
		{"cancelled", func(cancel context.CancelFunc) error { cancel(); return nil }, context.Canceled, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := empty(t, db.Options{MaxConns: 1})
			err := func() (err error) {
				defer func() {
					if panicked := recover(); panicked != nil {
						err = panicked.(error)
					}
				}()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				return f.InTx(ctx, func(q db.Queries) error {
					if err := q.Captchas().Insert(ctx, db.Captcha{ID: "1", AnswerHash: []byte{1}, CreatedAt: now, ExpiresAt: now}); err != nil {
						return err
					}
					return test.end(cancel)
				})
			}()
			if !errors.Is(err, test.want) {
				t.Errorf("InTx = %v, want %v", err, test.want)
			}
			if n := f.number("SELECT count(*) FROM captchas"); n != test.rows {
				t.Errorf("%d rows, want %d", n, test.rows)
			}
			if _, err := f.Clock(soon(t)); err != nil {
				t.Errorf("the only connection is not free: %v", err)
			}
		})
	}
}

// TestInTxIsIsolated: nobody sees what a transaction did before it is committed.
func TestInTxIsIsolated(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{})
	f.must(f.InTx(t.Context(), func(q db.Queries) error {
		f.must(q.Captchas().Insert(t.Context(), db.Captcha{ID: "1", AnswerHash: []byte{1}, CreatedAt: now, ExpiresAt: now}))
		if _, err := f.Captchas().Consume(t.Context(), "", "1"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("seen from outside: %v, want ErrNotFound", err)
		}
		_, err := q.Captchas().Consume(t.Context(), "", "1")
		return err
	}))
}

// TestColdStartDoesNotDeadlock: transactions that run their statements for the first time must not wait for a second
// connection while they hold one, or a few of them lock the pool for good.
func TestColdStartDoesNotDeadlock(t *testing.T) {
	t.Parallel()
	for _, conns := range []int{1, 2} {
		t.Run(fmt.Sprint(conns, " connections"), func(t *testing.T) {
			t.Parallel()
			f, ctx := empty(t, db.Options{MaxConns: conns}), soon(t)
			const rounds = 3 // unprepared, prepared, and prepared on another connection
			began := time.Now()
			for _, err := range together(16, func(i int) error {
				for round := range rounds {
					id := fmt.Sprint(i, "-", round)
					err := f.InTx(ctx, func(q db.Queries) error {
						err := q.Captchas().Insert(ctx, db.Captcha{ID: id, AnswerHash: []byte{1}, CreatedAt: now, ExpiresAt: now})
						if err != nil {
							return err
						}
						if _, err := q.Keyring().All(ctx); err != nil {
							return err
						}
						_, err = q.Captchas().Consume(ctx, "", id)
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			}) {
				if err != nil {
					t.Error(err)
				}
			}
			t.Logf("16 goroutines, %d transactions each: %v", rounds, time.Since(began).Round(time.Millisecond))
		})
	}
}

// TestPoolIsBounded: a service does not take more connections than it is given, and keeps those it has.
func TestPoolIsBounded(t *testing.T) {
	t.Parallel()
	f := empty(t, db.Options{MaxConns: 3})
	const connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	for _, err := range together(32, func(int) error {
		_, err := f.Clock(t.Context())
		return err
	}) {
		f.must(err)
	}
	if n := f.number(connections); n < 1 || n > 3 {
		t.Errorf("%d connections after 32 parallel statements, want 1 to 3", n)
	}
}
