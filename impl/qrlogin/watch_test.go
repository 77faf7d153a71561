package qrlogin

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// watch waits for the events of a QR code until the test ends.
func (r *rig) watch(pollID string, told int) *Watch {
	r.t.Helper()
	w, err := r.Watch(r.t.Context(), pollID, told)
	r.must(err)
	r.t.Cleanup(w.Close)
	return w
}

// wantNext checks the next event, which must be there already; empty for none.
func (r *rig) wantNext(w *Watch, state string) {
	r.t.Helper()
	event, err := w.Next(r.t.Context(), 20*time.Millisecond)
	if state == "" && errors.Is(err, ErrQuiet) {
		return
	}
	if err != nil || event.State != state {
		r.t.Errorf("event %d %q, %v; want %q", event.ID, event.State, err, state)
	}
}

// row is what the database has of a QR code.
func (r *rig) row(pollID string) db.QRLogin {
	r.t.Helper()
	l, err := r.polled(r.t.Context(), pollID)
	r.must(err)
	return l
}

// TestLateReadIsNoNews: two read the database at once, and the one who has read the older state hands it over last. The page
// is told the newer one, and does not wait for the next change to learn of it.
func TestLateReadIsNoNews(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	scanID, pollID := r.create()
	w := r.watch(pollID, 0)
	pending := r.row(pollID)
	r.must(r.Scan(t.Context(), r.phone, scanID))
	r.watchers.tell(r.row(pollID), r.clock.now)
	w.tell(pending, r.clock.now)
	r.wantNext(w, db.QRScanned)
	r.must(r.Confirm(t.Context(), r.phone, scanID))
	r.watchers.tell(r.row(pollID), r.clock.now)
	w.tell(pending, r.clock.now.Add(time.Hour)) // which would be expired then
	r.wantNext(w, db.QRAuthorized)
}

// TestDecisionInTimeIsNotTakenForExpired (Q2): what was read before the end of a QR code says nothing of what it was at its
// end; a decision may have come in between. Only a later look tells that it has expired.
func TestDecisionInTimeIsNotTakenForExpired(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	scanID, pollID := r.create()
	r.must(r.Scan(t.Context(), r.phone, scanID))
	w := r.watch(pollID, 0)
	r.advance(120 * time.Second)
	r.wantNext(w, db.QRScanned)
	r.look(t.Context(), r.watchers.waitedFor())
	r.wantNext(w, StatusExpired)
	if _, err := w.Next(t.Context(), time.Minute); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

// TestExpiryIsNotForgotten (Q2): a page connects in the last moment, and what it has read before the end is handed over after a
// look that found the end.
func TestExpiryIsNotForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, pollID := r.create()
	w := r.watch(pollID, eventPending)
	before, row := r.clock.now, r.row(pollID)
	r.advance(120 * time.Second)
	r.look(t.Context(), r.watchers.waitedFor())
	w.tell(row, before)
	r.wantNext(w, StatusExpired)
}

// TestHeartbeat: a stream on which nothing happens says that it is alive, again and again, and is none the worse for it.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	scanID, pollID := r.create()
	text := newEventReader(t.Context(), r.watch(pollID, 0), time.Millisecond)
	next := func(want string) {
		t.Helper()
		part := make([]byte, 4096)
		n, err := text.Read(part)
		if got := string(part[:n]); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	next("retry: 1000\n\n")
	next("id: 1\nevent: status\ndata: {")
	for range 3 {
		next(":\n\n")
	}
	r.must(r.Scan(t.Context(), r.phone, scanID))
	r.look(t.Context(), r.watchers.waitedFor())
	next("id: 2\nevent: status\ndata: {")
	next(":\n\n")
}

// TestWatchEnds: with the last event, with the client, and with the process. Who goes leaves nothing behind.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, pollID := r.create()
	_, authorized, _ := r.authorized()
	ended := r.watch(authorized, eventScanned)
	r.wantNext(ended, db.QRAuthorized)
	if _, err := ended.Next(t.Context(), time.Minute); !ended.Ended() || !errors.Is(err, io.EOF) {
		t.Errorf("after the last event: %v", err)
	}
	if w := r.watch(authorized, eventAuthorized); !w.Ended() {
		t.Error("who was told everything waits for more")
	}
	waiting := r.watch(pollID, eventPending)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for { // the row that it began with may come first, which is no news
		if _, err := waiting.Next(gone, time.Minute); err != nil {
			r.want("of a client that went", err, context.Canceled)
			break
		}
	}
	if _, err := r.Watch(t.Context(), "none", 0); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown id: %v", err)
	}
	r.Drain()
	r.Drain()
	for {
		if _, err := waiting.Next(t.Context(), time.Minute); err != nil {
			r.want("of a process that stops", err, io.EOF)
			break
		}
	}
	for _, w := range slices.Clone(r.watchers.byKey[waiting.key]) {
		w.Close()
	}
	for _, of := range r.watchers.byKey {
		for _, w := range slices.Clone(of) {
			w.Close()
			w.Close()
		}
	}
	if n := len(r.watchers.waitedFor()); n != 0 || r.watchers.count != 0 {
		t.Errorf("%d codes, %d watches are left", n, r.watchers.count)
	}
}

// TestFewWatchOneCode (Q9): of one code the newest take the places, since they are one page; other pages are served, and who finds
// no place in the process is told to poll.
func TestFewWatchOneCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, pollID := r.create()
	_, other := r.create()
	var watches []*Watch
	for range watchersOfOne + 2 {
		watches = append(watches, r.watch(pollID, 0))
	}
	kept := r.watch(other, 0)
	for i, w := range slices.Concat(watches[2:], []*Watch{kept}) {
		if _, err := w.Next(t.Context(), time.Minute); err != nil {
			t.Errorf("watch %d of those that stay: %v", i, err)
		}
	}
	for i, w := range watches[:2] {
		_, err := w.Next(t.Context(), time.Minute)
		if err == nil { // the first event had come before the others
			_, err = w.Next(t.Context(), time.Minute)
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("watch %d, in whose place others came: %v", i, err)
		}
	}
	if n := r.watchers.count; n != watchersOfOne+1 {
		t.Errorf("%d wait, want %d", n, watchersOfOne+1)
	}
	r.watchers.count = watchersOfAll
	if _, err := r.Watch(t.Context(), other, 0); !errors.Is(err, ErrWatched) {
		t.Errorf("one more than all: %v", err)
	}
}
