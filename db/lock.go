package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"
)

// ErrLocked means that somebody else has the lock.
var ErrLocked = errors.New("locked")

// lockTimeout is how long a lock that is there may take to answer.
const lockTimeout = 5 * time.Second

// Lock is a lock of the whole database, for work of which there must be one at a time. It uses up one connection, and ends
// with it: a process that is killed leaves none behind, but one that only loses its connection (idle ones are cut) has lost
// its lock too. Long work asks Hold between its steps, and what must never be done twice needs a guard of its own.
//
// It is not safe for concurrent use.
type Lock struct {
	db   *DB
	name string
	conn *sql.Conn
}

// TryLock takes the lock of a name, or fails with ErrLocked. Release is to be called once.
func (db *DB) TryLock(ctx context.Context, name string) (*Lock, error) {
	lock := &Lock{db: db, name: name}
	if err := lock.take(ctx); err != nil {
		return nil, err
	}
	return lock, nil
}

func (l *Lock) take(ctx context.Context) error {
	conn, err := l.db.locks.Conn(ctx)
	if err != nil {
		return translate(err)
	}
	var locked bool
	err = conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(hashtext($1))`, l.name).Scan(&locked)
	if err == nil && locked {
		l.conn = conn
		return nil
	}
	_ = conn.Close()
	if err != nil {
		return translate(err)
	}
	return ErrLocked
}

// Hold makes sure that the lock is there. If it ended with its connection it is taken again; others may have had it in
// between, and ErrLocked means that somebody has it now. After an error it can be tried again. A context that ends does not
// cost the lock, which would be gone some time after that.
func (l *Lock) Hold(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ping, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockTimeout)
	defer cancel()
	if l.conn.PingContext(ping) == nil {
		return nil
	}
	l.drop()
	return l.take(ctx)
}

// Release ends the lock, also after a Hold that failed.
func (l *Lock) Release() {
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	if _, err := l.conn.ExecContext(ctx, `SELECT pg_advisory_unlock(hashtext($1))`, l.name); err != nil {
		l.drop()
	}
	_ = l.conn.Close()
}

// drop closes the connection: one that may have kept the lock must not return to the pool.
func (l *Lock) drop() { _ = l.conn.Raw(func(any) error { return driver.ErrBadConn }) }
