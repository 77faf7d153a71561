// Package admission bounds how much is done at once, so that more work than the machine can do makes nobody slow: who would
// wait too long is refused early, and can come again.
//
// How long is too long adapts to the load, as in CoDel (RFC 8289). A burst may wait a while, since it ends. When there has
// always been somebody waiting for some time, waiting no longer evens anything out, and all but the shortest is refused. Each
// kind of work has a lane of its own, and lanes take turns: a flood of one kind delays itself and not the others.
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

	mu    sync.Mutex
	free  int // less than none when more have come back to their places than there are
	lanes map[string]*lane
	order []*lane
	next  int // of order, to have its turn
}

// lane is those who wait with work of one kind.
type lane struct {
	waiting list.List // of *waiter, the oldest first
	since   time.Time // when it was empty for the last time
}

type waiter struct {
	since time.Time
	turn  chan bool // false: refused
}

// New returns a queue in which one waits patience at most, and target when the queue does not end.
func New(places int, patience, target time.Duration) *Queue {
	return &Queue{free: places, patience: patience, target: min(target, patience), lanes: map[string]*lane{}}
}

type key struct{}

// Enter takes a place for work of a kind, of which there must not be many, until leave is called. When there is no place in time
// that is apierr.ErrUnavailable.
func (q *Queue) Enter(ctx context.Context, kind string) (inside context.Context, leave func(), err error) {
	if err := q.enter(ctx, kind); err != nil {
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

func (q *Queue) enter(ctx context.Context, kind string) error {
	q.mu.Lock()
	if q.free > 0 {
		q.free--
		q.mu.Unlock()
		return nil
	}
	now := time.Now()
	l := q.lane(kind)
	if l.waiting.Len() == 0 {
		l.since = now
	}
	w := &waiter{now, make(chan bool, 1)}
	at := l.waiting.PushBack(w)
	q.mu.Unlock()
	timer := time.NewTimer(q.patience)
	defer timer.Stop()
	admitted := false
	select {
	case admitted = <-w.turn:
	case <-timer.C:
		admitted = q.giveUp(l, at)
	case <-ctx.Done():
		admitted = q.giveUp(l, at)
	}
	if !admitted {
		return apierr.ErrUnavailable.WithDetail("too many requests are being worked on").WithCause(ctx.Err())
	}
	return nil
}

// giveUp ends the waiting, unless the turn has come in between.
func (q *Queue) giveUp(l *lane, at *list.Element) (admitted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case admitted = <-at.Value.(*waiter).turn:
	default:
		l.waiting.Remove(at)
	}
	return admitted
}

func (q *Queue) lane(kind string) *lane {
	l := q.lanes[kind]
	if l == nil {
		l = &lane{}
		q.lanes[kind], q.order = l, append(q.order, l)
	}
	return l
}

// leave gives the place to the first of the next lane who has not waited too long.
func (q *Queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	for range q.order {
		if q.free < 1 {
			return
		}
		l := q.order[q.next]
		q.next = (q.next + 1) % len(q.order)
		if q.admit(l) {
			q.free--
		}
	}
}

// admit lets the first in who has not waited too long; who has is refused.
func (q *Queue) admit(l *lane) bool {
	now, limit := time.Now(), q.patience
	if now.Sub(l.since) > standing {
		limit = q.target
	}
	for l.waiting.Len() > 0 {
		w := l.waiting.Remove(l.waiting.Front()).(*waiter)
		admitted := now.Sub(w.since) <= limit
		w.turn <- admitted
		if admitted {
			return true
		}
	}
	return false
}
