package hook

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

// posted takes messages, and remembers them.
type posted struct{ messages []message.Message }

func (p *posted) Post(_ context.Context, _ db.Queries, m message.Message) error {
	p.messages = append(p.messages, m)
	return nil
}

// program is a hook's: a real HTTP server that answers what it is told, and remembers the requests.
type program struct {
	*httptest.Server
	mu       sync.Mutex
	status   int
	answer   string
	hang     bool
	requests []*http.Request
	bodies   []string
}

func newProgram(t *testing.T) *program {
	t.Helper()
	p, done := &program{status: http.StatusNoContent}, make(chan struct{})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.requests, p.bodies = append(p.requests, r), append(p.bodies, string(body))
		status, answer, hang := p.status, p.answer, p.hang
		p.mu.Unlock()
		if hang {
			<-done
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(p.Close)
	t.Cleanup(func() { close(done) })
	return p
}

func (p *program) says(status int, answer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.answer, p.hang = status, answer, false
}

func (p *program) hangs() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hang = true
}

func (p *program) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

// rig is the service with an application of a userpool.
type rig struct {
	*Service
	t      *testing.T
	raw    *sql.DB
	clock  *stopped
	posted *posted
	log    *bytes.Buffer
	app    db.Application
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, clock: &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}, posted: &posted{}, log: &bytes.Buffer{}}
	url := dbtest.URL(t)
	store, err := db.Open(t.Context(), url, db.Options{MaxConns: 8})
	r.must(err)
	t.Cleanup(func() { _ = store.Close() })
	r.raw, err = sql.Open("postgres", url)
	r.must(err)
	t.Cleanup(func() { _ = r.raw.Close() })
	once.Do(func() {
		ring, err = keyring.Open(t.Context(), store, r.clock, bytes.Repeat([]byte{7}, keyring.MasterKeySize))
		r.must(err)
	})
	r.must(store.Tenancy().InsertUserpool(t.Context(), db.Userpool{ID: "pool", Name: "Pool", IsDefault: true, CreatedAt: r.clock.now}))
	r.app = db.Application{UserpoolID: "pool", ID: "app", SecretHash: []byte{1}, IsDefault: true, CreatedAt: r.clock.now}
	r.must(store.Tenancy().InsertApplication(t.Context(), r.app))
	r.Service = New(NewSender(store, ring, r.clock, slog.New(slog.NewTextHandler(r.log, nil)), metrics.New()), r.posted)
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// hook adds one, a second after those before it.
func (r *rig) hook(w Wanted) Described {
	r.t.Helper()
	w.App = r.app
	if w.Timeout == 0 {
		w.Timeout = MaxTimeout
	}
	d, err := r.Create(r.t.Context(), w)
	r.must(err)
	r.clock.now = r.clock.now.Add(time.Second)
	return d
}

const canary = "canary-context-7d1e"

func (r *rig) attempt() authn.Attempt {
	a := some
	a.Context = json.RawMessage(`{"from":"` + canary + `"}`)
	return a
}

func (r *rig) ctx() context.Context { return r.t.Context() }

// wantSecret: neither what a client sent, nor the secrets, nor the URLs are in the log.
func (r *rig) wantSecret(secrets ...string) {
	r.t.Helper()
	for _, s := range append(secrets, canary, "whsec_", "/hook") {
		if strings.Contains(r.log.String(), s) {
			r.t.Errorf("the log holds %q: %s", s, r.log)
		}
	}
}
