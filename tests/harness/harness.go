package harness

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/impl/hook"
)

// Instance is one Menshen. Several may share a database.
type Instance struct {
	t           testing.TB
	URL         string
	Client      *gen.ClientWithResponses
	Store       *db.DB
	Clock       *Clock
	Digits      *Digits
	Outbox      string // directory of what is sent by channels that are not configured
	Log         *Log
	Credentials app.Credentials

	hooks       *hook.Service
	app         *app.App
	databaseURL string
	publicURL   string
	masterKey   []byte
	configure   []func(*app.Config)
	stop        func()

	management   string // token
	managementAt time.Time
}

// httpClient keeps the connections of many parallel calls, which would otherwise use up the ports of the machine.
var httpClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}, Timeout: 2 * time.Minute}

// New starts a Menshen on an empty database. It ends with the test.
func New(t testing.TB, configure ...func(*app.Config)) *Instance {
	t.Helper()
	h := &Instance{
		t: t, Clock: &Clock{}, Digits: &Digits{}, Log: &Log{},
		Outbox: filepath.Join(t.TempDir(), "outbox"), masterKey: bytes.Repeat([]byte{7}, 32), configure: configure,
	}
	t.Cleanup(h.checkRefusals) // the first, so that it runs when nothing else does any more
	h.start()
	return h
}

// checkRefusals fails the test if an operation has refused what the contract does not tell of.
func (h *Instance) checkRefusals() {
	for line := range strings.Lines(h.Log.String()) {
		if strings.Contains(line, app.UndeclaredRefusal) {
			h.t.Errorf("x-menshen-refusals lacks a code: %s", line)
		}
	}
}

// Replica starts another Menshen on the same database, with the same clock and the same public URL, as behind one load
// balancer.
func (h *Instance) Replica() *Instance {
	h.t.Helper()
	replica := *h
	replica.start()
	return &replica
}

// At is the same Menshen as another process serves it, at url.
func (h *Instance) At(url string) *Instance {
	h.t.Helper()
	other := *h
	other.URL = url
	other.Client = other.NewClient()
	return &other
}

func (h *Instance) start() {
	h.t.Helper()
	ctx := context.Background()
	server := httptest.NewUnstartedServer(nil)
	if h.publicURL == "" {
		h.publicURL = "http://" + server.Listener.Addr().String()
	}
	config, err := app.LoadConfig([]string{"MENSHEN_PUBLIC_URL=" + h.publicURL})
	h.must(err)
	config.Console = "off" // but where a test looks at it
	config.ParallelHashes = runtime.NumCPU()
	config.QueueWait = time.Hour // tests ask much at once; what comes of too much, tests/fault looks at with the program itself
	for _, f := range h.configure {
		f(&config)
	}
	if h.databaseURL = cmp.Or(h.databaseURL, config.DatabaseURL); h.databaseURL == "" {
		h.databaseURL = dbtest.URL(h.t)
	}
	store, err := h.open(ctx, config.MaxConns, config.QueueWait)
	h.must(err)
	h.t.Cleanup(func() { _ = store.Close() }) // an error when a test has cut connections
	h.Store = store
	a, err := app.New(ctx, app.Options{
		Config: config, Store: store, MasterKey: h.masterKey, Clock: h.Clock, Random: h.Digits, Outbox: h.Outbox,
		Log: slog.New(slog.NewTextHandler(h.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	h.must(err)
	h.app = a
	dir := h.t.TempDir()
	h.must(a.Bootstrap(ctx, dir, false))
	if text, err := os.ReadFile(filepath.Join(dir, "credentials.json")); err == nil { // a replica finds none
		h.must(json.Unmarshal(text, &h.Credentials))
	}
	h.hooks = a.Hooks
	h.stop = sync.OnceFunc(a.Start())
	h.t.Cleanup(h.stop)
	server.Config.Handler = a.Handler
	server.Start()
	h.t.Cleanup(server.Close)
	h.URL = server.URL
	h.Client = h.NewClient()
}

// open connects as an instance does, perhaps through a pooler.
func (h *Instance) open(ctx context.Context, conns int, wait time.Duration) (*db.DB, error) {
	through, direct := dbtest.Through(h.t, h.databaseURL)
	return db.Open(ctx, through, db.Options{MaxConns: conns, Wait: wait, DirectURL: direct})
}

// Stop ends what the instance does beside requests, which it goes on answering: messages are left to others then. It
// returns when those that were due are delivered, as far as that takes seconds only.
func (h *Instance) Stop() { h.stop() }

// Environ is what a program needs to run as another instance on the same database.
func (h *Instance) Environ() []string {
	return append(DatabaseEnviron(h.t, h.databaseURL),
		"MENSHEN_PUBLIC_URL="+h.publicURL, "MENSHEN_MASTER_KEY="+base64.StdEncoding.EncodeToString(h.masterKey))
}

// DatabaseURL is where its database is.
func (h *Instance) DatabaseURL() string { return h.databaseURL }

// NewClient returns the generated client, with editors that change every request.
func (h *Instance) NewClient(editors ...gen.RequestEditorFn) *gen.ClientWithResponses {
	h.t.Helper()
	options := []gen.ClientOption{gen.WithHTTPClient(httpClient)}
	for _, e := range editors {
		options = append(options, gen.WithRequestEditorFn(e))
	}
	client, err := gen.NewClientWithResponses(h.URL, options...)
	h.must(err)
	return client
}

// Header is a client editor that sets a header.
func Header(name, value string) gen.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set(name, value)
		return nil
	}
}

func (h *Instance) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *Instance) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Error(err)
	}
}

// Clock is the time of the machine, plus what a test has added.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
	frozen time.Time
}

// Now implements the service's clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.frozen.IsZero() {
		return c.frozen
	}
	return time.Now().Add(c.offset).UTC().Truncate(time.Microsecond)
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	if !c.frozen.IsZero() {
		c.frozen = c.frozen.Add(d)
	}
}

// Freeze stops the clock at the beginning of a TOTP time step, so that no test depends on where in a step it runs.
func (c *Clock) Freeze() {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = now.Truncate(30 * time.Second)
}

// Digits makes the answers of captchas, and remembers them: the one thing that a test cannot read off a picture.
type Digits struct {
	mu   sync.Mutex
	next int
	last string
}

// Digits implements the service's source of codes.
func (d *Digits) Digits(n int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	const source = "271828182845904523536028747135266249775724709369995"
	at := d.next % (len(source) - n)
	d.last = source[at : at+n]
	return d.last
}

// Pick implements the service's source of codes. What is not digits, a test cannot foresee.
func (d *Digits) Pick(n int) int { return rand.N(n) }

// Last returns the answer of the newest captcha.
func (d *Digits) Last() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// Log keeps what the service logs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String returns everything that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
