package harness

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/menshen-auth/menshen/impl/hook"
)

// Program is a program of the operator's that a hook calls. It checks the signature of every request.
type Program struct {
	hook.Described
	h      *Instance
	mu     sync.Mutex
	answer func(Call) (status int, body string)
	events []Call
}

// Call is what a program was sent.
type Call struct {
	WebhookID string
	Body      string
	Type      string
	Timestamp time.Time
	Data      EventData
}

// EventData is what an event is about.
type EventData struct {
	AttemptID, UserpoolID, ApplicationID string
	User                                 struct{ ID, Username, DisplayName string }
	Method, IP, UserAgent                string
	SessionID                            string
	AMR                                  []string
	Context                              json.RawMessage
}

// Hook adds a hook of the default application and the program that it calls, which lets everything pass unless told otherwise.
func (h *Instance) Hook(stage string, change ...func(*hook.Wanted)) *Program {
	h.t.Helper()
	p := &Program{h: h}
	p.Answer(http.StatusOK, "")
	server := httptest.NewServer(http.HandlerFunc(p.serve))
	h.t.Cleanup(server.Close)
	app, err := h.Store.Tenancy().Application(context.Background(), h.Credentials.AppID)
	h.must(err)
	wanted := hook.Wanted{App: app, Stage: stage, URL: server.URL + "/hook", Timeout: hook.MaxTimeout}
	for _, c := range change {
		c(&wanted)
	}
	p.Described, err = p.h.hooks.Create(context.Background(), wanted)
	h.must(err)
	return p
}

// Set changes the hook.
func (p *Program) Set(c hook.Change) {
	p.h.t.Helper()
	_, err := p.h.hooks.Set(context.Background(), p.ID, c)
	p.h.must(err)
}

// Listed is the hook as an operator sees it now.
func (p *Program) Listed() hook.Described {
	p.h.t.Helper()
	list, err := p.h.hooks.List(context.Background())
	p.h.must(err)
	i := slices.IndexFunc(list, func(d hook.Described) bool { return d.ID == p.ID })
	if i < 0 {
		p.h.t.Fatal("the hook is not listed")
	}
	return list[i]
}

// Answer makes the program answer this from now on.
func (p *Program) Answer(status int, body string) {
	p.AnswerWith(func(Call) (int, string) { return status, body })
}

// AnswerWith makes the program answer what a function says, which may take its time.
func (p *Program) AnswerWith(f func(Call) (status int, body string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

// Events are what the program was sent so far.
func (p *Program) Events() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

func (p *Program) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil { // whoever has called is gone
		return
	}
	e := Call{WebhookID: r.Header.Get("webhook-id"), Body: string(body)}
	var content struct {
		Type, Timestamp string
		Data            EventData
	}
	p.h.check(json.Unmarshal(body, &content))
	e.Type, e.Data = content.Type, content.Data
	e.Timestamp, err = time.Parse(time.RFC3339, content.Timestamp)
	p.h.check(err)
	p.verify(r, e)
	p.mu.Lock()
	p.events = append(p.events, e)
	answer := p.answer
	p.mu.Unlock()
	status, text := answer(e)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// verify does what the text of Standard Webhooks asks of a receiver: the signature is v1, and the base64 of the HMAC-SHA256 of
// id, timestamp and body, joined by full stops, with the bytes that the secret encodes; the timestamp is of these minutes.
func (p *Program) verify(r *http.Request, e Call) {
	timestamp := r.Header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	p.h.check(err)
	if off := p.h.Clock.Now().Sub(time.Unix(seconds, 0)); off.Abs() > 5*time.Minute {
		p.h.t.Errorf("the timestamp is %v off", off)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Secret, "whsec_"))
	p.h.check(err)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(e.WebhookID + "." + timestamp + "." + e.Body))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if got := r.Header.Get("webhook-signature"); got != want || e.WebhookID == "" || r.Method != http.MethodPost || r.URL.Path != "/hook" ||
		r.Header.Get("Content-Type") != "application/json" {
		p.h.t.Errorf("%s %s: signature %q, want %q", r.Method, r.URL, got, want)
	}
}
