package wechat

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// eventually waits for something that requests do.
func (r *rig) eventually(what string, done func() bool) {
	r.t.Helper()
	for began := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			r.t.Fatalf("%s: not in 20 s", what)
		}
	}
}

// TestWhoWaitsAsksTogether (Q10): while another replica fetches the token, the requests of a process look for it together, and
// nobody tries to take the lease that they can see.
func TestWhoWaitsAsksTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	r.must(r.store.Wechat().LeaseToken(t.Context(), "pool", r.official.ID, 0, r.clock.Now().Add(leaseFor), r.clock.Now()))
	for _, statement := range []string{
		"CREATE SEQUENCE tries",
		"CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''tries''); RETURN NEW; END'",
		"CREATE TRIGGER counted BEFORE INSERT OR UPDATE ON wechat_tokens FOR EACH ROW EXECUTE FUNCTION counted()",
		"SELECT pg_stat_reset()",
	} {
		_, err := r.raw.ExecContext(t.Context(), statement)
		r.must(err)
	}
	store, err := db.Open(t.Context(), r.address, db.Options{MaxConns: 8})
	r.must(err)
	waiting := r.replica(store)
	waiting.waits.token = 10 * tokenPoll
	const requests = 64
	for _, err := range r.parallel([]*Service{waiting}, requests) {
		r.want("in vain", err, ErrUnavailable)
	}
	r.must(store.Close()) // which lets its statistics be seen, soon
	const looks = "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'wechat_tokens'"
	r.eventually("statistics", func() bool { return r.count(looks) >= requests })
	if n := r.count(looks); n > 4*requests {
		t.Errorf("%d requests looked %d times", requests, n)
	}
	if n := r.count("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM tries"); n != 0 {
		t.Errorf("they tried to take the lease %d times", n)
	}
	if n := len(r.wechat.Calls(wechattest.PathToken)); n != 0 {
		t.Errorf("%d tokens were fetched", n)
	}
}

// TestOneFailureIsEverybodys: those who wait for a token that cannot be had are told so together. They do not ask WeChat one after
// the other.
func TestOneFailureIsEverybodys(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	const requests = 32
	for range requests {
		r.wechat.Fail(wechattest.PathToken, wechattest.Fault{Raw: "500"})
	}
	letGo := r.wechat.Hold()
	done := make(chan []error)
	go func() { done <- r.parallel([]*Service{r.Service}, requests) }()
	r.eventually("all wait", func() bool { return len(r.places) == requests && len(r.wechat.Calls(wechattest.PathToken)) == 1 })
	letGo()
	for _, err := range <-done {
		r.want("in vain", err, ErrUnavailable)
	}
	if n := len(r.wechat.Calls(wechattest.PathToken)); n > requests/4 { // one, and one more for who came late
		t.Errorf("%d requests asked WeChat %d times", requests, n)
	}
}

// TestWhoLeavesTakesNothingAway: the request that came first may be given up; the token is fetched for the others.
func TestWhoLeavesTakesNothingAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	letGo := r.wechat.Hold()
	ctx, leave := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := r.Code(ctx, r.official, "first", time.Minute, false)
		first <- err
	}()
	r.eventually("it is fetched", func() bool { return len(r.wechat.Calls(wechattest.PathToken)) == 1 })
	others := make(chan []error)
	go func() { others <- r.parallel([]*Service{r.Service}, 8) }()
	r.eventually("all wait", func() bool { return len(r.places) == 9 })
	leave()
	r.want("given up", <-first, ErrUnavailable)
	letGo()
	for _, err := range <-others {
		r.must(err)
	}
	if n := len(r.wechat.Calls(wechattest.PathToken)); n != 1 {
		t.Errorf("%d tokens were fetched", n)
	}
}

// TestPlacesAreLimited: when as many requests wait for WeChat as may, the next is told so at once and when to come again, whatever
// it wants of WeChat. A place that is free again is used.
func TestPlacesAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	r.places = make(chan struct{}, 2)
	letGo := r.wechat.Hold()
	var waiting sync.WaitGroup
	for range cap(r.places) {
		waiting.Go(func() {
			_, err := r.scene(r.Service, "waits")
			r.want("who has a place", err, nil)
		})
	}
	r.eventually("all places are taken", func() bool { return len(r.places) == cap(r.places) })
	_, codeErr := r.scene(r.Service, "one too many")
	_, scanErr := r.Scan(t.Context(), r.mini, "scene", "code")
	for what, err := range map[string]error{"a code": codeErr, "a scan": scanErr} {
		r.want(what, err, ErrUnavailable)
		var refusal *apierr.Error
		if !errors.As(err, &refusal) || refusal.RetryAfter != callTimeout {
			t.Errorf("%s: %+v", what, refusal)
		}
	}
	if n := len(r.wechat.Calls(wechattest.PathSession)); n != 0 {
		t.Errorf("WeChat was asked for %d sessions", n)
	}
	letGo()
	waiting.Wait()
	_, err := r.scene(r.Service, "after that")
	r.must(err)
}
