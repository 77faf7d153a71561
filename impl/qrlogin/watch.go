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
	// watchersOfOne and watchersOfAll bound how many wait, for one code and in one process: a page has one tab, and a stream
	// costs memory. Who is turned away can poll.
	watchersOfOne = 8
	watchersOfAll = 10_000
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
	mu      sync.Mutex // guards what follows
	newest  db.QRLogin
	asOf    time.Time // before newest was read
}

// Watch waits for events after the one with the number told, 0 for all. An id that is not a poll secret is ErrUnknown; with
// too many others waiting it is ErrWatched.
func (s *Service) Watch(ctx context.Context, pollID string, told int) (*Watch, error) {
	w := &Watch{service: s, pollID: pollID, key: string(s.pollHash(pollID)), told: told, wake: make(chan struct{}, 1)}
	if !s.watchers.add(w) {
		return nil, ErrWatched.WithRetryAfter(PollInterval)
	}
	now := s.clock.Now()
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
		status, err := w.service.status(ctx, l, w.pollID, now)
		if err != nil {
			return Event{}, err
		}
		w.told = id
		return Event{ID: id, Status: status}, nil
	}
}

// tell hands over what the database had after a time, and wakes whoever waits. Two may read at once, and the one who read
// earlier come later.
func (w *Watch) tell(l db.QRLogin, now time.Time) {
	w.mu.Lock()
	if w.newest.State == "" || step(l) >= step(w.newest) {
		w.newest, w.asOf = l, now
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // it is awake, and will look at the newest
	}
}

// watchers are all who wait in this process. It is no state that another process would miss: it can be lost at any time, and
// clients come back.
type watchers struct {
	mu       sync.Mutex
	byKey    map[string]map[*Watch]int // to the number of the event that it was last woken for
	count    int
	stopping chan struct{}
	stop     func()
}

func newWatchers() *watchers {
	ws := &watchers{byKey: map[string]map[*Watch]int{}, stopping: make(chan struct{})}
	ws.stop = sync.OnceFunc(func() { close(ws.stopping) })
	return ws
}

func (ws *watchers) add(w *Watch) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	of := ws.byKey[w.key]
	if len(of) >= watchersOfOne || ws.count >= watchersOfAll {
		return false
	}
	if of == nil {
		of = map[*Watch]int{}
		ws.byKey[w.key] = of
	}
	of[w] = 0
	ws.count++
	return true
}

func (ws *watchers) remove(w *Watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if _, ok := ws.byKey[w.key][w]; !ok {
		return
	}
	delete(ws.byKey[w.key], w)
	if len(ws.byKey[w.key]) == 0 {
		delete(ws.byKey, w.key)
	}
	ws.count--
}

// waitedFor are the keys of the codes that somebody waits for.
func (ws *watchers) waitedFor() [][]byte {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	keys := make([][]byte, 0, len(ws.byKey))
	for key := range ws.byKey {
		keys = append(keys, []byte(key))
	}
	return keys
}

// tell hands over what the database had after a time.
func (ws *watchers) tell(l db.QRLogin, now time.Time) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	id := eventID(l, now)
	for w, woken := range ws.byKey[string(l.PollHash)] {
		if id > woken { // waking all of them every second would cost more than everything else
			ws.byKey[w.key][w] = id
			w.tell(l, now)
		}
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

func (ws *watchers) has(key []byte) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.byKey[string(key)]) > 0
}

// look reads codes and tells of them. What the database does not answer, the next look asks again.
func (s *Service) look(ctx context.Context, keys [][]byte) {
	for len(keys) > 0 {
		n := min(len(keys), lookAtOnce)
		now := s.clock.Now()
		logins, err := s.store.QRLogins().ByPollHashes(ctx, keys[:n])
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
