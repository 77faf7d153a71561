package qrlogin

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/menshen-auth/menshen/db"
)

const (
	// lookEvery is how often all codes that somebody waits for are looked at. Notifications come at once and can be lost;
	// nobody tells of an expiry at all.
	lookEvery = time.Second
	// lookAtOnce bounds how many codes are looked at by one statement.
	lookAtOnce = 500
	// lookTimeout is how long a look may take: one that hangs must not end all looking.
	lookTimeout = 2 * time.Second
)

// Event is a status and its number. Numbers of a QR code only go up.
type Event struct {
	ID int
	Status
}

// Numbers of events.
const (
	eventPending = iota + 1
	eventScanned
	eventAuthorized
	eventExchanged
	eventCancelled
	eventExpired
)

// eventID numbers a state: whoever knows the number knows the state.
func eventID(l db.QRLogin, now time.Time) int {
	switch state(l, now) {
	case db.QRPending:
		return eventPending
	case db.QRScanned:
		return eventScanned
	case db.QRCancelled:
		return eventCancelled
	case StatusExpired:
		return eventExpired
	}
	if l.ConsumedAt != nil {
		return eventExchanged
	}
	return eventAuthorized
}

// step numbers how far a QR code has come, whatever the clock says.
func step(l db.QRLogin) int { return eventID(l, time.Time{}) }

// Watch is somebody who waits for the events of one QR code. It is for one goroutine, and Close is to be called.
type Watch struct {
	service *Service
	pollID  string
	key     string
	told    int // the newest event that was
	wake    chan struct{}
	evicted chan struct{} // closed when another has come in its place
	mu      sync.Mutex    // guards what follows
	newest  db.QRLogin
	asOf    time.Time // before newest was read
}

// Watch waits for events after the one with the number told, 0 for all. An id that is not a poll secret is ErrUnknown; with
// too many others waiting it is ErrWatched.
func (s *Service) Watch(ctx context.Context, pollID string, told int) (*Watch, error) {
	w := &Watch{service: s, pollID: pollID, key: string(s.pollHash(pollID)), told: told, wake: make(chan struct{}, 1), evicted: make(chan struct{})}
	if !s.watchers.add(w) {
		return nil, ErrWatched.WithRetryAfter(PollInterval)
	}
	now := s.clock.Now()
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	l, err := s.polled(ctx, pollID) // after the above, so that no change is missed
	if err != nil {
		w.Close()
		return nil, err
	}
	w.tell(l, now)
	return w, nil
}

// Close ends the waiting.
func (w *Watch) Close() { w.service.watchers.remove(w) }

// Ended tells whether everything was told.
func (w *Watch) Ended() bool { return w.told >= eventAuthorized }

// ErrQuiet means that nothing has happened for as long as Next was to wait.
var ErrQuiet = errors.New("nothing has happened")

// Next waits for the next event. It returns io.EOF when there will be none, here at least: everything was told, or the process
// is about to stop.
func (w *Watch) Next(ctx context.Context, wait time.Duration) (Event, error) {
	if w.Ended() {
		return Event{}, io.EOF
	}
	quiet := time.NewTimer(wait)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return Event{}, ctx.Err()
		case <-w.service.watchers.stopping:
			return Event{}, io.EOF
		case <-w.evicted:
			return Event{}, io.EOF
		case <-quiet.C:
			return Event{}, ErrQuiet
		case <-w.wake:
		}
		w.mu.Lock()
		l, now := w.newest, w.asOf // by a later time what was decided since would be taken for expired
		w.mu.Unlock()
		id := eventID(l, now)
		if id <= w.told {
			continue
		}
		status, err := w.status(ctx, l, now)
		if err != nil {
			return Event{}, err
		}
		w.told = id
		return Event{ID: id, Status: status}, nil
	}
}

// status is bounded like a look: a stream has no time-out of its own.
func (w *Watch) status(ctx context.Context, l db.QRLogin, now time.Time) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return w.service.status(ctx, l, w.pollID, now)
}

// tell hands over what the database had after a time, and wakes whoever waits if that is news: waking all of them every second
// would cost more than everything else. Two may read at once, and the one who read earlier come later.
func (w *Watch) tell(l db.QRLogin, now time.Time) {
	w.mu.Lock()
	known := 0
	if w.newest.State != "" {
		known = eventID(w.newest, w.asOf)
	}
	newer := step(l) - step(w.newest)
	if known == 0 || newer > 0 || newer == 0 && now.After(w.asOf) {
		w.newest, w.asOf = l, now
	}
	news := eventID(w.newest, w.asOf) > known
	w.mu.Unlock()
	if !news {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default: // it is awake, and will look at the newest
	}
}

// Run tells those who wait of changes, by this or another process, until ctx ends: when the database notifies, and, since
// notifications can be lost, when it is looked at every second.
func (s *Service) Run(ctx context.Context) {
	notified := make(chan []byte, 64)
	var listening sync.WaitGroup
	listening.Go(func() {
		s.store.Listen(ctx, db.QRLoginsChanged, func(payload string) {
			key, _ := hex.DecodeString(payload)
			select {
			case notified <- key:
			default: // so much is going on that the next look will do
			}
		})
	})
	defer listening.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case key := <-notified:
			if len(key) > 0 && !s.watchers.has(key) {
				continue // somebody waits elsewhere, or nobody does
			}
			if len(key) > 0 {
				s.look(ctx, [][]byte{key})
				continue
			}
		case <-tick.C:
		}
		s.look(ctx, s.watchers.waitedFor())
	}
}

// look reads codes and tells of them. What the database does not answer, the next look asks again.
func (s *Service) look(ctx context.Context, keys [][]byte) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	for len(keys) > 0 {
		n := min(len(keys), lookAtOnce)
		now := s.clock.Now()
		logins, err := s.store.QRLogins().Progress(ctx, keys[:n])
		if err != nil {
			return
		}
		for _, l := range logins {
			s.watchers.tell(l, now)
		}
		keys = keys[n:]
	}
}

// Drain ends all waiting: the process is about to stop, and clients come back to another.
func (s *Service) Drain() { s.watchers.stop() }
