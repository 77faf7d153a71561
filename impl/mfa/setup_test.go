package mfa

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

// crowd stands for the accounts: what an app shows of them, and a list of what they were told, in the table of the real
// outbox: what is rolled back was not told.
type crowd struct{ issuer, account string }

func (c crowd) Label(context.Context, db.User) (issuer, account string, err error) {
	return c.issuer, c.account, nil
}

func (c crowd) Tell(ctx context.Context, q db.Queries, userpoolID, userID string, m message.Template) error {
	return q.Outbox().Insert(ctx, db.OutboxMessage{
		UserpoolID: userpoolID, ID: secret.ID(), Channel: "email", Template: string(m), MessageSealed: []byte(userID),
		CreatedAt: time.Now(), ExpiresAt: time.Now(),
	})
}

// rig is the service on a database with one user.
type rig struct {
	*Service
	t     *testing.T
	raw   *sql.DB
	clock *stopped
	user  authn.User  // of the session at work
	app   generator   // of the user's authenticator that was scanned last
	apps  []generator // all of them
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, clock: &stopped{time.Unix(1_777_000_020, 0)}} // the beginning of a time step
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
	r.Service = New(Settings{
		Algorithm: "SHA1", Digits: 6, Skew: 1, PendingTTL: 10 * time.Minute, BindAttempts: 5,
		Guessing: db.Guessing{Free: 5, Wait: 30 * time.Second, MaxWait: time.Hour, Disabled: 100},
	}, store, ring, r.clock, crowd{"Menshen", "alice"})
	r.must(store.Tenancy().InsertUserpool(t.Context(), db.Userpool{ID: "pool", CreatedAt: r.clock.now}))
	r.must(store.Tenancy().InsertApplication(t.Context(), db.Application{
		UserpoolID: "pool", ID: "app", SecretHash: []byte{1}, CreatedAt: r.clock.now,
	}))
	r.person("alice")
	r.signIn("web")
	return r
}

// boundRig is newRig with an authenticator bound, in the time step after the one that bound it.
func boundRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.scan()
	r.must(r.bind(r.code(), ""))
	r.advance(30 * time.Second)
	return r
}

// person makes a user.
func (r *rig) person(id string) {
	r.t.Helper()
	r.must(r.store.Accounts().InsertUser(r.t.Context(), db.User{
		UserpoolID: "pool", ID: id, Status: db.UserStatusActivated, CreatedAt: r.clock.now,
	}))
}

// signIn opens a session of alice, who has shown her password, and goes on in that.
func (r *rig) signIn(session string) {
	r.t.Helper()
	r.must(r.store.Sessions().Insert(r.t.Context(), db.Session{
		UserpoolID: "pool", ID: session, UserID: "alice", AppID: "app", AMR: []string{"pwd"}, CreatedAt: r.clock.now,
		AuthTime: r.clock.now, ExpiresAt: r.clock.now.Add(10000 * time.Hour),
	}))
	r.as(session)
}

// as goes on in a session, as it is by now.
func (r *rig) as(session string) {
	r.t.Helper()
	s, err := r.store.Sessions().Live(r.t.Context(), "pool", session, r.clock.now)
	r.must(err)
	r.user = authn.User{UserpoolID: "pool", ID: s.UserID, SessionID: s.ID, AppID: s.AppID, AuthTime: s.AuthTime, MFAAt: s.MFAAt}
}

// stepUp shows a code, after which the session may do more.
func (r *rig) stepUp(code string) {
	r.t.Helper()
	r.must(r.StepUp(r.t.Context(), r.user, code))
	r.as(r.user.SessionID)
}

// bind confirms what waits with a code.
func (r *rig) bind(code, claimed string) error {
	return r.Confirm(r.t.Context(), r.user, Confirmation{Code: code, Secret: claimed})
}

// another binds a further authenticator of a name, with the code of one that is bound, and returns its app. It takes two
// time steps.
func (r *rig) another(name string, first generator) generator {
	r.t.Helper()
	r.stepUp(r.codeBy(first, 0))
	r.scan()
	r.must(r.Confirm(r.t.Context(), r.user, Confirmation{Code: r.code(), Name: name}))
	r.advance(time.Minute)
	return r.app
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

func (r *rig) advance(d time.Duration) { r.clock.now = r.clock.now.Add(d) }

// scan puts the waiting secret into the user's app and returns it.
func (r *rig) scan() string {
	r.t.Helper()
	e, err := r.Enrol(r.t.Context(), r.user)
	r.must(err)
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.Secret)
	r.must(err)
	r.app = generator{seed, "SHA1", 6, 30}
	r.apps = append(r.apps, r.app)
	return e.Secret
}

// codeOf is what the app shows so many steps from now.
func (r *rig) codeOf(offset int64) string { return r.codeBy(r.app, offset) }

func (r *rig) code() string { return r.codeOf(0) }

// codeBy is what one of several apps shows.
func (r *rig) codeBy(app generator, offset int64) string {
	return independent(app, r.clock.now.Unix()/int64(app.period)+offset)
}

// wrong is a code that is good now in no window of any of the user's apps.
func (r *rig) wrong() string {
	right := map[string]bool{}
	for _, app := range r.apps {
		for offset := int64(-8); offset <= 8; offset++ {
			right[r.codeBy(app, offset)] = true
		}
	}
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%06d", n); !right[code] {
			return code
		}
	}
}

// verify signs in with a code: it is evaluated, and spent where the session would be opened.
func (r *rig) verify(code string) error {
	ctx := r.t.Context()
	_, use, err := r.Challenge(ctx, r.user.UserpoolID, r.user.ID, authn.Code{Text: code})
	if err != nil {
		return err
	}
	return use(ctx, nothing)
}

// nothing is an effect that is none.
func nothing(db.Queries) error { return nil }

// proved makes the session one that has signed in and shown a code so long ago; shown negative for never.
func (r *rig) proved(signedIn, shown time.Duration) {
	r.t.Helper()
	var mfaAt *time.Time
	if shown >= 0 {
		at := r.clock.now.Add(-shown)
		mfaAt = &at
	}
	r.execute("UPDATE sessions SET auth_time = $1, mfa_at = $2 WHERE id = $3", r.clock.now.Add(-signedIn), mfaAt, r.user.SessionID)
	r.as(r.user.SessionID)
}

// wantWait checks that a try is not evaluated, and when the next one will be.
func (r *rig) wantWait(code string, wait time.Duration) {
	r.t.Helper()
	err := r.verify(code)
	var refusal *apierr.Error
	if !errors.Is(err, ErrWait) || !errors.As(err, &refusal) || refusal.RetryAfter != wait {
		r.t.Errorf("%v: %v, want ErrWait and to come back after %v", r.clock.now, err, wait)
	}
}

// factors are the user's authenticators as they are stored, oldest first.
func (r *rig) factors() []db.Factor {
	r.t.Helper()
	list, err := r.store.MFA().FactorsOf(r.t.Context(), r.user.UserpoolID, r.user.ID)
	r.must(err)
	return list
}

// failures are what is charged at the moment to the user's oldest authenticator.
func (r *rig) failures() int {
	r.t.Helper()
	return r.factors()[0].Failures
}

// wantFailures checks what is charged to each, oldest first.
func (r *rig) wantFailures(what string, want ...int) {
	r.t.Helper()
	var got []int
	for _, f := range r.factors() {
		got = append(got, f.Failures)
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("%s: %d failures are charged, want %d", what, got, want)
	}
}

// wantTold checks all that alice was told, oldest first.
func (r *rig) wantTold(want ...string) {
	r.t.Helper()
	got := r.list("SELECT template || CASE WHEN message_sealed = 'alice' THEN '' ELSE ' of another' END FROM outbox ORDER BY created_at, id")
	if !slices.Equal(got, want) {
		r.t.Errorf("told %q, want %q", got, want)
	}
}

// list is the rows of a query around package db.
func (r *rig) list(query string, args ...any) (list []string) {
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

// execute runs a statement around package db.
func (r *rig) execute(statement string, args ...any) {
	r.t.Helper()
	_, err := r.raw.ExecContext(r.t.Context(), statement, args...)
	r.must(err)
}

// audited counts the events of the log about the user.
func (r *rig) audited(action, outcome string) (n int) {
	r.t.Helper()
	events, err := r.store.Audit().Of(r.t.Context(), r.user.UserpoolID, "user:"+r.user.ID, 1000)
	r.must(err)
	for _, e := range events {
		if e.Action == action && e.Outcome == outcome {
			n++
		}
	}
	return n
}
