package hook

import (
	"errors"
	"testing"

	"github.com/menshen-auth/menshen/db"
)

// TestBusyHookLetsNobodyIn: who asks a hook so often that it cannot answer is refused, also where it may fail open. Otherwise
// somebody whom it denies is let in by asking often enough at once.
func TestBusyHookLetsNobodyIn(t *testing.T) {
	t.Parallel()
	s := New(nil, nil)
	for range maxAtOnce {
		if !s.enter("hook") {
			t.Fatal("there is no room")
		}
	}
	if s.enter("hook") {
		t.Error("one more waits for the hook")
	}
	if !s.enter("another") {
		t.Error("one hook takes the room of another")
	}
	s.leave("hook")
	if !s.enter("hook") {
		t.Error("a place that was left is not free")
	}
}

// TestBusyIsRefused: the refusal is that of a hook that gives no answer, and does not depend on its policy.
func TestBusyIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.hook(Wanted{Stage: db.HookPre, URL: "http://127.0.0.1:1/hook", FailOpen: true})
	for range maxAtOnce {
		r.enter(h.ID)
	}
	if err := r.Before(r.ctx(), some); !errors.Is(err, ErrUnanswered) {
		t.Errorf("got %v, want ErrUnanswered", err)
	}
	r.leave(h.ID)
	if err := r.Before(r.ctx(), some); err != nil {
		t.Errorf("with room again, it fails by itself and is let fail open: %v", err)
	}
}
