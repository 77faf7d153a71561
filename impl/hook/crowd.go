package hook

import "sync"

// maxAtOnce is how many sign-ins of one process may wait for one hook.
const maxAtOnce = 32

// crowd are the sign-ins of this process that wait for hooks.
type crowd struct {
	mu     *sync.Mutex
	hooks  map[string]int // how many wait, by hook
	places map[place]*pushing
}

// place is where the sign-ins of one user wait for one hook.
type place struct{ hookID, userID string }

// pushing tells of those who wait at one place.
type pushing struct {
	waiting int
	pushed  bool // several did at once, since the first of them came
}

func newCrowd() crowd {
	return crowd{&sync.Mutex{}, map[string]int{}, map[place]*pushing{}}
}

// enter takes a place among those who wait for a hook; false if there is none.
func (c crowd) enter(hookID, userID string) (place, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := place{hookID, userID}
	if c.hooks[hookID] == maxAtOnce {
		return at, false
	}
	c.hooks[hookID]++
	if c.places[at] == nil {
		c.places[at] = &pushing{}
	}
	c.places[at].waiting++
	c.places[at].pushed = c.places[at].pushed || c.places[at].waiting > 1
	return at, true
}

// pushed tells whether the user has asked several times at once.
func (c crowd) pushed(at place) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.places[at].pushed
}

func (c crowd) leave(at place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hooks[at.hookID]--; c.hooks[at.hookID] == 0 {
		delete(c.hooks, at.hookID)
	}
	if c.places[at].waiting--; c.places[at].waiting == 0 {
		delete(c.places, at)
	}
}
