package qrlogin

import (
	"sync"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// watchersOfOne and watchersOfAll bound how many wait, for one code and in one process: a page has one stream, and another while
// it comes back, and each costs memory. Of one code the newest takes the place of the oldest: they are the same page, which may
// have left streams behind that nobody reads. Who finds no room in the process polls.
const (
	watchersOfOne = 3
	watchersOfAll = 10_000
)

// watchers are all who wait in this process. It is no state that another process would miss: it can be lost at any time, and
// clients come back.
type watchers struct {
	mu       sync.Mutex
	byKey    map[string]map[*Watch]int // to the number of the event that it was last woken for
	count    int
	added    int // in all
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
	if len(of) >= watchersOfOne {
		oldest := w
		for other := range of {
			if oldest == w || other.age < oldest.age {
				oldest = other
			}
		}
		close(oldest.evicted)
		ws.drop(oldest)
	}
	if ws.count >= watchersOfAll {
		return false
	}
	if of = ws.byKey[w.key]; of == nil {
		of = map[*Watch]int{}
		ws.byKey[w.key] = of
	}
	ws.added++
	w.age = ws.added
	of[w] = 0
	ws.count++
	return true
}

func (ws *watchers) remove(w *Watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.drop(w)
}

// drop is remove with the lock held. One that was dropped before is no mistake.
func (ws *watchers) drop(w *Watch) {
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

func (ws *watchers) has(key []byte) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.byKey[string(key)]) > 0
}
