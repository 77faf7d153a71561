package notify

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// lease is how long a worker has a message.
func (r *rig) lease() time.Duration { return r.Timeout + margin }

// TestNotTakenIsTriedAgain: what was certainly not taken is tried again, with a pause that grows to five minutes and is
// never the same, under the same id, until it makes no sense any more. Then it is given up, and the audit log says so.
func TestNotTakenIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.anEmail()
	m.ExpiresAt = r.clock.Now().Add(40 * time.Minute)
	r.post(m)
	r.email.set(fails(errBusy)) // after the letter was handed over: the channel is certain all the same
	tries := 0
	for r.only().state == "waiting" && tries < 100 {
		r.round(message.Email)
		tries++
		r.wantTries("failed", r.email, tries)
		o := r.only()
		if o.state != "waiting" {
			break
		}
		longest := min(time.Second<<(tries-1), 5*time.Minute)
		if pause := o.due.Sub(r.clock.Now()); pause < longest/2 || pause > longest {
			t.Errorf("after try %d a pause of %v, want %v to %v", tries, pause, longest/2, longest)
		}
		if o.attempts != tries || o.handedOver != nil {
			t.Errorf("after try %d: %+v", tries, o)
		}
		r.clock.advance(o.due.Sub(r.clock.Now()) - time.Microsecond)
		r.round(message.Email)
		r.wantTries("before it is due", r.email, tries)
		r.clock.advance(time.Microsecond)
	}
	r.wantState("at last", db.OutboxExpired)
	if left := m.ExpiresAt.Sub(r.clock.Now()); left < 0 || left > 5*time.Minute {
		t.Errorf("given up %v before the end", left)
	}
	if tries < 15 || tries > 30 { // 8.5 minutes for nine tries, then one in 2.5 to 5 minutes
		t.Errorf("%d tries in 40 minutes", tries)
	}
	if !r.measured(fmt.Sprintf(`menshen_message_deliveries_total{channel="email",outcome="retry"} %d`, tries-1)) ||
		!r.measured(`menshen_message_deliveries_total{channel="email",outcome="expired"} 1`) {
		t.Error("the tries are not in the metrics")
	}
	r.clock.advance(time.Hour)
	r.round(message.Email)
	r.wantTries("after its end", r.email, tries)
}

// TestTakenAfterAll: a failure that passes costs a while and nothing else.
func TestTakenAfterAll(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post(r.anEmail())
	r.email.set(fails(errBusy))
	for range 2 {
		r.round(message.Email)
		r.clock.advance(5 * time.Second)
	}
	r.email.set(nil)
	r.round(message.Email)
	r.wantTries("in the end", r.email, 3)
	r.wantState("in the end", db.OutboxDelivered)
}

// TestPause: each is at least half of the longest, and no two messages come back together.
func TestPause(t *testing.T) {
	t.Parallel()
	for attempts, longest := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 64: 5 * time.Minute, 100000: 5 * time.Minute,
	} {
		seen := map[time.Duration]bool{}
		for range 100 {
			p := pause(attempts)
			if p < longest/2 || p > longest {
				t.Fatalf("pause after %d tries: %v, want %v to %v", attempts, p, longest/2, longest)
			}
			seen[p] = true
		}
		if len(seen) < 90 {
			t.Errorf("%d different pauses of 100 after %d tries", len(seen), attempts)
		}
	}
}

// TestExpiredIsNotTried: a code that is no good any more is not sent, however long there was no worker.
func TestExpiredIsNotTried(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]db.OutboxState{
		5*time.Minute - time.Microsecond: db.OutboxDelivered, 5 * time.Minute: db.OutboxExpired, 48 * time.Hour: db.OutboxExpired,
	} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.post(r.anEmail())
			r.clock.advance(after)
			r.round(message.Email)
			r.wantState("late", want)
			if sent := len(r.email.tries()) == 1; sent != (want == db.OutboxDelivered) {
				t.Errorf("sent: %v", sent)
			}
		})
	}
}

// TestHowADeliveryEnds: what the channel says decides what becomes of a message. After one that leaves open whether it was
// taken there is another try only where the channel knows a repeat by its id.
func TestHowADeliveryEnds(t *testing.T) {
	t.Parallel()
	wrapped := func(err error) error { return fmt.Errorf("carrier: %w: 42", err) }
	for name, test := range map[string]struct {
		recognises bool
		err        error
		want       db.OutboxState
	}{
		"taken":                        {false, nil, db.OutboxDelivered},
		"taken, recognises":            {true, nil, db.OutboxDelivered},
		"refused":                      {false, wrapped(channel.ErrRefused), db.OutboxRefused},
		"refused, recognises":          {true, wrapped(channel.ErrRefused), db.OutboxRefused},
		"uncertain":                    {false, wrapped(channel.ErrUncertain), db.OutboxUncertain},
		"uncertain, recognises":        {true, wrapped(channel.ErrUncertain), db.OutboxWaiting},
		"not taken":                    {false, errBusy, db.OutboxWaiting},
		"not taken, recognises":        {true, errBusy, db.OutboxWaiting},
		"out of time, not handed over": {false, context.DeadlineExceeded, db.OutboxWaiting},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.email.recognises = test.recognises
			r.email.set(fails(test.err))
			r.post(r.anEmail())
			r.round(message.Email)
			r.wantState("then", test.want)
			r.email.set(nil)
			r.clock.advance(2 * time.Second)
			r.round(message.Email)
			if test.want == db.OutboxWaiting {
				r.wantTries("later", r.email, 2) // of the same letter, so with the same id
				r.wantState("later", db.OutboxDelivered)
			} else {
				r.wantTries("later", r.email, 1)
				r.wantState("later", test.want)
			}
		})
	}
}

// TestDeliveryHasATimeout: a channel is told by when it must be done.
func TestDeliveryHasATimeout(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Timeout = 50 * time.Millisecond
	r.email.set(hangs)
	r.post(r.anEmail())
	began := time.Now()
	r.round(message.Email)
	if took := time.Since(began); took < 50*time.Millisecond || took > 10*time.Second {
		t.Errorf("a delivery that hangs took %v", took)
	}
	r.wantState("a delivery that hangs", db.OutboxWaiting)
}

// TestKilledWorker: what a worker had that was killed is done by the next, when the lease has ended and not before. If the
// letter had been handed over, whether it was taken is unknown: it is given up, unless the channel knows a repeat.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handedOver, recognises bool
		want                   db.OutboxState
		tries                  int
	}{
		"before it was handed over":             {false, false, db.OutboxDelivered, 1},
		"before it was handed over, recognises": {false, true, db.OutboxDelivered, 1},
		"after it was handed over":              {true, false, db.OutboxUncertain, 0},
		"after it was handed over, recognises":  {true, true, db.OutboxDelivered, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.email.recognises = test.recognises
			m := r.anEmail()
			r.post(m)
			now := r.clock.Now()
			claimed, err := r.store.Outbox().Claim(t.Context(), "email", 4, now, now.Add(r.lease()))
			if err != nil || len(claimed) != 1 {
				t.Fatalf("claimed %v, %v", claimed, err)
			}
			if test.handedOver {
				r.clock.advance(r.Timeout)
				now = r.clock.Now()
				r.must(r.store.Outbox().HandOver(t.Context(), claimed[0], now, now.Add(r.lease())))
			}
			// Nothing is heard of this worker any more.
			r.clock.advance(r.lease() - time.Microsecond)
			r.round(message.Email)
			r.wantTries("before the lease has ended", r.email, 0)
			r.wantState("before the lease has ended", db.OutboxWaiting)
			r.clock.advance(time.Microsecond)
			r.round(message.Email)
			r.wantTries("after it", r.email, test.tries)
			r.wantState("after it", test.want)
		})
	}
}

// TestWhoLostTheLease: a worker that was away for too long finds that another has the message, or has settled it. It may
// not hand over any more, and what it writes changes nothing.
func TestWhoLostTheLease(t *testing.T) {
	t.Parallel()
	late := func(t *testing.T, r *rig, delivered bool, end func(handOver func(context.Context) error) error) error {
		t.Helper()
		var handOver error
		r.email.set(func(ctx context.Context, _ channel.Letter, hand func(context.Context) error) error {
			r.clock.advance(r.lease()) // this worker was away
			r.email.set(nil)
			if !delivered {
				r.email.set(fails(errBusy))
			}
			round(ctx, r.replica(r.store), message.Email)
			return end(func(ctx context.Context) error {
				handOver = hand(ctx)
				return handOver
			})
		})
		r.post(r.anEmail())
		r.round(message.Email)
		return handOver
	}
	t.Run("hands over", func(t *testing.T) {
		t.Parallel()
		for _, delivered := range []bool{true, false} {
			r := newRig(t)
			err := late(t, r, delivered, func(handOver func(context.Context) error) error { return handOver(t.Context()) })
			if !errors.Is(err, db.ErrNotFound) {
				t.Errorf("delivered %v: handed over with %v, want ErrNotFound", delivered, err)
			}
		}
	})
	for name, end := range map[string]error{"taken": nil, "refused": channel.ErrRefused, "uncertain": channel.ErrUncertain, "not taken": errBusy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_ = late(t, r, true, func(func(context.Context) error) error { return end })
			r.wantState("delivered by the other", db.OutboxDelivered)
			r.clock.advance(time.Minute)
			r.round(message.Email)
			r.wantTries("both together", r.email, 2)

			r = newRig(t)
			_ = late(t, r, false, func(func(context.Context) error) error { return end })
			if o := r.only(); o.state != "waiting" || o.attempts != 2 || o.due.Sub(r.clock.Now()) > 2*time.Second {
				t.Errorf("the other tries again, and the one who was late made it %+v", o)
			}
		})
	}
}

// TestSettledIsGone: what one worker has settled, another that claimed it before cannot take up again.
func TestSettledIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post(r.anEmail())
	now := r.clock.Now()
	claimed, err := r.store.Outbox().Claim(t.Context(), "email", 1, now, now.Add(r.lease()))
	r.must(err)
	r.must(r.store.Outbox().Settle(t.Context(), claimed[0], db.OutboxDelivered, now))
	r.deliver(t.Context(), r.email, claimed[0])
	r.wantState("settled before", db.OutboxDelivered)
	if o := r.only(); o.handedOver != nil {
		t.Errorf("handed over again: %+v", o)
	}
}

// TestNobodyHasTheChannel: a message of a channel that no replica has any more is given up when it has expired, with a line
// in the audit log, by one replica; not before, and not while somebody tries it.
func TestNobodyHasTheChannel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post(r.anSMS())
	delete(r.channels, message.Phone)
	r.clock.advance(5*time.Minute - time.Microsecond)
	r.sweepOnce(t.Context())
	r.wantState("before its end", db.OutboxWaiting)
	r.clock.advance(time.Microsecond)
	for range 2 {
		r.sweepOnce(t.Context())
		r.replica(r.store).sweepOnce(t.Context())
		r.wantState("at its end", db.OutboxExpired)
	}
	if !r.measured(`menshen_message_deliveries_total{channel="phone",outcome="expired"} 1`) {
		t.Error("it is not in the metrics")
	}
}

// TestSweepLeavesTriesAlone: a message that expires while it is handed over is the business of who does that.
func TestSweepLeavesTriesAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post(r.anEmail())
	r.clock.advance(5*time.Minute - time.Microsecond)
	r.email.set(func(ctx context.Context, _ channel.Letter, handOver func(context.Context) error) error {
		r.clock.advance(time.Second)
		r.sweepOnce(ctx)
		return handOver(ctx)
	})
	r.round(message.Email)
	r.wantState("delivered late", db.OutboxDelivered)
}
