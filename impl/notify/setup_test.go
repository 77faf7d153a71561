package notify

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// stopped is a clock that only a test moves.
type stopped struct {
	mu  sync.Mutex
	now time.Time
}

func (c *stopped) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stopped) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// delivery is a try to hand a letter over, as a test lets it end.
type delivery func(ctx context.Context, l channel.Letter, handOver func(context.Context) error) error

// carrier is a channel that does what a test says, and takes every letter if that says nothing.
type carrier struct {
	recognises bool
	mu         sync.Mutex
	do         delivery
	letters    []channel.Letter // of every try
}

func (c *carrier) Name() string     { return "carrier" }
func (c *carrier) Recognises() bool { return c.recognises }

func (c *carrier) Deliver(ctx context.Context, l channel.Letter, handOver func(context.Context) error) error {
	c.mu.Lock()
	c.letters = append(c.letters, l)
	do := c.do
	c.mu.Unlock()
	if do != nil {
		return do(ctx, l, handOver)
	}
	return handOver(ctx)
}

func (c *carrier) set(do delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.do = do
}

// tries are the letters of every try so far.
func (c *carrier) tries() []channel.Letter {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.letters)
}

// fails are deliveries that end with an error, after the letter was handed over.
func fails(err error) delivery {
	return func(ctx context.Context, _ channel.Letter, handOver func(context.Context) error) error {
		return errors.Join(handOver(ctx), err)
	}
}

// hangs are deliveries that end with their context, or else with the patience of the test.
func hangs(ctx context.Context, _ channel.Letter, _ func(context.Context) error) error {
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Second):
	}
	return errors.Join(errBusy, ctx.Err())
}

var errBusy = errors.New("the other side is busy")

// journal is a log that replicas share.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// rig is the service on a database with the userpool "pool", named Acme, and two channels that do what a test says.
type rig struct {
	*Service
	t          *testing.T
	raw        *sql.DB
	clock      *stopped
	email, sms *carrier
	hook       *carrier
	counts     *metrics.Metrics
	log        *journal
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{
		t: t, clock: &stopped{now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}, email: &carrier{}, sms: &carrier{}, hook: &carrier{recognises: true},
		counts: metrics.New(), log: &journal{},
	}
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
	r.must(store.Tenancy().InsertUserpool(t.Context(), db.Userpool{ID: "pool", Name: "Acme", CreatedAt: r.clock.now}))
	r.Service = r.replica(store)
	return r
}

// replica is another instance of the service on the same database and the same channels. It does not look for messages by
// itself: a test that wants it to sets Poll.
func (r *rig) replica(store *db.DB) *Service {
	r.t.Helper()
	texts, err := LoadTexts("")
	r.must(err)
	settings := Settings{Timeout: 10 * time.Second, Parallel: 4, ParallelHooks: 16, Poll: time.Hour, Drain: 10 * time.Second}
	channels := map[message.Channel]channel.Channel{message.Email: r.email, message.Phone: r.sms, message.Hook: r.hook}
	return New(settings, store, ring, r.clock, slog.New(slog.NewTextHandler(r.log, nil)), r.counts, texts, channels)
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// anEmail is a code for Alice, good for five minutes.
func (r *rig) anEmail() message.Message {
	return message.Message{
		UserpoolID: "pool", Channel: message.Email, To: "alice@example.com", Template: message.Code, Code: "271828",
		ExpiresAt: r.clock.Now().Add(5 * time.Minute),
	}
}

func (r *rig) anSMS() message.Message {
	m := r.anEmail()
	m.Channel, m.To = message.Phone, "+8613800138000"
	return m
}

// post puts messages into the outbox.
func (r *rig) post(messages ...message.Message) {
	r.t.Helper()
	r.must(r.store.InTx(r.t.Context(), func(q db.Queries) error {
		for _, m := range messages {
			if err := r.Post(r.t.Context(), q, m); err != nil {
				return err
			}
		}
		return nil
	}))
}

// round delivers what is due on a channel, as far as there are places, and waits for the outcome.
func (r *rig) round(c message.Channel) {
	r.t.Helper()
	round(r.t.Context(), r.Service, c)
}

func round(ctx context.Context, s *Service, c message.Channel) {
	slots := s.slots(c)
	s.claim(ctx, c, slots)
	for range cap(slots) {
		slots <- struct{}{}
	}
}

// start runs workers. stop ends them and waits; the test's end does, too.
func (r *rig) start(services ...*Service) (stop func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, s := range services {
		all.Go(func() { s.Run(ctx) })
	}
	stop = func() {
		cancel()
		all.Wait()
	}
	r.t.Cleanup(stop)
	return stop
}

// row is what the outbox keeps of a message.
type row struct {
	id, state  string
	attempts   int
	due        time.Time
	handedOver *time.Time
	settled    *time.Time
	sealed     []byte
}

// rows are those of the outbox.
func (r *rig) rows() (list []row) {
	r.t.Helper()
	const query = `SELECT id, state, attempts, due_at, handed_over_at, settled_at, message_sealed FROM outbox ORDER BY created_at, id`
	rows, err := r.raw.QueryContext(r.t.Context(), query)
	r.must(err)
	defer rows.Close()
	for rows.Next() {
		var o row
		r.must(rows.Scan(&o.id, &o.state, &o.attempts, &o.due, &o.handedOver, &o.settled, &o.sealed))
		list = append(list, o)
	}
	r.must(rows.Err())
	return list
}

// only is the one row of the outbox.
func (r *rig) only() row {
	r.t.Helper()
	list := r.rows()
	if len(list) != 1 {
		r.t.Fatalf("the outbox has %d rows, want 1", len(list))
	}
	return list[0]
}

// wantState checks what became of the only message: a settled one holds nothing any more, and one that was given up is in
// the audit log.
func (r *rig) wantState(what string, want db.OutboxState) {
	r.t.Helper()
	o := r.only()
	if o.state != string(want) || (want == db.OutboxWaiting) != (o.sealed != nil) || (want == db.OutboxWaiting) != (o.settled == nil) {
		r.t.Errorf("%s: %s, settled at %v, with %d bytes sealed; want %s", what, o.state, o.settled, len(o.sealed), want)
	}
	events, err := r.store.Audit().Of(r.t.Context(), "pool", "message:"+o.id, 10)
	r.must(err)
	givenUp := want == db.OutboxExpired || want == db.OutboxRefused || want == db.OutboxUncertain
	if givenUp != (len(events) == 1) || len(events) > 1 {
		r.t.Errorf("%s: audit log %+v", what, events)
	}
	for _, e := range events {
		if e.Action != "message."+string(want) || e.Actor != "system" || e.Outcome != "refused" {
			r.t.Errorf("%s: audit log %+v", what, e)
		}
	}
}

// wantTries checks how often the channel was asked to deliver, always the same letter.
func (r *rig) wantTries(what string, c *carrier, want int) {
	r.t.Helper()
	tries := c.tries()
	if len(tries) != want {
		r.t.Errorf("%s: %d tries, want %d", what, len(tries), want)
	}
	for _, l := range tries {
		if l != tries[0] {
			r.t.Errorf("%s: a try of %+v, after one of %+v", what, l, tries[0])
		}
	}
}

// measured tells whether the metrics have a line.
func (r *rig) measured(line string) bool {
	w := httptest.NewRecorder()
	r.counts.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return strings.Contains(w.Body.String(), line+"\n")
}

// eventually waits for something that workers do.
func (r *rig) eventually(what string, done func() bool) {
	r.t.Helper()
	for began := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			r.t.Fatalf("%s: not in 20 s", what)
		}
	}
}
