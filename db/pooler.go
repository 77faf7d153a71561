package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// A transaction pooler (PgBouncer with pool_mode=transaction, and its like) lends a connection of the server for one
// transaction, so nothing of a session lasts longer than that. Options.DirectURL says that there is one. Then:
//
//   - Statements are not prepared. Each goes to the server in one round trip (lib/pq's binary_parameters), since of the
//     two that lib/pq otherwise makes outside of a transaction, the second may reach another connection of the server. This
//     costs the server a parse and a plan each time. PgBouncer can keep prepared statements only from 1.21 on.
//   - Listen, TryLock and Migrate (it locks) need a session, and take the direct url.
//   - So does Aside: transactions that hold all of the pooler's connections would wait for it, and it for them.
//
// Of these only Listen keeps a connection, one a process. Nothing works without the direct url: a way to do without it
// would be a second way of locking and of learning of events, slower, and never used by most.

// ErrPooled means that a url leads through a transaction pooler where sessions are needed.
var ErrPooled = errors.New("leads through a transaction pooler")

// poolerRounds are enough for others who use the pooler at the same time not to hide it.
const poolerRounds = 3

// CheckSessions tells whether connections to url are sessions, each served by one process of the server for as long as it
// lasts; otherwise ErrPooled.
func CheckSessions(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, DefaultWait)
	defer cancel()
	var conns [2]*sql.Conn
	pool, err := open(url, len(conns), true) // what this is to find out must not keep it from asking
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	for i := range conns {
		if conns[i], err = pool.Conn(ctx); err != nil {
			return fmt.Errorf("reach database: %w", translate(err))
		}
		defer func() { _ = conns[i].Close() }()
	}
	servedBy := [2]int{}
	for range poolerRounds {
		// Twice each, so that neither a pooler that lends the last connection nor one that takes turns looks like sessions.
		for _, i := range []int{0, 0, 1, 1} {
			var pid int
			if err := conns[i].QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
				return fmt.Errorf("ask database: %w", translate(err))
			}
			if servedBy[i] != 0 && servedBy[i] != pid || servedBy[1-i] == pid {
				return ErrPooled
			}
			servedBy[i] = pid
		}
	}
	return nil
}
