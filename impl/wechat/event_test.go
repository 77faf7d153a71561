package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// TestSentAgain (Q10): WeChat sends an event again when it has heard nothing. What was settled has no second effect, and the
// person is told the same; a refusal is settled too.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *rig, a *wechattest.Account) {
		r.logins.open("scene")
		event := wechattest.Scan("alice", "scene", r.clock.Now())
		first := r.settled(a, event)
		r.wantHeard("the first time", "scan", "confirm")
		for range 3 {
			r.clock.advance(5 * time.Second)
			if again := r.settled(a, event); again != first || first == "" {
				t.Errorf("told %q, then %q", first, again)
			}
		}
		r.wantHeard("after it was settled")
		if text := r.settled(a, wechattest.Scan("alice", "scene", r.clock.Now())); text != errState.EN {
			t.Errorf("a scan of the next second is told %q", text)
		}
		r.wantHeard("a scan of its own", "scan")
		refused := wechattest.Scan("bob", "scene", r.clock.Now())
		for range 2 {
			if text := r.settled(a, refused); text != errState.EN {
				t.Errorf("bob is told %q", text)
			}
		}
		r.wantHeard("of bob", "scan")
		if text := r.settled(a, wechattest.Scan("alice", "of-somebody-elses-poster", r.clock.Now())); text != "" {
			t.Errorf("a scene that is none of ours is answered with %q", text)
		}
	})
}

// TestFailedEffectIsTriedAgain (Q10): what fails is not settled: WeChat hears no success, sends it again, and then it works.
func TestFailedEffectIsTriedAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *rig, a *wechattest.Account) {
		r.logins.open("scene")
		r.logins.fail = []error{errLost, apierr.ErrUnavailable, errors.New("a bug"), nil, errLost}
		event := wechattest.Scan("alice", "scene", r.clock.Now())
		for try, want := range []int{503, 503, 500, 503} {
			if status, _ := r.pushed(a, a.Push(r.clock.Now(), "", event)); status != want {
				t.Errorf("try %d: HTTP %d", try, status)
			}
		}
		if text := r.settled(a, event); !strings.Contains(text, "confirmed") {
			t.Errorf("told %q", text)
		}
		r.wantHeard("five tries", "scan", "scan", "scan", "scan", "confirm", "scan", "confirm")

		r.logins.open("numbers", 17, 42, 63)
		r.settled(a, wechattest.Scan("alice", "numbers", r.clock.Now()))
		r.logins.fail = []error{errLost}
		number := a.Text("alice", "42", r.clock.Now())
		if status, _ := r.pushed(a, a.Push(r.clock.Now(), "", number)); status != http.StatusServiceUnavailable {
			t.Errorf("a number: HTTP %d", status)
		}
		if text := r.settled(a, number); !strings.Contains(text, "confirmed") {
			t.Errorf("a number that nobody could look at is lost: %q", text)
		}
	})
}

// TestSameEventAtOnce (Q10): one event that reaches replicas many times at once takes effect once. Who comes too early is
// asked to come again.
func TestSameEventAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	a := r.account(false)
	r.logins.open("scene")
	event := wechattest.Scan("alice", "scene", r.clock.Now())
	handlers := []http.Handler{r.handler, r.gate(r.replica(r.store)), r.gate(r.replica(r.store))}
	var all sync.WaitGroup
	for i := range 24 {
		request, here := a.Push(r.clock.Now(), "", event), *r
		here.handler = handlers[i%len(handlers)]
		all.Go(func() {
			if status, text := here.pushed(a, request); status != http.StatusServiceUnavailable && (status != http.StatusOK || !strings.Contains(text, "confirmed")) {
				t.Errorf("HTTP %d, %q", status, text)
			}
		})
	}
	all.Wait()
	r.wantHeard("24 times", "scan", "confirm")
}

// TestReplay (Q10): the plain signature does not cover the body, so whoever has seen one push can sign no other with it. The
// same push again is what WeChat does too, and has no second effect.
func TestReplay(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *rig, a *wechattest.Account) {
		r.logins.open("scene")
		r.logins.open("of-the-victim")
		now := r.clock.Now()
		event := wechattest.Scan("alice", "scene", now)
		_, first := r.pushed(a, a.Push(now, "seen", event))
		r.logins.heard()
		for name, message := range map[string]string{
			"another scene":  wechattest.Scan("alice", "of-the-victim", now),
			"another person": wechattest.Scan("mallory", "scene", now),
			"another time":   wechattest.Scan("alice", "scene", now.Add(time.Second)),
			"a number":       a.Text("alice", "42", now),
		} {
			if status, text := r.pushed(a, a.Push(now, "seen", message)); status != http.StatusForbidden {
				t.Errorf("%s with a nonce that was seen: HTTP %d, %q", name, status, text)
			}
		}
		if status, text := r.pushed(a, a.Push(now, "seen", event)); status != http.StatusOK || text != first {
			t.Errorf("the same again: HTTP %d, %q", status, text)
		}
		r.wantHeard("replays")
		r.clock.advance(pushSkew + time.Second)
		if status, _ := r.pushed(a, a.Push(now, "seen", event)); status != http.StatusForbidden {
			t.Errorf("after five minutes: HTTP %d", status)
		}
		if _, err := r.store.DeleteExpired(t.Context(), r.clock.Now(), 100); err != nil {
			t.Fatal(err)
		}
		if n := r.count("SELECT count(*) FROM wechat_nonces"); n != 1 {
			t.Errorf("%d nonces are kept, while the signature is nearly good", n)
		}
		r.clock.advance(pushSkew)
		if _, err := r.store.DeleteExpired(t.Context(), r.clock.Now(), 100); err != nil {
			t.Fatal(err)
		}
		if n := r.count("SELECT count(*) FROM wechat_nonces"); n != 0 {
			t.Errorf("%d nonces are kept for ever", n)
		}
	})
}

// TestAnswerInTime (Q10): when the logins hang, WeChat is answered before it gives up waiting, and the event is as free as if
// it had failed.
func TestAnswerInTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	a := r.account(false)
	r.waits = usual
	r.logins.open("scene")
	left := make(chan time.Duration, 1)
	r.logins.stall = func(ctx context.Context) {
		end, _ := ctx.Deadline()
		left <- time.Until(end)
		<-ctx.Done()
	}
	ctx, cancel := context.WithCancel(t.Context())
	event, done := wechattest.Scan("alice", "scene", r.clock.Now()), make(chan error)
	signed := func(nonce string) Signed {
		at := strconv.FormatInt(r.clock.Now().Unix(), 10)
		return Signed{Signature: wechattest.Sign(wechattest.PushToken, at, nonce), Timestamp: at, Nonce: nonce}
	}
	go func() {
		_, err := r.Push(ctx, r.official.ID, signed("first"), []byte(event))
		done <- err
	}()
	if d := <-left; d <= 0 || d > 4*time.Second || usual.push+usual.settle >= 5*time.Second {
		t.Errorf("%v were left", d)
	}
	cancel() // rather than to wait for the end
	r.want("of what hangs", <-done, db.ErrUnavailable)
	r.logins.stall, r.waits.push = nil, time.Minute
	if text := r.settled(a, event); !strings.Contains(text, "confirmed") {
		t.Errorf("the event is taken: %q", text)
	}
}

// TestUnionIDIsNotWorthWaiting (Q10): where WeChat has none, or does not tell, the person signs in without.
func TestUnionIDIsNotWorthWaiting(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	a := r.account(false)
	for i, fault := range []wechattest.Fault{{Code: 48001}, {Raw: "500"}, {Raw: "no JSON"}, {Raw: `{"unionid":"a b"}`}, {Code: 45009}} {
		scene := fmt.Sprintf("scene-%d", i)
		r.logins.open(scene)
		r.wechat.Union("alice", "union")
		r.wechat.Fail(wechattest.PathUser, fault)
		r.clock.advance(time.Second)
		if text := r.settled(a, wechattest.Scan("alice", scene, r.clock.Now())); !strings.Contains(text, "confirmed") {
			t.Errorf("%+v: %q", fault, text)
		}
		for _, told := range r.logins.heard() {
			if strings.HasSuffix(told, "union") {
				t.Errorf("%+v: %s", fault, told)
			}
		}
	}
	r.wantSecretFree("the log", r.log.String())
	if row, err := r.store.Wechat().Token(t.Context(), "pool", r.official.ID); err != nil || strings.Contains(string(row.TokenSealed), "access-token") {
		t.Errorf("%v; the token is not sealed", err)
	}
}
