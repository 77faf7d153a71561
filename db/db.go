package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
)

// DefaultMaxConns is the size of the pool unless Options says otherwise: about what two cores can keep busy.
const DefaultMaxConns = 16

// DefaultWait is how long one waits for a connection unless Options says otherwise.
const DefaultWait = 10 * time.Second

// Options of Open.
type Options struct {
	MaxConns int           // connections, idle ones included; 0 means DefaultMaxConns
	Wait     time.Duration // for a connection, when all are in use; then it is ErrUnavailable. 0 means DefaultWait
	// DirectURL leads to the same database around the transaction pooler that the other url leads through; empty: there is
	// none between. See pooler.go.
	DirectURL string
}

// DB is a pool of connections and the statements prepared on it. It is safe for concurrent use.
type DB struct {
	Queries
	pool   *sqlx.DB
	aside  Queries
	locks  *sqlx.DB // where sessions are: the pool, unless a transaction pooler is between
	direct string   // url of sessions
}

// asideIdle is how long the connection beside the pool is kept after its last use.
const asideIdle = 10 * time.Second

// Open connects to PostgreSQL at url (any form that lib/pq takes) and checks that it answers.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	maxConns, wait := cmp.Or(o.MaxConns, DefaultMaxConns), cmp.Or(o.Wait, DefaultWait)
	pooled, direct := o.DirectURL != "", cmp.Or(o.DirectURL, url)
	pool, err := open(url, maxConns, pooled)
	if err != nil {
		return nil, err
	}
	beside, err := open(direct, 1, false)
	if err != nil {
		_ = pool.Close()
		return nil, err
	}
	beside.SetConnMaxIdleTime(asideIdle)
	db := &DB{
		Queries: Queries{statements: newStatements(pool, maxConns, wait)}, pool: pool, locks: pool,
		aside: Queries{statements: newStatements(beside, 1, DefaultWait)}, direct: direct,
	}
	if pooled {
		db.statements.pooled = true
		if db.locks, err = open(direct, maxConns, false); err != nil {
			return nil, errors.Join(err, beside.Close(), pool.Close())
		}
		db.locks.SetMaxIdleConns(-1) // locks are rare, and direct connections are what a pooler is there to save
	}
	if err := pool.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("reach database: %w", translate(err))
	}
	return db, nil
}

// open returns a pool; it makes no connection yet. oneTrip is for connections that lead through a transaction pooler.
func open(url string, maxConns int, oneTrip bool) (*sqlx.DB, error) {
	pool, err := openPool(url, oneTrip)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns) // fewer would close and reopen connections under load
	return sqlx.NewDb(pool, "postgres"), nil
}

type patient struct{}

// Patient returns a context for work beside requests, which waits for a connection rather than to be refused: at least DefaultWait.
func Patient(ctx context.Context) context.Context { return context.WithValue(ctx, patient{}, true) }

// Close releases the pool.
func (db *DB) Close() error {
	return errors.Join(db.aside.statements.pool.Close(), db.locks.Close(), db.pool.Close())
}

// Aside runs statements on one connection beside the pool, which is made when it is needed: for what a transaction may
// have to wait for, and for who asks whether the database answers. Through the pool, or a pooler, transactions that hold all of
// it would wait for themselves.
func (db *DB) Aside() Queries { return db.aside }

// Transaction runs f in a transaction: InTx, or what does something more in the same one.
type Transaction = func(ctx context.Context, f func(Queries) error) error

// InTx runs f in one transaction, which is committed when f returns nil and rolled back otherwise.
func (db *DB) InTx(ctx context.Context, f func(Queries) error) error {
	if err := db.statements.enter(ctx); err != nil {
		return err
	}
	defer db.statements.leave()
	tx, err := db.pool.BeginTxx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := f(Queries{statements: db.statements, tx: tx}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return translate(err)
	}
	db.statements.prepareMissing()
	return nil
}

// Queries runs statements, on the pool or in a transaction.
type Queries struct {
	statements *statements
	tx         *sqlx.Tx
}

// one runs a statement that gives one row; none is ErrNotFound. With an error there is no row: sqlx fills in pointers of
// the row it could not read.
func one[T any](ctx context.Context, q Queries, query string, args ...any) (T, error) {
	var row, none T
	err := q.run(ctx, query, func(statement *sqlx.Stmt) error {
		if statement == nil {
			return q.unprepared().GetContext(ctx, &row, query, args...)
		}
		return statement.GetContext(ctx, &row, args...)
	})
	if err != nil {
		return none, err
	}
	return row, nil
}

// many runs a statement that gives any number of rows.
func many[T any](ctx context.Context, q Queries, query string, args ...any) ([]T, error) {
	var rows []T
	err := q.run(ctx, query, func(statement *sqlx.Stmt) error {
		if statement == nil {
			return q.unprepared().SelectContext(ctx, &rows, query, args...)
		}
		return statement.SelectContext(ctx, &rows, args...)
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// exec runs a statement and returns how many rows it changed.
func (q Queries) exec(ctx context.Context, query string, args ...any) (changed int64, err error) {
	err = q.run(ctx, query, func(statement *sqlx.Stmt) error {
		var result sql.Result
		if statement == nil {
			result, err = q.unprepared().ExecContext(ctx, query, args...)
		} else {
			result, err = statement.ExecContext(ctx, args...)
		}
		if err != nil {
			return err
		}
		changed, err = result.RowsAffected()
		return err
	})
	return changed, err
}

// run hands the prepared form of query over, nil for none, when there is a connection for it.
func (q Queries) run(ctx context.Context, query string, do func(*sqlx.Stmt) error) error {
	statement, err := q.statement(ctx, query)
	if err != nil {
		return err
	}
	if q.tx == nil {
		if err := q.statements.enter(ctx); err != nil {
			return err
		}
		defer q.statements.leave()
	}
	return translate(do(statement))
}

// change runs a guarded statement that must change exactly one row; otherwise it is ErrNotFound.
func (q Queries) change(ctx context.Context, query string, args ...any) error {
	n, err := q.exec(ctx, query, args...)
	if err == nil && n != 1 {
		return ErrNotFound
	}
	return err
}

// statement returns the prepared form of query. It is nil when it is to be run unprepared: there is a transaction pooler,
// somebody else is just preparing it, or this is a transaction that is the first to run it. Preparing takes a second
// connection, and transactions that wait for one while they hold one can lock each other out.
func (q Queries) statement(ctx context.Context, query string) (*sqlx.Stmt, error) {
	if q.statements.pooled {
		return nil, nil
	}
	if q.tx == nil {
		return q.statements.prepare(ctx, query)
	}
	if statement := q.statements.of(query).prepared.Load(); statement != nil {
		return q.tx.StmtxContext(ctx, statement), nil
	}
	q.statements.missing.Store(query, nil)
	return nil, nil
}

// unprepared runs statements where there is no prepared one.
func (q Queries) unprepared() interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
} {
	if q.tx != nil {
		return q.tx
	}
	return q.statements.pool
}

// statements are the prepared statements of a pool, by their text.
type statements struct {
	pool    *sqlx.DB
	pooled  bool     // none is prepared: pooler.go says why
	known   sync.Map // string -> *statement
	missing sync.Map // string: first run in a transaction, to be prepared after it

	preparingMissing atomic.Bool

	// What is asked for at once; see batch.go.
	charges   batches[Charge, bool]
	events    batches[AuditEvent, bool]
	charged   batches[chargedEvent, bool]
	qrlogins  batches[chargedQRLogin, bool]
	keys      reads[AccessKey]
	apps      reads[Application]
	defaults  reads[Application]
	userpools reads[Userpool]
	clocks    reads[time.Time]
	// turns are as many as there are connections. The pool's own queue has no end but that of the request.
	turns chan struct{}
	wait  time.Duration
}

func newStatements(pool *sqlx.DB, conns int, wait time.Duration) *statements {
	return &statements{pool: pool, turns: make(chan struct{}, conns), wait: wait}
}

// enter waits until there is a connection, for leave to give it back. It is for who has none yet: who has one would wait for
// others that do the same.
func (s *statements) enter(ctx context.Context) error {
	select {
	case s.turns <- struct{}{}:
		return nil
	default:
	}
	wait := s.wait
	if ctx.Value(patient{}) != nil {
		wait = max(wait, DefaultWait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case s.turns <- struct{}{}:
		return nil
	case <-timer.C:
		return fmt.Errorf("%w: all connections are in use", ErrUnavailable)
	case <-ctx.Done():
		return translate(ctx.Err())
	}
}

func (s *statements) leave() { <-s.turns }

// statement is prepared once, by whoever comes first. The others do not wait for that, nor prepare a second one, which
// they would have to close: closing waits for the connection it was prepared on, whoever uses that by then.
type statement struct {
	prepared  atomic.Pointer[sqlx.Stmt]
	preparing atomic.Bool
}

func (s *statements) of(query string) *statement {
	if known, ok := s.known.Load(query); ok {
		return known.(*statement)
	}
	known, _ := s.known.LoadOrStore(query, &statement{})
	return known.(*statement)
}

// prepare returns the prepared statement; nil while somebody else prepares it.
func (s *statements) prepare(ctx context.Context, query string) (*sqlx.Stmt, error) {
	known := s.of(query)
	if prepared := known.prepared.Load(); prepared != nil || !known.preparing.CompareAndSwap(false, true) {
		return prepared, nil
	}
	defer known.preparing.Store(false)
	if prepared := known.prepared.Load(); prepared != nil { // somebody was done in between
		return prepared, nil
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	prepared, err := s.pool.PreparexContext(ctx, query)
	if err != nil {
		return nil, translate(err)
	}
	known.prepared.Store(prepared)
	return prepared, nil
}

// prepareTimeout is how long the preparation of missing statements may hold its one connection.
const prepareTimeout = 5 * time.Second

// prepareMissing works beside the request that it follows: preparing a statement waits for whoever has locked its table,
// which need not be a table of that request. It is best effort; a statement that it cannot prepare runs unprepared again.
func (s *statements) prepareMissing() {
	if s.pooled || !s.preparingMissing.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer s.preparingMissing.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), prepareTimeout)
		defer cancel()
		s.missing.Range(func(query, _ any) bool {
			if _, err := s.prepare(ctx, query.(string)); err != nil {
				return false
			}
			s.missing.Delete(query)
			return true
		})
	}()
}
