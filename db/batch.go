package db

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lib/pq"
)

// batches puts what requests ask for at once into one statement. Each statement of its own would cost a way to the server
// and back, and a commit that has to reach the disk; and those that change one row, such as the limit of an access key, would
// wait for each other's. While one batch is on its way, the next one fills. Nobody is told of success before the commit.
type batches[T any] struct {
	mu   sync.Mutex
	last map[string]*batch[T] // by key: the one that fills, or is on its way
}

type batch[T any] struct {
	items  []T
	closed bool          // it is on its way: who comes now is in the next one
	ended  chan struct{} // closed when the following are there
	done   []bool
	err    error
}

// together runs a statement for some items, and returns of which of them it did what was asked.
type together[T any] func(ctx context.Context, items []T) (done []bool, err error)

const (
	maxBatch = 64
	// batchTimeout bounds a statement that outlives the request which happens to run it for the others.
	batchTimeout = 5 * time.Second
)

// do runs a statement for an item and others with the same key; ErrNotFound means that it was not done. What fails in company
// is tried once more alone, so that nobody pays for somebody else's item.
func (b *batches[T]) do(ctx context.Context, key string, item T, run together[T]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mine, n, before := b.join(key, item)
	if n == 0 {
		b.run(ctx, key, mine, before, run)
	} else {
		select {
		case <-mine.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	done, err := mine.err == nil && mine.done[n], mine.err
	if !done && len(mine.items) > 1 && !ambiguous(err) {
		var alone []bool
		alone, err = run(ctx, []T{item})
		done = err == nil && alone[0]
	}
	if err == nil && !done {
		err = ErrNotFound
	}
	return err
}

// ambiguous tells whether an error leaves open what was done.
func ambiguous(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// join returns the batch that an item is in, and where. The first of a batch runs it, after the one before if there is one.
func (b *batches[T]) join(key string, item T) (mine *batch[T], n int, before *batch[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := b.last[key]
	if last != nil && !last.closed && len(last.items) < maxBatch {
		last.items = append(last.items, item)
		return last, len(last.items) - 1, nil
	}
	mine = &batch[T]{items: []T{item}, ended: make(chan struct{})}
	if b.last == nil {
		b.last = map[string]*batch[T]{}
	}
	b.last[key] = mine
	return mine, 0, last
}

// run waits for the batch before, while others join, and runs the statement.
func (b *batches[T]) run(ctx context.Context, key string, mine, before *batch[T], run together[T]) {
	if before != nil {
		<-before.ended
	}
	b.mu.Lock()
	mine.closed = true
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()
	mine.err = errors.New("the statement panicked") // unless it returns
	defer func() {
		b.mu.Lock()
		if b.last[key] == mine {
			delete(b.last, key)
		}
		b.mu.Unlock()
		close(mine.ended)
	}()
	mine.done, mine.err = run(ctx, mine.items)
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
