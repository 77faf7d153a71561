package captcha

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/secret"
	"github.com/menshen-auth/menshen/impl/internal/tenant"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

// dealt are answers that the test knows.
type dealt struct {
	mu     sync.Mutex
	next   string // instead of the next one in turn
	answer string // the newest
	made   int
	picked int
}

func (d *dealt) Digits(n int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made++
	d.answer, d.next = d.next, ""
	if d.answer == "" {
		d.answer = fmt.Sprintf("%0*d", n, 270000+d.made)
	}
	return d.answer
}

func (d *dealt) Pick(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.picked++
	return d.picked % n
}

// outbox keeps messages as they are, in the table of the real one: what is rolled back was not posted.
type outbox struct {
	raw    *sql.DB
	absent map[message.Channel]bool // channels that are not configured
	refuse error                    // of Post
	mu     sync.Mutex
	kicked []int // how many messages were there to be seen, at each kick
}

func (o *outbox) Ready(c message.Channel) bool { return !o.absent[c] }

func (o *outbox) Post(ctx context.Context, q db.Queries, m message.Message) error {
	plain, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return errors.Join(o.refuse, q.Outbox().Insert(ctx, db.OutboxMessage{
		UserpoolID: m.UserpoolID, ID: secret.ID(), Channel: string(m.Channel), Template: string(m.Template), MessageSealed: plain,
		CreatedAt: time.Now(), ExpiresAt: m.ExpiresAt,
	}))
}

func (o *outbox) Kick(c message.Channel) {
	var n int
	err := o.raw.QueryRowContext(context.Background(), "SELECT count(*) FROM outbox WHERE channel = $1", string(c)).Scan(&n)
	if err != nil {
		panic(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kicked = append(o.kicked, n)
}

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

// people are addresses on file, by userpool, channel and comparison key.
type people map[string]string

func (p people) AddressOf(_ context.Context, userpoolID string, c message.Channel, key string) (string, bool, error) {
	onFile, known := p[userpoolID+" "+string(c)+" "+key]
	return onFile, known, nil
}

// rig is the service on a database, with answers that the test knows. Limits are off unless a test sets them, but for
// images. SMS go to China and Singapore. The userpool "pool" has Alice, whose e-mail address is on file as
// Alice@example.com and whose phone number is +8613800138000.
type rig struct {
	*Service
	t       *testing.T
	raw     *sql.DB
	clock   *stopped
	random  *dealt
	outbox  *outbox
	people  people
	metrics *metrics.Metrics
	log     *journal
}

const (
	alice      = "Alice@example.com"
	alicePhone = "+8613800138000"
	nobody     = "nobody@example.com"
)

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{
		t: t, clock: &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}, random: &dealt{}, log: &journal{},
		people: people{"pool email alice@example.com": alice, "pool phone " + alicePhone: alicePhone}, metrics: metrics.New(),
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
	r.outbox = &outbox{raw: r.raw, absent: map[message.Channel]bool{}}
	r.Service = r.replica(store)
	return r
}

// replica is another instance of the service on the same database.
func (r *rig) replica(store *db.DB) *Service {
	settings := Settings{
		ImageTTL: 180 * time.Second, ImagesPerIP: limit.Rule{Name: "captcha.ip", Max: 20, Per: time.Minute},
		Kind: tenant.For(puzzle.Digits), CodeTTL: 5 * time.Minute, Attempts: 5, AttemptsWindow: 10 * time.Minute,
		SMSCountries: Countries{"CN": 0, "SG": 0}, Region: "CN",
	}
	return New(settings, store, ring, r.clock, limit.New(store, r.clock), r.random, r.outbox, r.people, r.metrics, slog.New(slog.NewTextHandler(r.log, nil)))
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// want checks an outcome; nil is success.
func (r *rig) want(what string, err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// wantWait checks that something is refused as want, and for how long.
func (r *rig) wantWait(what string, err, want error, wait time.Duration) {
	r.t.Helper()
	r.want(what, err, want)
	if got := apierr.From(err).RetryAfter; got != wait {
		r.t.Errorf("%s: come back after %v, want %v", what, got, wait)
	}
}

func (r *rig) advance(d time.Duration) { r.clock.now = r.clock.now.Add(d) }

// image makes a captcha for logging in.
func (r *rig) image() Image {
	r.t.Helper()
	image, err := r.Draw(r.t.Context(), "pool", "login", false)
	r.must(err)
	return image
}

// email is a request for a login code.
func email(account string) Request {
	return Request{Channel: message.Email, Use: "login", Account: account}
}

func sms(account string) Request {
	return Request{Channel: message.Phone, Use: "login", Account: account}
}

// send asks for a code in the userpool "pool", from one and the same client.
func (r *rig) send(request Request) (id string, err error) {
	r.t.Helper()
	return r.Send(from(r.t.Context(), "192.0.2.1"), "pool", request)
}

// sent is a code that was sent to Alice for a login; the test knows it as random.answer.
func (r *rig) sent() (id string) {
	r.t.Helper()
	id, err := r.send(email(alice))
	r.must(err)
	return id
}

// check evaluates a code for a login that was sent to Alice.
func (r *rig) check(id, answer string) (spend func(context.Context, db.Queries) error, err error) {
	r.t.Helper()
	return r.CheckSent(r.t.Context(), "pool", message.Email, "login", alice, id, answer)
}

// use spends a code, which must be right.
func (r *rig) use(id, answer string) {
	r.t.Helper()
	spend, err := r.check(id, answer)
	r.must(err)
	r.must(r.store.InTx(r.t.Context(), func(q db.Queries) error { return spend(r.t.Context(), q) }))
}

// wrong tries wrong codes.
func (r *rig) wrong(id string, times int) {
	r.t.Helper()
	for i := range times {
		_, err := r.check(id, "000000")
		r.want(fmt.Sprint("wrong code ", i+1), err, ErrWrong)
	}
}

// posted are the messages in the outbox, oldest first.
func (r *rig) posted() (list []message.Message) {
	r.t.Helper()
	for _, text := range r.texts("SELECT convert_from(message_sealed, 'UTF8') FROM outbox ORDER BY created_at, id") {
		var m message.Message
		r.must(json.Unmarshal([]byte(text), &m))
		list = append(list, m)
	}
	return list
}

// last is the newest message.
func (r *rig) last() message.Message {
	r.t.Helper()
	list := r.posted()
	if len(list) == 0 {
		r.t.Fatal("no message was posted")
	}
	return list[len(list)-1]
}

// texts asks for one column around package db.
func (r *rig) texts(query string, args ...any) (list []string) {
	r.t.Helper()
	rows, err := r.raw.QueryContext(r.t.Context(), query, args...)
	r.must(err)
	defer rows.Close()
	for rows.Next() {
		var text string
		r.must(rows.Scan(&text))
		list = append(list, text)
	}
	r.must(rows.Err())
	return list
}

// number asks for one around package db.
func (r *rig) number(query string, args ...any) (n int) {
	r.t.Helper()
	r.must(r.raw.QueryRowContext(r.t.Context(), query, args...).Scan(&n))
	return n
}

// measured tells whether the metrics have a line.
func (r *rig) measured(line string) bool {
	return strings.Contains(r.exposition(), line+"\n")
}

func (r *rig) exposition() string {
	w := httptest.NewRecorder()
	r.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// from is a request of an address.
func from(ctx context.Context, ip string) context.Context {
	return reqinfo.With(ctx, &reqinfo.Info{IP: ip})
}

// together calls do n times at once and returns what each call said.
func together(n int, do func(i int) error) []error {
	var (
		errs  = make([]error, n)
		start = make(chan struct{})
		all   sync.WaitGroup
	)
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}
