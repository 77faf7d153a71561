// Package fill makes a migrated database large: users and codes by the million, and of everything else as much as goes with
// them, by COPY over several connections. What it makes is the same every time, and looks random as the real ids do.
//
// It is for measurements and for plans of statements, which say nothing on small tables. tests/bench/seed is the command.
package fill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// ErrFilled means that the userpool was filled before.
var ErrFilled = errors.New("the userpool is filled already; take an empty database")

// Amounts say how much. How many rows the other tables get follows from the number of users.
type Amounts struct {
	Users        int
	LiveCodes    int // image captchas, sent codes and login QR codes that can be used for the next hour
	ExpiredCodes int // those that ended within the last day, as if nobody had cleaned up
}

// Full is what the service is to be as fast with as when it is empty.
var Full = Amounts{Users: 1_000_000, LiveCodes: 1_000_000, ExpiredCodes: 10_000_000}

// Options of Into.
type Options struct {
	Amounts
	UserpoolID, AppID string    // which must be there
	Now               time.Time // zero: the time of the machine
	PasswordHash      string    // everybody's; empty: nobody has a password
	Connections       int       // 0: four
	// Seal seals the secrets of authenticators, with the additional data of their place. Nil: they are bytes that do not open.
	Seal func(secret []byte, aad ...string) []byte
	// Filled hears of each table, from one goroutine at a time; nil for nobody.
	Filled func(Table)
}

// Table is what was filled, and how long it took with its indexes.
type Table struct {
	Name string
	Rows int
	Took time.Duration
}

// Into fills the database at url. Each table is one transaction: it is full, or as it was. Whoever else uses a table waits for
// it, since its indexes are made anew. The planner's statistics are up to date afterwards.
func Into(ctx context.Context, url string, o Options) error {
	if o.Users < 1 {
		return errors.New("there must be a user: the codes are somebody's")
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Connections == 0 {
		o.Connections = 4
	}
	o.Now = o.Now.UTC().Truncate(time.Microsecond)
	pool, err := sql.Open("postgres", url)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer func() { _ = pool.Close() }()
	pool.SetMaxOpenConns(o.Connections)
	var filled bool
	const query = `SELECT EXISTS (SELECT FROM users WHERE userpool_id = $1 AND id = $2)`
	if err := pool.QueryRowContext(ctx, query, o.UserpoolID, UserID(0)).Scan(&filled); err != nil {
		return err
	}
	if filled {
		return ErrFilled
	}
	return o.fill(ctx, pool)
}

// fill fills as many tables at once as there are connections, each after the one that its rows refer to.
func (o Options) fill(ctx context.Context, pool *sql.DB) error {
	var told sync.Mutex
	done := map[string]chan struct{}{"": make(chan struct{})}
	close(done[""])
	tables := o.tables()
	for _, t := range tables {
		done[t.name] = make(chan struct{})
	}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(o.Connections) // who waits for a table stands behind it
	for _, t := range tables {
		all.Go(func() error {
			select {
			case <-done[t.after]:
			case <-ctx.Done():
				return ctx.Err()
			}
			conn, err := pool.Conn(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			began := time.Now()
			if err := t.fill(ctx, conn); err != nil {
				return fmt.Errorf("fill %s: %w", t.name, err)
			}
			close(done[t.name])
			told.Lock()
			defer told.Unlock()
			if o.Filled != nil {
				o.Filled(Table{t.name, t.rows, time.Since(began)})
			}
			return nil
		})
	}
	return all.Wait()
}
