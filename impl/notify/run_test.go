package notify

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// settled tells whether all messages are, and how many there are.
func (r *rig) settled(want int) bool {
	n := 0
	for _, o := range r.rows() {
		if o.state == string(db.OutboxDelivered) {
			n++
		}
	}
	return n == want
}

// TestKick: a message is delivered as soon as the worker of the replica is told of it, and by a worker that nobody told
// when it looks.
func TestKick(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.start(r.Service)()
	for i := range 3 { // also when it has waited for a while
		r.post(r.anSMS())
		r.Kick(message.Phone)
		r.eventually("after a kick", func() bool { return r.settled(i + 1) })
	}
	polling := r.replica(r.store)
	polling.Poll = 10 * time.Millisecond
	defer r.start(polling)()
	r.post(r.anEmail())
	r.eventually("by a look", func() bool { return r.settled(4) })
}

// TestReplicasDeliverOnce: three replicas that look for messages at the same time deliver each of 150 once.
func TestReplicasDeliverOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	replicas := []*Service{r.Service, r.replica(r.store), r.replica(r.store)}
	for _, s := range replicas {
		s.Poll = 5 * time.Millisecond
	}
	const messages = 150
	var list []message.Message
	for i := range messages {
		m := r.anEmail()
		m.To = fmt.Sprint(i, "@example.com")
		list = append(list, m)
	}
	r.post(list[:messages/2]...)
	stop := r.start(replicas...)
	for _, m := range list[messages/2:] {
		r.post(m)
		r.Kick(message.Email)
	}
	r.eventually("all", func() bool { return r.settled(messages) })
	stop()
	ids, to := map[string]int{}, map[string]int{}
	for _, l := range r.email.tries() {
		ids[l.ID]++
		to[l.To]++
	}
	if n := len(r.email.tries()); n != messages || len(ids) != messages || len(to) != messages {
		t.Errorf("%d deliveries of %d messages to %d addresses, want %d of each", n, len(ids), len(to), messages)
	}
}

// TestParallelDeliveries: as many at a time as there are places, and no more; a place that is free again is used.
func TestParallelDeliveries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var now, most atomic.Int32
	release := make(chan struct{})
	r.email.set(func(ctx context.Context, _ channel.Letter, handOver func(context.Context) error) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return handOver(ctx)
	})
	for range 10 {
		r.post(r.anEmail())
	}
	defer r.start(r.Service)()
	r.eventually("all places are taken", func() bool { return now.Load() == 4 })
	wantClaimed := func(want int) {
		t.Helper()
		claimed := 0
		for _, o := range r.rows() {
			claimed += o.attempts
		}
		if claimed != want {
			t.Errorf("%d messages are claimed, want %d, as many as there are places: others could deliver them", claimed, want)
		}
	}
	wantClaimed(4)
	release <- struct{}{}
	r.eventually("the place is used", func() bool { return len(r.email.tries()) == 5 })
	wantClaimed(5)
	close(release)
	r.eventually("all", func() bool { return r.settled(10) })
	if most.Load() != 4 {
		t.Errorf("%d deliveries at a time, want 4", most.Load())
	}
}

// TestChannelsDoNotWaitForEachOther: while no e-mail gets through, SMS do.
func TestChannelsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Drain = 50 * time.Millisecond
	r.email.set(hangs)
	for range 10 {
		r.post(r.anEmail())
	}
	defer r.start(r.Service)()
	r.eventually("e-mails hang", func() bool { return len(r.email.tries()) == 4 })
	for i := range 10 {
		r.post(r.anSMS())
		r.Kick(message.Phone)
		r.eventually("SMS", func() bool { return len(r.sms.tries()) == i+1 })
	}
}

// TestDrain: a worker that is to end delivers what is due, of which nobody had told it, and waits for what is under way;
// what is due later is left.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began, release := make(chan struct{}), make(chan struct{})
	r.sms.set(func(ctx context.Context, _ channel.Letter, handOver func(context.Context) error) error {
		close(began)
		<-release
		return handOver(ctx)
	})
	stop := r.start(r.Service)
	r.post(r.anSMS())
	r.Kick(message.Phone)
	<-began
	for range 11 { // more than there are places
		r.post(r.anEmail())
	}
	before := map[string]bool{}
	for _, o := range r.rows() {
		before[o.id] = true
	}
	r.post(r.anEmail())
	for _, o := range r.rows() {
		if !before[o.id] {
			_, err := r.raw.ExecContext(t.Context(), "UPDATE outbox SET due_at = $1 WHERE id = $2", r.clock.Now().Add(time.Minute), o.id)
			r.must(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		stop()
	}()
	r.eventually("e-mails", func() bool { return r.settled(11) })
	select {
	case <-done:
		t.Error("it does not wait for the SMS under way")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-done
	if !r.settled(12) {
		t.Errorf("left %+v", r.rows())
	}
}

// TestDrainIsBounded: a channel that hangs holds the end up for as long as Drain says. A letter that was not handed over
// is left to others, who try again at once or a little later.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	for name, handsOver := range map[string]bool{"before it was handed over": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.Timeout, r.Drain = time.Hour, 200*time.Millisecond
			r.email.set(func(ctx context.Context, _ channel.Letter, handOver func(context.Context) error) error {
				if handsOver {
					if err := handOver(ctx); err != nil {
						return err
					}
				}
				_ = hangs(ctx, channel.Letter{}, nil)
				if handsOver {
					return fmt.Errorf("%w: %w", channel.ErrUncertain, ctx.Err())
				}
				return ctx.Err()
			})
			for range 6 {
				r.post(r.anEmail())
			}
			stop := r.start(r.Service)
			r.eventually("all places hang", func() bool { return len(r.email.tries()) == 4 })
			began := time.Now()
			stop()
			if took := time.Since(began); took < 200*time.Millisecond || took > 10*time.Second {
				t.Errorf("the end took %v, want little more than 200 ms", took)
			}
			states := map[string]int{}
			for _, o := range r.rows() {
				states[o.state]++
				if o.state == "waiting" && o.handedOver != nil {
					t.Errorf("handed over, and waiting: %+v", o)
				}
			}
			if want := map[bool]int{false: 6, true: 2}[handsOver]; states["waiting"] != want || states["uncertain"] != 6-want {
				t.Errorf("left %v, want %d waiting and the others uncertain", states, want)
			}
		})
	}
}

// TestDrainOfADeafChannel: not even a delivery that does not listen to its context holds the end up for long. The message
// is left as it is, and done by others when its lease has ended.
func TestDrainOfADeafChannel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Drain = 100 * time.Millisecond
	release := make(chan struct{})
	r.email.set(func(context.Context, channel.Letter, func(context.Context) error) error {
		<-release
		return errBusy
	})
	r.post(r.anEmail())
	stop := r.start(r.Service)
	r.eventually("it hangs", func() bool { return len(r.email.tries()) == 1 })
	began := time.Now()
	stop()
	if took := time.Since(began); took < 100*time.Millisecond || took > 10*time.Second {
		t.Errorf("the end took %v, want about %v", took, 2*r.Drain+writeTimeout)
	}
	if !strings.Contains(r.log.String(), "still under way") {
		t.Errorf("the log says %s", r.log.String())
	}
	r.wantState("left", db.OutboxWaiting)
	close(release)
	r.eventually("what it did is written down", func() bool { return strings.Contains(r.log.String(), "will be tried again") })
}

// TestDatabaseIsAway: a worker that cannot claim says so, and goes on when the database is back.
func TestDatabaseIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post(r.anEmail())
	rename := func(from, to string) {
		t.Helper()
		_, err := r.raw.ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to)
		r.must(err)
	}
	rename("outbox", "away")
	r.Poll = 10 * time.Millisecond
	defer r.start(r.Service)()
	r.eventually("a warning", func() bool { return strings.Contains(r.log.String(), "could not be claimed") })
	if tries := r.email.tries(); len(tries) != 0 {
		t.Errorf("tried %+v", tries)
	}
	rename("away", "outbox")
	r.eventually("delivered", func() bool { return r.settled(1) })
}

// TestOutcomeCannotBeWritten: a letter that was taken while the database is away is not sent a second time, though nobody
// could write it down: the next worker finds that it was handed over.
func TestOutcomeCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post(r.anEmail())
	r.email.set(func(ctx context.Context, _ channel.Letter, handOver func(context.Context) error) error {
		if err := handOver(ctx); err != nil {
			return err
		}
		_, err := r.raw.ExecContext(ctx, "ALTER TABLE outbox RENAME TO away")
		return err
	})
	r.round(message.Email)
	_, err := r.raw.ExecContext(t.Context(), "ALTER TABLE away RENAME TO outbox")
	r.must(err)
	if !strings.Contains(r.log.String(), "could not be written down") {
		t.Errorf("the log says %s", r.log.String())
	}
	r.email.set(nil)
	r.clock.advance(r.lease())
	r.round(message.Email)
	r.wantTries("after the lease", r.email, 1)
	r.wantState("after the lease", db.OutboxUncertain)
}
