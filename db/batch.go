package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lib/pq"
)

// batches puts what requests ask for at once into one statement. Each statement of its own would cost a way to the server
// and back, and a commit that has to reach the disk; and those that change one row, such as the limit of an access key, would
// wait for each other's. While one batch is on its way, the next one fills. Nobody is told of success before the commit, and
// nobody is told what was read before it asked.
type batches[T, R any] struct {
	mu   sync.Mutex
	last map[string]*batch[T, R] // by key: the one that fills, or is on its way
}

type batch[T, R any] struct {
	items   []T
	closed  bool          // it is on its way: who comes now is in the next one
	ended   chan struct{} // closed when the following are there
	results []R           // of each item
	err     error
}

// together runs a statement for some items, and returns the result of each.
type together[T, R any] func(ctx context.Context, items []T) ([]R, error)

const (
	maxBatch = 64
	// batchTimeout bounds a statement, which is nobody's request alone and goes on when the one that began it ends.
	batchTimeout = 5 * time.Second
	// readPatience is how long a read waits for the one before it. One that hangs, on a connection that is dead, holds up nobody
	// longer.
	readPatience = 20 * time.Millisecond
)

// errPanicked leaves open what was done.
var errPanicked = errors.New("a statement panicked")

// do runs a statement for an item and others with the same key, and returns its result and how many they were.
func (b *batches[T, R]) do(ctx context.Context, key string, item T, patience time.Duration, act together[T, R]) (result R, company int, err error) {
	if err := ctx.Err(); err != nil {
		return result, 1, translate(err)
	}
	mine, n, before := b.join(key, item)
	if n == 0 {
		go b.send(context.WithoutCancel(ctx), key, mine, before, patience, act)
	}
	select {
	case <-mine.ended:
	case <-ctx.Done():
		return result, 1, translate(ctx.Err())
	}
	if mine.err == nil {
		result = mine.results[n]
	}
	return result, len(mine.items), mine.err
}

// join returns the batch that an item is in, and where. The first of a batch sends it, after the one before if there is one.
func (b *batches[T, R]) join(key string, item T) (mine *batch[T, R], n int, before *batch[T, R]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := b.last[key]
	if last != nil && !last.closed && len(last.items) < maxBatch {
		last.items = append(last.items, item)
		return last, len(last.items) - 1, nil
	}
	mine = &batch[T, R]{items: []T{item}, ended: make(chan struct{})}
	if b.last == nil {
		b.last = map[string]*batch[T, R]{}
	}
	b.last[key] = mine
	return mine, 0, last
}

// send waits for the batch before, while others join, and runs the statement.
func (b *batches[T, R]) send(ctx context.Context, key string, mine, before *batch[T, R], patience time.Duration, act together[T, R]) {
	if before != nil {
		select {
		case <-before.ended:
		case <-time.After(patience):
		}
	}
	b.mu.Lock()
	mine.closed = true
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	defer func() {
		if panicked := recover(); panicked != nil {
			mine.err = fmt.Errorf("%w: %v", errPanicked, panicked)
		}
		b.mu.Lock()
		if b.last[key] == mine {
			delete(b.last, key)
		}
		b.mu.Unlock()
		close(mine.ended)
	}()
	mine.results, mine.err = act(ctx, mine.items)
}

// guarded runs a guarded statement, which tells of each item whether it was done; ErrNotFound means that this one was not. What
// fails in company is tried once more alone, so that nobody pays for somebody else's item. In a transaction everybody acts alone.
func guarded[T any](ctx context.Context, q Queries, b *batches[T, bool], key string, item T, act together[T, bool]) error {
	if q.tx != nil {
		return alone(ctx, item, act)
	}
	done, company, err := b.do(ctx, key, item, batchTimeout, act)
	if !done && company > 1 && !ambiguous(err) {
		return alone(ctx, item, act)
	}
	return outcome(done, err)
}

func alone[T any](ctx context.Context, item T, act together[T, bool]) error {
	done, err := act(ctx, []T{item})
	return outcome(err == nil && done[0], err)
}

func outcome(done bool, err error) error {
	if err == nil && !done {
		return ErrNotFound
	}
	return err
}

// ambiguous tells whether an error leaves open what was done.
func ambiguous(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, errPanicked)
}

// reads are of rows that many requests look at.
type reads[R any] struct{ batches[struct{}, R] }

// row is the function one, for all who ask for the row at once; arg is what the rows differ by. The row belongs to all of them: it
// is not to be changed. In a transaction everybody reads alone, since it may have changed the row; and so does who was told that
// the database was not there, which may have been true of one connection only.
func (r *reads[R]) row(ctx context.Context, q Queries, query string, arg ...any) (R, error) {
	if q.tx != nil {
		return one[R](ctx, q, query, arg...)
	}
	row, company, err := r.do(ctx, fmt.Sprintf("%q", arg), struct{}{}, readPatience, func(ctx context.Context, all []struct{}) ([]R, error) {
		row, err := one[R](ctx, q, query, arg...)
		return slices.Repeat([]R{row}, len(all)), err
	})
	if company > 1 && ambiguous(err) && ctx.Err() == nil {
		return one[R](ctx, q, query, arg...)
	}
	return row, err
}

// column is a member of all items, as an array for unnest.
func column[T, C any](items []T, of func(T) C) []C {
	values := make([]C, len(items))
	for i, item := range items {
		values[i] = of(item)
	}
	return values
}

func timestamp(t time.Time) string { return string(pq.FormatTimestamp(t)) }
