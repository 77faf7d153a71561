package wechat

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// scene asks WeChat for a code of the official account.
func (r *rig) scene(s *Service, scene string) (string, error) {
	code, err := s.Code(r.t.Context(), r.official, scene, 2*time.Minute, false)
	return code.Content, err
}

// parallel runs many at once, over all services, and returns the errors.
func (r *rig) parallel(services []*Service, n int) []error {
	var all sync.WaitGroup
	errs, start := make([]error, n), make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			_, errs[i] = r.scene(services[i%len(services)], "scene")
		})
	}
	close(start)
	all.Wait()
	return errs
}

// three are replicas on one database, each with a pool of its own.
func (r *rig) three() []*Service {
	return []*Service{r.Service, r.replica(r.store), r.replica(r.store)}
}

// TestOneTokenForAll (Q10): three replicas that need a token at once, 64 times, fetch one.
func TestOneTokenForAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	for _, err := range r.parallel(r.three(), 64) {
		r.must(err)
	}
	if n := len(r.wechat.Calls(wechattest.PathToken)); n != 1 {
		t.Errorf("%d tokens were fetched", n)
	}
	if n := len(r.wechat.Calls(wechattest.PathQRCode)); n != 64 {
		t.Errorf("%d codes", n)
	}
}

// TestTokenIsRenewedInTime (Q10): while one replica fetches the next token, the others go on with the old one.
func TestTokenIsRenewedInTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	_, err := r.scene(r.Service, "first")
	r.must(err)
	r.clock.advance(2*time.Hour - renewBefore - time.Second)
	_, err = r.scene(r.Service, "still good")
	r.must(err)
	if n := len(r.wechat.Calls(wechattest.PathToken)); n != 1 {
		t.Fatalf("%d tokens were fetched", n)
	}
	r.clock.advance(time.Second)
	letGo, slow := r.wechat.Hold(), make(chan error, 1)
	go func() {
		_, err := r.scene(r.Service, "renews")
		slow <- err
	}()
	for len(r.wechat.Calls(wechattest.PathToken)) < 2 {
		select {
		case err := <-slow:
			t.Fatalf("no token was fetched: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	for _, err := range r.parallel(r.three(), 16) {
		r.must(err)
	}
	letGo()
	r.must(<-slow)
	if n := len(r.wechat.Calls(wechattest.PathToken)); n != 2 {
		t.Errorf("%d tokens were fetched", n)
	}
	r.clock.advance(time.Minute)
	r.wechat.Fail(wechattest.PathToken, wechattest.Fault{Raw: "500"})
	r.must(r.store.Wechat().VoidToken(t.Context(), "pool", r.official.ID, 2))
	_, err = r.scene(r.Service, "no token at all")
	r.want("without a token", err, ErrUnavailable)
	_, err = r.scene(r.Service, "the lease was given back")
	r.want("at once after that", err, nil)
}

// TestOldTokenServesWhileThereIsNoNewOne: WeChat being down for a moment costs nobody a login who has a token.
func TestOldTokenServesWhileThereIsNoNewOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	_, err := r.scene(r.Service, "first")
	r.must(err)
	r.clock.advance(2*time.Hour - time.Minute)
	r.wechat.Fail(wechattest.PathToken, wechattest.Fault{Raw: "500"})
	_, err = r.scene(r.Service, "with the old one")
	r.want("while the old one lives", err, nil)
	r.clock.advance(time.Minute)
	r.wechat.Fail(wechattest.PathToken, wechattest.Fault{Raw: "500"})
	_, err = r.scene(r.Service, "too late")
	r.want("after its end", err, ErrUnavailable)
}

// TestDeadTokenIsReplacedOnce (Q10): a token that WeChat does not take any more (40001, 42001) is voided by its version:
// however many notice, one new one is fetched, and nobody is told.
func TestDeadTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []int{codeNotLatest, codeExpired, codeBadToken} {
		r := newRig(t, false)
		_, err := r.scene(r.Service, "first")
		r.must(err)
		r.wechat.Kill(wechattest.OfficialID, code, false)
		for _, err := range r.parallel(r.three(), 32) {
			r.must(err)
		}
		calls := r.wechat.Calls(wechattest.PathToken)
		if len(calls) != 2 || strings.Contains(calls[1].Body, `"force_refresh":true`) {
			t.Errorf("%d: tokens were fetched so: %+v", code, calls)
		}
	}
}

// TestStuckTokenIsForced (Q10): only if WeChat hands the dead token out again is it told to make a new one, of which it makes
// 20 a day.
func TestStuckTokenIsForced(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	_, err := r.scene(r.Service, "first")
	r.must(err)
	r.wechat.Kill(wechattest.OfficialID, codeNotLatest, true)
	for _, err := range r.parallel(r.three(), 32) {
		r.must(err)
	}
	calls := r.wechat.Calls(wechattest.PathToken)
	if len(calls) != 3 || strings.Contains(calls[1].Body, `"force_refresh":true`) || !strings.Contains(calls[2].Body, `"force_refresh":true`) {
		t.Errorf("tokens were fetched so: %+v", calls)
	}
}

// TestTokenIsTriedOnceMore: a token that is refused right after it was made is not WeChat's to be asked for again and again.
func TestTokenIsTriedOnceMore(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	dead := wechattest.Fault{Code: codeNotLatest}
	r.wechat.Fail(wechattest.PathQRCode, dead, dead, dead)
	_, err := r.scene(r.Service, "scene")
	r.want("a token that is never taken", err, ErrUnavailable)
	if n := len(r.wechat.Calls(wechattest.PathQRCode)); n != 2 {
		t.Errorf("%d tries", n)
	}
}

// TestQuotaIsNotTriedAgain (Q10): what WeChat counts is not asked again, and the caller is told to wait.
func TestQuotaIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	for _, path := range []string{wechattest.PathToken, wechattest.PathQRCode} {
		for _, code := range []int{codeQuota, codeFrequency} {
			before := len(r.wechat.Calls(path))
			r.wechat.Fail(path, wechattest.Fault{Code: code})
			_, err := r.scene(r.Service, "scene")
			r.want("out of quota", err, ErrBusy)
			var refusal *apierr.Error
			if !errors.As(err, &refusal) || refusal.RetryAfter != waitForQuota || len(r.wechat.Calls(path)) != before+1 {
				t.Errorf("%s, %d: %v, %d calls", path, code, refusal, len(r.wechat.Calls(path))-before)
			}
		}
	}
}

// TestLeaseEnds (Q10): a replica that dies while it fetches keeps the others for as long as its lease; what it brings after
// that, when another has fetched, is not stored over the newer one.
func TestLeaseEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, false)
	q, now := r.store.Wechat(), r.clock.Now()
	until := now.Add(leaseFor)
	r.must(q.LeaseToken(t.Context(), "pool", r.official.ID, 0, until, now))
	r.clock.advance(leaseFor - time.Microsecond)
	r.want("before its end", q.LeaseToken(t.Context(), "pool", r.official.ID, 0, until, r.clock.Now()), db.ErrNotFound)
	r.clock.advance(time.Microsecond)
	_, err := r.scene(r.Service, "after its end")
	r.must(err)
	err = q.StoreToken(t.Context(), "pool", r.official.ID, 0, until, []byte("late"), until)
	r.want("of the one that was away", err, db.ErrNotFound)
	r.want("its release", q.ReleaseToken(t.Context(), "pool", r.official.ID, 0, until), db.ErrNotFound)
	r.want("a lease on what was replaced", q.LeaseToken(t.Context(), "pool", r.official.ID, 0, until.Add(time.Hour), r.clock.Now()), db.ErrNotFound)
}
