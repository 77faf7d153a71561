package notify

import (
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/message"
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
