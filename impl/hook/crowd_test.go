package hook

import (
	"errors"
	"testing"

	"github.com/menshen-auth/menshen/db"
)

// TestCrowd: a hook has so many places, which no other hook takes; who asks several times at once is known for that until all of
// its calls have come back.
func TestCrowd(t *testing.T) {
	t.Parallel()
	c := newCrowd()
	first, _ := c.enter("hook", "alice")
	if c.pushed(first) {
		t.Error("one who asks once pushes")
	}
	second, _ := c.enter("hook", "alice")
	bob, _ := c.enter("hook", "bob")
	c.leave(second)
	if !c.pushed(first) || c.pushed(bob) {
		t.Errorf("alice, who has asked twice, pushes: %t; bob: %t", c.pushed(first), c.pushed(bob))
	}
	c.leave(first)
	if again, _ := c.enter("hook", "alice"); c.pushed(again) {
		t.Error("alice pushes for ever")
	}
	for range maxAtOnce - 2 {
		if _, ok := c.enter("hook", "carol"); !ok {
			t.Fatal("there is no room")
		}
	}
	if _, ok := c.enter("hook", "dave"); ok {
		t.Error("one more waits for the hook")
	}
	if _, ok := c.enter("another", "dave"); !ok {
		t.Error("one hook takes the places of another")
	}
	c.leave(bob)
	if _, ok := c.enter("hook", "dave"); !ok {
		t.Error("a place that was left is not free")
	}
}

// TestNobodyPushesIn: a hook that cannot answer is let fail open for who asks once, and for nobody who asks several times at once,
// or finds no place: whom it denies would be let in by asking so often that it cannot answer.
func TestNobodyPushesIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.hook(Wanted{Stage: db.HookPre, URL: "http://127.0.0.1:1/hook", FailOpen: true})
	if err := r.Before(r.ctx(), some); err != nil {
		t.Errorf("once: %v", err)
	}
	mine, _ := r.crowd.enter(h.ID, some.UserID)
	if err := r.Before(r.ctx(), some); !errors.Is(err, ErrUnanswered) {
		t.Errorf("twice at once: %v, want ErrUnanswered", err)
	}
	r.crowd.leave(mine)
	for range maxAtOnce {
		r.crowd.enter(h.ID, "somebody else")
	}
	if err := r.Before(r.ctx(), some); !errors.Is(err, ErrUnanswered) {
		t.Errorf("without a place: %v, want ErrUnanswered", err)
	}
}
