package hook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// TestCreateChecks: what goes to another machine goes by TLS, unless the operator insists; there is no password in a URL, and
// no time-out that would outlast the request.
func TestCreateChecks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, test := range []struct {
		wanted Wanted
		want   error
	}{
		{Wanted{URL: "https://hooks.example.com/a?b=c"}, nil},
		{Wanted{URL: "http://127.0.0.1:9000/hook"}, nil},
		{Wanted{URL: "http://[::1]/hook"}, nil},
		{Wanted{URL: "http://localhost/hook"}, nil},
		{Wanted{URL: "http://hooks.internal/hook"}, ErrInsecure},
		{Wanted{URL: "http://10.0.0.1/hook"}, ErrInsecure},
		{Wanted{URL: "http://localhost.example.com/hook"}, ErrInsecure},
		{Wanted{URL: "http://hooks.internal/hook", Insecure: true}, nil},
		{Wanted{URL: "https://user:secret@hooks.example.com/"}, ErrURL},
		{Wanted{URL: "https://user@hooks.example.com/"}, ErrURL},
		{Wanted{URL: "https://hooks.example.com/#fragment"}, ErrURL},
		{Wanted{URL: "https://hooks.example.com/#"}, ErrURL},
		{Wanted{URL: "ftp://hooks.example.com/"}, ErrURL},
		{Wanted{URL: "file:///etc/passwd"}, ErrURL},
		{Wanted{URL: "/hook"}, ErrURL},
		{Wanted{URL: ""}, ErrURL},
		{Wanted{URL: "https:///hook"}, ErrURL},
		{Wanted{URL: "https://x/" + strings.Repeat("a", maxURL)}, ErrURL},
		{Wanted{URL: "https://x", Timeout: MinTimeout - time.Millisecond}, ErrTimeout},
		{Wanted{URL: "https://x", Timeout: MaxTimeout + time.Millisecond}, ErrTimeout},
		{Wanted{URL: "https://x", Stage: db.HookPost, FailOpen: true}, ErrPolicy},
	} {
		w := test.wanted
		w.App = r.app
		if w.Stage == "" {
			w.Stage = db.HookPre
		}
		if w.Timeout == 0 {
			w.Timeout = DefaultTimeout
		}
		d, err := r.Create(t.Context(), w)
		if !errors.Is(err, test.want) || (err == nil) != (d.Secret != "") {
			t.Errorf("%+v: %v, want %v", test.wanted, err, test.want)
		}
	}
}

// TestSetAndList: what an operator changes is what is listed, each change is in the audit log, and no list tells a secret.
func TestSetAndList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.hook(Wanted{Stage: db.HookPre, URL: "http://hooks.internal/a", Insecure: true})
	r.hook(Wanted{Stage: db.HookPost, URL: "https://hooks.example.com/b"})
	url, timeout, yes, no := "https://hooks.example.com/c", time.Second, true, false
	for _, c := range []Change{{Timeout: &timeout}, {FailOpen: &yes}, {URL: &url}, {Disabled: &yes}} {
		if d, err := r.Set(t.Context(), h.ID, c); err != nil || d.Secret != "" {
			t.Errorf("%+v: %+v, %v", c, d, err)
		}
	}
	list, err := r.List(t.Context())
	r.must(err)
	got := list[0]
	if len(list) != 2 || got.ID != h.ID || got.URL != url || got.TimeoutMS != 1000 || !got.FailOpen || got.DisabledAt == nil || got.Secret != "" || got.Deliveries != nil || list[1].Deliveries == nil {
		t.Errorf("listed %+v", list)
	}
	if d, err := r.Set(t.Context(), h.ID, Change{Disabled: &no, FailOpen: &no}); err != nil || d.DisabledAt != nil || d.FailOpen {
		t.Errorf("enabled: %+v, %v", d, err)
	}
	insecure := "http://hooks.internal/"
	if _, err := r.Set(t.Context(), h.ID, Change{URL: &insecure}); !errors.Is(err, ErrInsecure) {
		t.Errorf("an insecure URL: %v", err)
	}
	r.must(r.Delete(t.Context(), h.ID))
	for what, err := range map[string]error{
		"delete": r.Delete(t.Context(), h.ID),
		"set":    func() error { _, err := r.Set(t.Context(), h.ID, Change{}); return err }(),
		"test":   func() error { _, err := r.Test(t.Context(), h.ID); return err }(),
	} {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s one that is gone: %v", what, err)
		}
	}
	var noted string
	r.must(r.raw.QueryRow(`SELECT string_agg(n || ' ' || action, ', ' ORDER BY action) FROM (
		SELECT action, count(*) AS n FROM audit_log WHERE actor = 'operator' AND target LIKE 'hook:%' GROUP BY action) a`).Scan(&noted))
	if noted != "2 hook.create, 1 hook.delete, 5 hook.set" {
		t.Errorf("the audit log has %s", noted)
	}
}

// TestTest: a test is signed like a real event and shows what came back; of a hook that would have failed it says why.
func TestTest(t *testing.T) {
	t.Parallel()
	r, p := newRig(t), newProgram(t)
	pre := r.hook(Wanted{Stage: db.HookPre, URL: p.URL + "/hook", Timeout: time.Second})
	post := r.hook(Wanted{Stage: db.HookPost, URL: p.URL + "/hook", Timeout: time.Second})
	for _, test := range []struct {
		id       string
		status   int
		answer   string
		decision string
		failure  string
	}{
		{pre.ID, 200, `{"decision":"allow"}`, "allow", ""},
		{pre.ID, 200, `{"decision":"deny","message":"No."}`, "deny", ""},
		{pre.ID, 200, `what?`, "", "an answer that makes no sense"},
		{pre.ID, 500, "", "", "HTTP 500"},
		{post.ID, 202, `what?`, "", ""},
		{post.ID, 500, "oops", "", "HTTP 500"},
	} {
		p.says(test.status, test.answer)
		got, err := r.Test(t.Context(), test.id)
		r.must(err)
		if got.Status != test.status || got.Body != test.answer || got.Decision != test.decision || got.Failure != test.failure {
			t.Errorf("%d %s: %+v", test.status, test.answer, got)
		}
	}
	last := len(p.bodies) - 1
	want := `{"type":"hook.test","timestamp":"2026-05-04T12:00:02Z","data":{"hookId":"` + post.ID + `","userpoolId":"pool","applicationId":"app"}}`
	if p.bodies[last] != want || p.requests[last].Header.Get("webhook-signature") == "" {
		t.Errorf("sent %s", p.bodies[last])
	}
	p.hangs()
	got, err := r.Test(t.Context(), post.ID)
	if err != nil || got.Failure == "" || got.Status != 0 {
		t.Errorf("time-out: %+v, %v", got, err)
	}
	if listed, err := r.List(t.Context()); err != nil || listed[1].FailingSince != nil {
		t.Errorf("a test pauses the hook: %v", err)
	}
}
