package limit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// crowd charges requests that come for one key at once together. A key is a row, and whoever charges it holds its lock until
// the charge is on disk; one by one, all users of one access key would get no further than a few hundred charges a second.
type crowd struct {
	mu      sync.Mutex
	waiting map[string]*batch // the last of a key
}

// batch is requests that are charged by one statement.
type batch struct {
	n      int
	closed bool // it is being charged: who comes now is in the next one
	done   chan struct{}
	err    error // to be read after done
}

// chargeTimeout bounds a charge, which outlives the request that happens to make it for the others.
const chargeTimeout = 5 * time.Second

// take charges one request. Where there is no room for a whole batch, each of it tries by itself.
func (c *crowd) take(ctx context.Context, q db.Queries, charge db.Charge) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	key := charge.UserpoolID + "|" + charge.Key
	mine, before, first := c.join(key, charge.Burst)
	if first {
		c.charge(ctx, q, charge, key, mine, before)
	} else {
		select {
		case <-mine.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if mine.n > 1 && errors.Is(mine.err, db.ErrNotFound) {
		return q.Limits().Take(ctx, charge, 1)
	}
	return mine.err
}

// join returns the batch that the request is in, and to its first one the batch that is charged before it, if there is one.
func (c *crowd) join(key string, most int) (mine, before *batch, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.waiting[key]
	if last != nil && !last.closed && last.n < most {
		last.n++
		return last, nil, false
	}
	mine = &batch{n: 1, done: make(chan struct{})}
	c.waiting[key] = mine
	return mine, last, true
}

// charge waits for the batch before, while others join, and charges them all.
func (c *crowd) charge(ctx context.Context, q db.Queries, charge db.Charge, key string, mine, before *batch) {
	if before != nil {
		<-before.done
	}
	c.mu.Lock()
	mine.closed = true
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chargeTimeout)
	defer cancel()
	defer func() {
		c.mu.Lock()
		if c.waiting[key] == mine {
			delete(c.waiting, key)
		}
		c.mu.Unlock()
		close(mine.done)
	}()
	mine.err = q.Limits().Take(ctx, charge, mine.n)
}
