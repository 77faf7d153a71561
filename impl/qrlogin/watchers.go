package qrlogin

import (
	"slices"
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
	byKey    map[string][]*Watch // the oldest first
	count    int
	stopping chan struct{}
	stop     func()
}

func newWatchers() *watchers {
	ws := &watchers{byKey: map[string][]*Watch{}, stopping: make(chan struct{})}
	ws.stop = sync.OnceFunc(func() { close(ws.stopping) })
	return ws
}

func (ws *watchers) add(w *Watch) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if of := ws.byKey[w.key]; len(of) >= watchersOfOne {
		oldest := of[0]
		close(oldest.evicted)
		ws.drop(oldest)
	}
	if ws.count >= watchersOfAll {
		return false
	}
	ws.byKey[w.key] = append(ws.byKey[w.key], w)
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
	of := ws.byKey[w.key]
	i := slices.Index(of, w)
	if i < 0 {
		return
	}
	ws.byKey[w.key] = slices.Delete(of, i, i+1)
	if len(of) == 1 {
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
	for _, w := range ws.byKey[string(l.PollHash)] {
		w.tell(l, now)
	}
}

func (ws *watchers) has(key []byte) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.byKey[string(key)]) > 0
}
