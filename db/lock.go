package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// ErrLocked means that somebody else has the lock.
var ErrLocked = errors.New("locked")

const unlockTimeout = 5 * time.Second

// TryLock takes a lock of the whole database by its name, for work of which there must be one at a time, or fails with
// ErrLocked. It uses up one connection. The lock ends with release, which is to be called once, and with the connection: a
// process that is killed leaves none behind, and what must never be done twice needs a guard of its own.
func (db *DB) TryLock(ctx context.Context, name string) (release func(), err error) {
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return nil, translate(err)
	}
	var locked bool
	err = conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(hashtext($1))`, name).Scan(&locked)
	if err == nil && locked {
		return func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
			defer cancel()
			if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock(hashtext($1))`, name); err != nil {
				_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // a connection that kept the lock must not return to the pool
			}
			_ = conn.Close()
		}, nil
	}
	_ = conn.Close()
	if err != nil {
		return nil, translate(err)
	}
	return nil, ErrLocked
}
