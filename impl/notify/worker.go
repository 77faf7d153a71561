package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// Pauses between two tries of one message.
const (
	firstPause = time.Second // and twice as long after every further try
	maxPause   = 5 * time.Minute
)

// margin is how much longer than a delivery can take its lease lasts.
const margin = 15 * time.Second

// writeTimeout is how long it may take to write down what became of a message.
const writeTimeout = 2 * time.Second

// claimTimeout is how long it may take to claim messages.
const claimTimeout = 5 * time.Second

// Messages of channels that no replica has any more are given up when they have expired.
const (
	sweepEvery = 20 * time.Second
	sweepBatch = 100
)

// Run delivers messages until ctx ends, and then for at most Drain what is due already. What remains is left to other
// replicas, or to the next start.
func (s *Service) Run(ctx context.Context) {
	var workers sync.WaitGroup
	workers.Go(func() { s.sweep(ctx) })
	for name := range s.channels {
		workers.Go(func() { s.work(ctx, name) })
	}
	workers.Wait()
}

// slots are the places for deliveries of a channel.
func (s *Service) slots(name message.Channel) chan struct{} {
	if name == message.Hook {
		return make(chan struct{}, s.ParallelHooks)
	}
	return make(chan struct{}, s.Parallel)
}

// work delivers the messages of one channel.
func (s *Service) work(ctx context.Context, name message.Channel) {
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	slots := s.slots(name)
	ticker := time.NewTicker(s.Poll)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case slots <- struct{}{}: // a place for one delivery at least
			<-slots
		case <-ctx.Done():
			continue
		}
		if s.claim(delivering, name, slots) {
			continue
		}
		select {
		case <-s.kicks[name]:
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	s.drain(delivering, name, slots, stop)
}

// claim begins as many deliveries as there are places for, and tells whether there may be more messages.
func (s *Service) claim(ctx context.Context, name message.Channel, slots chan struct{}) bool {
	free, now := cap(slots)-len(slots), s.clock.Now()
	claiming, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	rows, err := s.due(claiming, name, free, now)
	if err != nil {
		s.log.WarnContext(ctx, "messages could not be claimed", "channel", name, "error", err)
		return false
	}
	for _, row := range rows {
		slots <- struct{}{} // this goroutine alone takes places, so there is one
		go func() {
			defer func() { <-slots }()
			s.deliver(ctx, s.channels[name], row)
		}()
	}
	return len(rows) == free
}

// due takes messages of a channel.
func (s *Service) due(ctx context.Context, name message.Channel, limit int, now time.Time) ([]db.OutboxMessage, error) {
	if name == message.Hook {
		return s.store.Outbox().ClaimForHooks(ctx, limit, now, now.Add(s.Timeout+margin))
	}
	return s.store.Outbox().Claim(ctx, string(name), limit, now, now.Add(s.Timeout+margin))
}

// drain delivers what is due, and waits for the deliveries that are under way.
func (s *Service) drain(ctx context.Context, name message.Channel, slots chan struct{}, stop context.CancelFunc) {
	patience, giveUp := time.AfterFunc(s.Drain, stop), time.After(s.Drain+writeTimeout)
	defer patience.Stop()
	for ctx.Err() == nil && s.claim(ctx, name, slots) {
		select {
		case slots <- struct{}{}:
			<-slots
		case <-ctx.Done():
		}
	}
	for range cap(slots) { // all places: nothing is under way any more
		select {
		case slots <- struct{}{}:
		case <-giveUp: // a database that does not answer; the leases end by themselves
			s.log.Warn("messages were still under way", "channel", name)
			return
		}
	}
}

// sweep gives up what has expired without anybody having tried: nobody has the channel any more.
func (s *Service) sweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery/2 + rand.N(sweepEvery)):
		}
		for s.sweepOnce(ctx) && ctx.Err() == nil {
		}
	}
}

// sweepOnce gives up a number of messages, and tells whether there may be more.
func (s *Service) sweepOnce(ctx context.Context) bool {
	now := s.clock.Now()
	rows, err := s.store.Outbox().ClaimOverdue(ctx, sweepBatch, now, now.Add(margin))
	if err != nil {
		s.log.WarnContext(ctx, "expired messages could not be claimed", "error", err)
	}
	for _, row := range rows {
		state := db.OutboxExpired
		if row.HandedOverAt != nil {
			state = db.OutboxUncertain
		}
		s.settle(ctx, "nobody", row, state, nil)
	}
	return len(rows) == sweepBatch
}

// deliver makes one try to hand a message over.
func (s *Service) deliver(ctx context.Context, c channel.Channel, row db.OutboxMessage) {
	state, err := s.try(ctx, c, row)
	s.settle(ctx, c.Name(), row, state, err)
}

// settle writes down what became of a message.
func (s *Service) settle(ctx context.Context, by string, row db.OutboxMessage, state db.OutboxState, err error) {
	now := s.clock.Now()
	due := now.Add(pause(row.Attempts))
	if state == db.OutboxWaiting && !due.Before(row.ExpiresAt) {
		state = db.OutboxExpired
	}
	log := s.log.With("message", row.ID, "channel", row.Channel, "by", by, "template", row.Template, "attempt", row.Attempts)
	outcome := string(state)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout) // also when the worker is to end
	defer cancel()
	var written error
	switch state {
	case db.OutboxWaiting:
		outcome = "retry"
		written = s.store.Outbox().Retry(ctx, row, due)
	case db.OutboxDelivered, db.OutboxSuppressed:
		written = s.store.Outbox().Settle(ctx, row, state, now)
	default:
		written = s.giveUp(ctx, row, state, now)
	}
	switch {
	case errors.Is(written, db.ErrNotFound): // the lease has ended, and the next one decides
		return
	case written != nil:
		log.Warn("what became of a message could not be written down", "state", state, "error", written)
	case state == db.OutboxWaiting:
		log.Warn("message was not taken, and will be tried again", "error", err, "in", due.Sub(now))
	case state == db.OutboxDelivered, state == db.OutboxSuppressed:
		log.Info("message settled", "state", state)
	default:
		log.Error("message was given up", "state", state, "error", err)
	}
	s.metrics.Messages.WithLabelValues(row.Channel, outcome).Inc()
}

// try hands a message over, unless there is a reason not to, and tells what has become of it; waiting is: not taken.
func (s *Service) try(ctx context.Context, c channel.Channel, row db.OutboxMessage) (db.OutboxState, error) {
	if row.HandedOverAt != nil && !c.Recognises() { // whoever had it was killed right then
		return db.OutboxUncertain, channel.ErrUncertain
	}
	if !s.clock.Now().Before(row.ExpiresAt) {
		return db.OutboxExpired, nil
	}
	m, err := s.open(row)
	if err != nil {
		return db.OutboxWaiting, err
	}
	if m.Decoy {
		return db.OutboxSuppressed, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	letter, err := s.letter(ctx, row, m)
	if err != nil {
		return db.OutboxWaiting, err
	}
	err = c.Deliver(ctx, letter, func(ctx context.Context) error {
		now := s.clock.Now()
		return s.store.Outbox().HandOver(ctx, row, now, now.Add(s.Timeout+margin))
	})
	switch {
	case err == nil:
		return db.OutboxDelivered, nil
	case errors.Is(err, channel.ErrRefused):
		return db.OutboxRefused, err
	case errors.Is(err, channel.ErrUncertain) && !c.Recognises():
		return db.OutboxUncertain, err
	}
	return db.OutboxWaiting, err
}

// giveUp settles a message that nobody will get, or perhaps nobody, and notes that in the audit log.
func (s *Service) giveUp(ctx context.Context, row db.OutboxMessage, state db.OutboxState, now time.Time) error {
	return s.store.InTx(ctx, func(q db.Queries) error {
		if err := q.Outbox().Settle(ctx, row, state, now); err != nil {
			return err
		}
		return audit.Write(ctx, q, now, audit.Event{
			UserpoolID: row.UserpoolID, Actor: audit.System, Action: "message." + string(state), Target: audit.Message(row.ID),
			Outcome: audit.Refused,
		})
	})
}

// pause is how long to wait after a number of tries: about twice as long each time, and never the same for two messages,
// so that they do not all come back at once to a server that has just recovered.
func pause(attempts int) time.Duration {
	longest := min(maxPause, firstPause<<min(attempts-1, 20))
	return longest/2 + rand.N(longest/2+1)
}
