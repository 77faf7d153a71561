package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/hook"
)

// TestHookCommands: an operator adds a hook and learns its secret, once; tries it, changes it, and takes it away again. What is
// printed for programs is JSON, and nothing that a program answers plays with the terminal.
func TestHookCommands(t *testing.T) {
	t.Parallel()
	o, ctx := newTown(t), t.Context()
	status, answer := http.StatusOK, "\x1b[2J"
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(program.Close)
	var out bytes.Buffer
	printed := func(err error) string {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		text := out.String()
		out.Reset()
		return text
	}
	described := func(text string) (d hook.Described) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return d
	}

	create := hookCreateCommand{Stage: "pre", URL: program.URL + "/a?b=c&d=e", Timeout: time.Second, JSON: true}
	pre := described(printed(create.run(ctx, o.App, &out)))
	if !strings.HasPrefix(pre.Secret, "whsec_") || pre.URL != create.URL || pre.ApplicationID == "" || pre.TimeoutMS != 1000 || pre.FailOpen {
		t.Errorf("created %+v", pre)
	}
	create = hookCreateCommand{Stage: "post", URL: program.URL, App: pre.ApplicationID, Timeout: time.Second}
	text := printed(create.run(ctx, o.App, &out))
	if !strings.Contains(text, "created post hook ") || !strings.Contains(text, "secret: whsec_") {
		t.Errorf("created: %s", text)
	}
	for want, wrong := range map[error]hookCreateCommand{
		hook.ErrInsecure:       {Stage: "pre", URL: "http://hooks.example.com", Timeout: time.Second},
		hook.ErrURL:            {Stage: "pre", URL: "https://a:b@hooks.example.com", Timeout: time.Second},
		hook.ErrTimeout:        {Stage: "pre", URL: "https://hooks.example.com", Timeout: time.Minute},
		hook.ErrPolicy:         {Stage: "post", URL: "https://hooks.example.com", Timeout: time.Second, FailOpen: true},
		account.ErrApplication: {Stage: "pre", URL: "https://hooks.example.com", Timeout: time.Second, App: "none"},
	} {
		if err := wrong.run(ctx, o.App, &out); !errors.Is(err, want) || out.Len() != 0 {
			t.Errorf("%+v: %v, want %v", wrong, err, want)
		}
	}

	text = printed(hookListCommand{}.run(ctx, o.App, &out))
	if lines := strings.Split(strings.TrimSpace(text), "\n"); len(lines) != 3 || !strings.Contains(lines[1], pre.ID) || !strings.HasSuffix(lines[1], pre.URL) || strings.Contains(text, "whsec_") {
		t.Errorf("listed:\n%s", text)
	}
	text = printed(hookListCommand{JSON: true}.run(ctx, o.App, &out))
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 2 || described(lines[0]).ID != pre.ID || described(lines[1]).Deliveries == nil || strings.Contains(text, "whsec_") || !strings.Contains(text, "?b=c&d=e") {
		t.Errorf("listed:\n%s", text)
	}

	if err := (hookTestCommand{Hook: pre.ID}).run(ctx, o.App, &out); !errors.Is(err, errHookTest) {
		t.Errorf("an answer that makes no sense: %v", err)
	}
	if text := printed(nil); strings.Contains(text, "\x1b") || !strings.Contains(text, "status: 200") {
		t.Errorf("tested: %q", text)
	}
	answer = `{"decision":"deny","message":"No."}`
	text = printed(hookTestCommand{Hook: pre.ID}.run(ctx, o.App, &out))
	if !strings.Contains(text, "decision: deny\n") || !strings.Contains(text, `message: "No."`) {
		t.Errorf("tested: %s", text)
	}
	status = http.StatusTeapot
	var tested hook.Tested
	if err := (hookTestCommand{Hook: pre.ID, JSON: true}).run(ctx, o.App, &out); !errors.Is(err, errHookTest) || !strings.Contains(err.Error(), "418") {
		t.Errorf("HTTP 418: %v", err)
	}
	if err := json.Unmarshal([]byte(printed(nil)), &tested); err != nil || tested.Status != 418 || tested.Failure != "HTTP 418" || tested.Body != answer {
		t.Errorf("tested %+v, %v", tested, err)
	}

	yes := true
	changed := described(printed(hookSetCommand{Hook: pre.ID, FailOpen: &yes, Disabled: &yes, NewSecret: true, JSON: true}.run(ctx, o.App, &out)))
	if !changed.FailOpen || changed.DisabledAt == nil || changed.Secret == "" || changed.Secret == pre.Secret {
		t.Errorf("changed %+v", changed)
	}
	if text := printed(hookListCommand{}.run(ctx, o.App, &out)); !strings.Contains(text, "let pass") || !strings.Contains(text, "disabled") {
		t.Errorf("listed:\n%s", text)
	}
	if text := printed(hookDeleteCommand{pre.ID}.run(ctx, o.App, &out)); text != "deleted hook "+pre.ID+"\n" {
		t.Error(text)
	}
	for what, err := range map[string]error{
		"delete": hookDeleteCommand{pre.ID}.run(ctx, o.App, &out),
		"set":    hookSetCommand{Hook: pre.ID}.run(ctx, o.App, &out),
		"test":   hookTestCommand{Hook: pre.ID}.run(ctx, o.App, &out),
	} {
		if !errors.Is(err, hook.ErrUnknown) {
			t.Errorf("%s one that is gone: %v", what, err)
		}
	}
}
