package qrlogin

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestNoEventIsLost: what happens between the look that begins a watch and its end is told. The older of the two rows, which
// comes later, must not hide it.
func TestNoEventIsLost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, pollID := r.create()
	old, err := r.polled(t.Context(), pollID)
	r.must(err)
	w := &Watch{service: r.Service, pollID: pollID, key: string(r.pollHash(pollID)), wake: make(chan struct{}, 1)}
	if !r.watchers.add(w) {
		t.Fatal("there is no room")
	}
	r.must(r.Scan(t.Context(), r.phone, pollID))
	r.look(t.Context(), r.watchers.waitedFor())
	w.tell(old, eventID(old, r.clock.now))
	event, err := w.Next(t.Context(), 10*time.Second)
	if err != nil || event.State != db.QRScanned {
		t.Errorf("told %+v, %v; want SCANNED", event, err)
	}
}
