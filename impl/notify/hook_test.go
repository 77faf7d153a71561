package notify

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// TestEventForAHook: what a program is told is carried like any other message, byte for byte and sealed while it waits; a
// failure after it was handed over means another try under the same id, since a hook knows a repeat; it is known whose it is.
func TestEventForAHook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const body = "{\"context\":{ \"b\":1.0, \"a\":\"<\\u00e9>\u2028\"}}"
	r.post(message.Message{
		UserpoolID: "pool", Channel: message.Hook, To: "hook-id", Template: message.Event, Body: body, ExpiresAt: r.clock.Now().Add(24 * time.Hour),
	})
	var hookID, stored string
	r.must(r.raw.QueryRow("SELECT hook_id, outbox::text || encode(message_sealed, 'escape') FROM outbox").Scan(&hookID, &stored))
	if hookID != "hook-id" {
		t.Errorf("it is that of %q", hookID)
	}
	if strings.Contains(stored, "context") {
		t.Error("the event is at rest as it is")
	}
	r.hook.set(fails(errBusy))
	r.round(message.Hook)
	r.wantState("after a failure", db.OutboxWaiting)
	r.clock.advance(time.Minute)
	r.hook.set(nil)
	r.round(message.Hook)
	r.wantState("in the end", db.OutboxDelivered)
	tries := r.hook.tries()
	if len(tries) != 2 || tries[0].ID != tries[1].ID {
		t.Fatalf("tried %+v", tries)
	}
	for _, l := range tries {
		if l.Text != body || l.To != "hook-id" || l.Subject != "" || l.Template != message.Event {
			t.Errorf("handed over %+v", l)
		}
	}
}

// hookNamed adds a post hook, with messages for it.
func (r *rig) hookNamed(id string, messages int) {
	r.t.Helper()
	r.must(r.store.Hooks().Insert(r.t.Context(), db.Hook{
		UserpoolID: "pool", AppID: "app", ID: id, Stage: db.HookPost, URL: "https://hooks.example.com", SecretSealed: []byte{1}, Timeout: 1000,
		CreatedAt: r.clock.Now(),
	}))
	for range messages {
		r.post(message.Message{
			UserpoolID: "pool", Channel: message.Hook, To: id, Template: message.Event, Body: "{}", ExpiresAt: r.clock.Now().Add(24 * time.Hour),
		})
	}
}

// TestHangingHookHoldsUpNoOther: a hook that was failing and hangs takes one place, whatever waits for it, and the others are
// told as if it were not there.
func TestHangingHookHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Poll, r.Drain = 5*time.Millisecond, 50*time.Millisecond
	r.must(r.store.Tenancy().InsertApplication(t.Context(), db.Application{UserpoolID: "pool", ID: "app", SecretHash: []byte{1}, CreatedAt: r.clock.Now()}))
	r.hookNamed("hanging", 50)
	r.must(r.store.Hooks().Failed(t.Context(), "pool", "hanging", "message", time.Second, time.Minute, r.clock.Now()))
	r.clock.advance(time.Second)
	r.hook.set(func(ctx context.Context, l channel.Letter, handOver func(context.Context) error) error {
		if l.To == "hanging" {
			return hangs(ctx, l, handOver)
		}
		return handOver(ctx)
	})
	defer r.start(r.Service)()
	r.eventually("it hangs", func() bool { return len(r.hook.tries()) == 1 })
	r.hookNamed("healthy", 50)
	r.eventually("the others are told", func() bool { return r.settled(50) })
	hanging := 0
	for _, l := range r.hook.tries() {
		if l.To == "hanging" {
			hanging++
		}
	}
	if hanging != 1 {
		t.Errorf("%d places hang", hanging)
	}
}

// TestPlacesOfHooks: many programs are told at a time, more than there are places for letters.
func TestPlacesOfHooks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Drain = 50 * time.Millisecond
	r.must(r.store.Tenancy().InsertApplication(t.Context(), db.Application{UserpoolID: "pool", ID: "app", SecretHash: []byte{1}, CreatedAt: r.clock.Now()}))
	r.hookNamed("slow", 40)
	r.hook.set(hangs)
	defer r.start(r.Service)()
	r.eventually("all places are taken", func() bool { return len(r.hook.tries()) == 16 })
	r.clock.advance(time.Second)
	r.post(r.anEmail())
	r.Kick(message.Email)
	r.eventually("a letter", func() bool { return r.settled(1) })
	if n := len(r.hook.tries()); n != 16 {
		t.Errorf("%d deliveries at a time, want 16", n)
	}
}
