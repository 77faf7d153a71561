// Package admission bounds how much is done at once, so that more work than the machine can do makes nobody slow: who would
// wait too long is refused early, and can come again.
//
// How long is too long adapts to the load, as in CoDel (RFC 8289). A burst may wait a while, since it ends. When there has
// always been somebody waiting for some time, waiting no longer evens anything out, and all but the shortest is refused.
package admission

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// standing is after how much time without an idle moment a queue is no burst any more (RFC 8289 section 4.3: the interval).
const standing = 100 * time.Millisecond

// Queue lets in as many as there are places; others wait in turn. It is safe for concurrent use.
type Queue struct {
	patience, target time.Duration

	mu      sync.Mutex
	free    int       // less than none when more have come back to their places than there are
	waiting list.List // of *waiter, the oldest first
	idle    time.Time // when nobody waited for the last time
}

type waiter struct {
	since time.Time
	turn  chan bool // false: refused
}

// New returns a queue in which one waits patience at most, and target when the queue does not end.
func New(places int, patience, target time.Duration) *Queue {
	return &Queue{free: places, patience: patience, target: min(target, patience), idle: time.Now()}
}

type key struct{}

// Enter takes a place, until leave is called. When there is none in time that is apierr.ErrUnavailable.
func (q *Queue) Enter(ctx context.Context) (inside context.Context, leave func(), err error) {
	if err := q.enter(ctx); err != nil {
		return ctx, nil, err
	}
	return context.WithValue(ctx, key{}, q), q.leave, nil
}

// Outside gives up the place of a request, if it has one, until back is called: while it waits for what is none of this
// machine's work, others can work. Whoever comes back does not wait again: that would only waste what was waited for.
func Outside(ctx context.Context) (back func()) {
	q, ok := ctx.Value(key{}).(*Queue)
	if !ok {
		return func() {}
	}
	q.leave()
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.free--
	}
}

func (q *Queue) enter(ctx context.Context) error {
	q.mu.Lock()
	now := time.Now()
	if q.free > 0 {
		q.free--
		q.idle = now
		q.mu.Unlock()
		return nil
	}
	w := &waiter{now, make(chan bool, 1)}
	at := q.waiting.PushBack(w)
	q.mu.Unlock()
	timer := time.NewTimer(q.patience)
	defer timer.Stop()
	admitted := false
	select {
	case admitted = <-w.turn:
	case <-timer.C:
		admitted = q.giveUp(at)
	case <-ctx.Done():
		admitted = q.giveUp(at)
	}
	if !admitted {
		return apierr.ErrUnavailable.WithDetail("too many requests are being worked on").WithCause(ctx.Err())
	}
	return nil
}

// giveUp ends the waiting, unless the turn has come in between.
func (q *Queue) giveUp(at *list.Element) (admitted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case admitted = <-at.Value.(*waiter).turn:
	default:
		q.waiting.Remove(at)
	}
	return admitted
}

// leave gives the place to the first who has not waited too long.
func (q *Queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	now := time.Now()
	limit := q.patience
	if now.Sub(q.idle) > standing {
		limit = q.target
	}
	for q.free > 0 && q.waiting.Len() > 0 {
		w := q.waiting.Remove(q.waiting.Front()).(*waiter)
		admitted := now.Sub(w.since) <= limit
		if admitted {
			q.free--
		}
		w.turn <- admitted
	}
	if q.waiting.Len() == 0 {
		q.idle = now
	}
}
