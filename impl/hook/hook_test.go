package hook

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// TestBeforeAsksInOrder: every pre hook is asked, the oldest first, until one refuses; those of others, of the other stage and
// disabled ones are not.
func TestBeforeAsksInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Before(r.ctx(), r.attempt()); err != nil {
		t.Fatalf("without hooks: %v", err)
	}
	first, second, third, other := newProgram(t), newProgram(t), newProgram(t), newProgram(t)
	for _, p := range []*program{first, second, third} {
		r.hook(Wanted{Stage: db.HookPre, URL: p.URL + "/hook"})
	}
	r.hook(Wanted{Stage: db.HookPost, URL: other.URL})
	off := r.hook(Wanted{Stage: db.HookPre, URL: other.URL})
	disabled := true
	if _, err := r.Set(t.Context(), off.ID, Change{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	if err := r.Before(r.ctx(), r.attempt()); err != nil {
		t.Errorf("all let pass: %v", err)
	}
	second.says(200, `{"decision":"deny","message":"Closed on Sundays."}`)
	err := r.Before(r.ctx(), r.attempt())
	var refusal *apierr.Error
	if !errors.Is(err, ErrRefused) || !errors.As(err, &refusal) || refusal.EN != "Closed on Sundays." || refusal.ZH != refusal.EN || refusal.API != 1699 {
		t.Errorf("one refuses: %+v", err)
	}
	if strings.Contains(err.Error(), "Sundays") {
		t.Errorf("the error for logs holds the message: %v", err)
	}
	second.says(200, `{"decision":"deny"}`)
	if err := r.Before(r.ctx(), r.attempt()); !errors.Is(err, ErrRefused) || err.(*apierr.Error).EN != ErrRefused.EN {
		t.Errorf("without a message: %v", err)
	}
	if first.asked() != 3 || second.asked() != 3 || third.asked() != 1 || other.asked() != 0 {
		t.Errorf("asked %d, %d, %d and %d times", first.asked(), second.asked(), third.asked(), other.asked())
	}
	a := r.attempt()
	a.AppID = "another"
	if err := r.Before(r.ctx(), a); err != nil || first.asked() != 3 {
		t.Errorf("of another application: %v", err)
	}
	if first.requests[0].Header.Get("webhook-id") == first.requests[1].Header.Get("webhook-id") {
		t.Error("two events with one webhook-id")
	}
	r.wantSecret("Sundays")
}

// TestFailures: what is no answer is a failure, in whatever way it fails; the hook's own policy decides what that means, and
// a denial is none.
func TestFailures(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, prepare := range map[string]func(p *program){
		"time-out":     func(p *program) { p.hangs() },
		"HTTP 500":     func(p *program) { p.says(500, "") },
		"HTTP 404":     func(p *program) { p.says(404, `{"decision":"allow"}`) },
		"a redirect":   func(p *program) { p.says(307, "") },
		"no JSON":      func(p *program) { p.says(200, "<html>") },
		"no decision":  func(p *program) { p.says(200, "{}") },
		"too long":     func(p *program) { p.says(200, `{"decision":"allow"}`+strings.Repeat(" ", maxAnswer)) },
		"nobody there": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p := newRig(t), newProgram(t)
			url := closed.URL
			if prepare != nil {
				prepare(p)
				url = p.URL
			}
			h := r.hook(Wanted{Stage: db.HookPre, URL: url + "/hook", Timeout: MinTimeout})
			if err := r.Before(r.ctx(), r.attempt()); !errors.Is(err, ErrUnanswered) || strings.Contains(err.Error(), "/hook") {
				t.Errorf("by default: %v", err)
			}
			open := true
			_, err := r.Set(t.Context(), h.ID, Change{FailOpen: &open})
			r.must(err)
			if err := r.Before(r.ctx(), r.attempt()); err != nil {
				t.Errorf("where it is to fail open: %v", err)
			}
			p.says(200, `{"decision":"deny","message":"`+strings.Repeat("x", 300)+`"}`)
			if err := r.Before(r.ctx(), r.attempt()); prepare != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("a denial where it is to fail open: %v", err)
			}
			ended, cancel := context.WithCancel(r.ctx())
			cancel()
			if err := r.Before(ended, r.attempt()); err == nil {
				t.Error("a request that has ended passes")
			}
			if !strings.Contains(r.log.String(), h.ID) {
				t.Errorf("the log does not say which hook: %s", r.log)
			}
			r.wantSecret(h.Secret)
		})
	}
}

// TestSigned: the library of the specification's authors takes what a hook gets, with the secret that creating it told; after
// a new one with both, and then with the new one alone.
func TestSigned(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newProgram(t)
	r.clock.now = time.Now() // which the library looks at
	h := r.hook(Wanted{Stage: db.HookPre, URL: p.URL + "/hook?x=y"})
	good := func(secret string) bool {
		t.Helper()
		r.must(r.Before(r.ctx(), r.attempt()))
		w, err := standardwebhooks.NewWebhook(secret)
		r.must(err)
		last := len(p.requests) - 1
		return w.Verify([]byte(p.bodies[last]), p.requests[last].Header) == nil
	}
	if !good(h.Secret) || !strings.HasPrefix(h.Secret, "whsec_") {
		t.Error("the first secret")
	}
	if got := p.requests[0]; got.URL.RequestURI() != "/hook?x=y" || got.Method != http.MethodPost || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %v", got.Method, got.URL, got.Header)
	}
	second, err := r.Set(t.Context(), h.ID, Change{NewSecret: true})
	r.must(err)
	if !good(h.Secret) || !good(second.Secret) {
		t.Error("while a secret is replaced, both are good")
	}
	third, err := r.Set(t.Context(), h.ID, Change{NewSecret: true})
	r.must(err)
	if good(h.Secret) || !good(second.Secret) || !good(third.Secret) {
		t.Error("the newest two are good, and no other")
	}
	_, err = r.Set(t.Context(), h.ID, Change{OneSecret: true})
	r.must(err)
	if good(second.Secret) || !good(third.Secret) {
		t.Error("in the end the newest alone is good")
	}
	var stored string
	r.must(r.raw.QueryRow(`SELECT string_agg(h::text, ' ') FROM hooks h`).Scan(&stored))
	for _, secret := range []string{h.Secret, second.Secret, third.Secret} {
		if strings.Contains(stored, strings.TrimPrefix(secret, "whsec_")) {
			t.Error("a secret is at rest as it is")
		}
	}
}

// TestAfter: every post hook of the application is told, by a message of its own, for a day.
func TestAfter(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newProgram(t)
	r.hook(Wanted{Stage: db.HookPre, URL: p.URL})
	a, b := r.hook(Wanted{Stage: db.HookPost, URL: p.URL}), r.hook(Wanted{Stage: db.HookPost, URL: p.URL})
	o := authn.Opened{SessionID: "session", AMR: []string{"pwd"}, At: r.clock.now}
	r.must(r.After(r.ctx(), r.store.Queries, r.attempt(), o))
	if p.asked() != 0 || len(r.posted.messages) != 2 {
		t.Fatalf("%d calls, and messages %+v", p.asked(), r.posted.messages)
	}
	for i, id := range []string{a.ID, b.ID} {
		m := r.posted.messages[i]
		if m.To != id || m.Channel != message.Hook || m.UserpoolID != "pool" || !m.ExpiresAt.Equal(o.At.Add(24*time.Hour)) ||
			!strings.Contains(m.Body, `"sessionId":"session"`) || !strings.Contains(m.Body, canary) || !strings.Contains(m.Body, typePost) {
			t.Errorf("%+v", m)
		}
	}
}

// TestDeliver: 2xx is taken; after anything else, another try makes sense, but for a hook that is gone. One that fails is
// paused and one that takes is not, and no request is made where handing over fails.
func TestDeliver(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newProgram(t)
	h := r.hook(Wanted{Stage: db.HookPost, URL: p.URL + "/hook", Timeout: time.Second})
	handed := 0
	deliver := func() error {
		return r.Deliver(t.Context(), h.ID, "event", []byte(`{"n":1.0}`), func(context.Context) error { handed++; return nil })
	}
	paused := func() bool {
		t.Helper()
		row, err := r.store.Hooks().Hook(t.Context(), h.ID)
		r.must(err)
		return row.FailingSince != nil && row.PausedUntil != nil && row.PausedUntil.After(r.clock.now)
	}
	for _, status := range []int{200, 204, 299} {
		for _, wrong := range []int{301, 307, 400, 401, 404, 422, 429, 500, 503} {
			p.says(wrong, "no")
			if err := deliver(); err == nil || errors.Is(err, ErrGone) || !paused() {
				t.Errorf("HTTP %d: %v", wrong, err)
			}
		}
		p.says(status, "whatever")
		if err := deliver(); err != nil || paused() {
			t.Errorf("HTTP %d: %v", status, err)
		}
	}
	p.hangs()
	if err := deliver(); err == nil || errors.Is(err, ErrGone) || !paused() {
		t.Errorf("time-out: %v", err)
	}
	p.says(410, "")
	if err := deliver(); !errors.Is(err, ErrGone) {
		t.Errorf("HTTP 410: %v", err)
	}
	if handed != p.asked() || p.bodies[0] != `{"n":1.0}` || p.requests[0].Header.Get("webhook-id") != "event" || p.requests[1].Header.Get("webhook-id") != "event" {
		t.Errorf("%d handed over, %d requests, %s", handed, p.asked(), p.bodies[0])
	}
	lost := errors.New("the database is gone")
	if err := r.Deliver(t.Context(), h.ID, "event", nil, func(context.Context) error { return lost }); !errors.Is(err, lost) || p.asked() != handed {
		t.Errorf("handing over fails: %v, %d requests", err, p.asked())
	}
	r.must(r.Delete(t.Context(), h.ID))
	if err := deliver(); !errors.Is(err, ErrGone) || p.asked() != handed {
		t.Errorf("deleted: %v", err)
	}
	r.wantSecret(h.Secret)
}
