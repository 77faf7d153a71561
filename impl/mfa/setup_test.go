package mfa

import (
	"bytes"
	"context"
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
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

// names is what an app shows.
type names struct{ issuer, account string }

func (n names) Label(context.Context, string, string) (issuer, account string, err error) {
	return n.issuer, n.account, nil
}

// rig is the service on a database with one user.
type rig struct {
	*Service
	t     *testing.T
	clock *stopped
	user  authn.User
	app   generator // of the user's authenticator, after scan
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	// The beginning of a time step.
	r := &rig{t: t, clock: &stopped{time.Unix(1_777_000_020, 0)}, user: authn.User{UserpoolID: "pool", ID: "alice", SessionID: "web", AppID: "app"}}
	store := dbtest.New(t)
	once.Do(func() {
		var err error
		ring, err = keyring.Open(t.Context(), store, r.clock, bytes.Repeat([]byte{7}, keyring.MasterKeySize))
		r.must(err)
	})
	r.Service = New(Settings{
		Skew: 1, PendingTTL: 10 * time.Minute, BindAttempts: 5,
		Guessing: db.Guessing{Free: 5, Wait: 30 * time.Second, MaxWait: time.Hour, Disabled: 100},
	}, store, ring, r.clock, names{"Menshen", "alice"})
	r.must(store.Tenancy().InsertUserpool(t.Context(), db.Userpool{ID: "pool", CreatedAt: r.clock.now}))
	r.must(store.Accounts().InsertUser(t.Context(), db.User{
		UserpoolID: "pool", ID: "alice", Status: db.UserStatusActivated, CreatedAt: r.clock.now,
	}))
	return r
}

// boundRig is newRig with an authenticator bound, in the time step after the one that bound it.
func boundRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.scan()
	r.must(r.Bind(t.Context(), r.user, r.code(), ""))
	r.advance(30 * time.Second)
	return r
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
	return e.Secret
}

// codeOf is what the app shows so many steps from now.
func (r *rig) codeOf(offset int64) string { return independent(r.app, r.clock.now.Unix()/30+offset) }

func (r *rig) code() string { return r.codeOf(0) }

// wrong is a code that is good now in no window.
func (r *rig) wrong() string {
	for n := 0; ; n++ {
		code := fmt.Sprintf("%06d", n)
		if !slices.Contains([]string{r.codeOf(-2), r.codeOf(-1), r.codeOf(0), r.codeOf(1), r.codeOf(2)}, code) {
			return code
		}
	}
}

// verify signs in with a code: it is evaluated, and spent where the session would be opened.
func (r *rig) verify(code string) error {
	ctx := r.t.Context()
	_, spend, err := r.Challenge(ctx, r.user.UserpoolID, r.user.ID, code)
	if err != nil {
		return err
	}
	return r.store.InTx(ctx, func(q db.Queries) error { return spend(ctx, q) })
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

// failures are what is charged at the moment.
func (r *rig) failures() int {
	r.t.Helper()
	f, err := r.store.MFA().FactorOf(r.t.Context(), r.user.UserpoolID, r.user.ID)
	r.must(err)
	return f.Failures
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
