package qrlogin

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

var (
	errConnection = &apierr.Error{Kind: apierr.Unprocessable, Code: "test.connection"}
	errTooLarge   = &apierr.Error{Kind: apierr.Invalid, Code: "test.custom_data"}
	errUnproved   = &apierr.Error{Kind: apierr.Forbidden, Code: "test.unproved"}
)

// accounts stands for the accounts: sessions are rows, and everything else is remembered.
type accounts struct {
	clock    *stopped
	mu       sync.Mutex
	store    *db.DB
	opened   []authn.Grant
	entered  []authn.Entry
	looked   []string
	merged   []string
	refused  []string
	asked    []authn.Attempt
	deny     error  // of Screen
	refuse   error  // of Open
	unproved string // session that has proved too little
}

func (a *accounts) Screen(ctx context.Context, attempt authn.Attempt) (authn.Screened, error) {
	return authn.Screen(ctx, attempt, func(context.Context, authn.Attempt) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		attempt.ID = ""
		a.asked = append(a.asked, attempt)
		return a.deny
	})
}

var errUnscreened = errors.New("not screened, or for somebody else")

func (a *accounts) Open(ctx context.Context, q db.Queries, g authn.Grant) (authn.Tokens, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refuse != nil {
		return authn.Tokens{}, a.refuse
	}
	if _, ok := g.Screened.For(g); !ok {
		return authn.Tokens{}, errUnscreened
	}
	a.opened = append(a.opened, g)
	return authn.Tokens{SessionID: g.SessionID, Access: "access"}, q.Sessions().Insert(ctx, session(g.UserpoolID, g.SessionID, g.UserID, a.clock.now))
}

func (a *accounts) Enter(ctx context.Context, e authn.Entry, spend func(context.Context, db.Queries) error) (authn.Tokens, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refuse != nil {
		return authn.Tokens{}, a.refuse
	}
	err := a.store.InTx(ctx, func(q db.Queries) error { return spend(ctx, q) })
	if err != nil {
		return authn.Tokens{}, err
	}
	a.entered = append(a.entered, e)
	return authn.Tokens{SessionID: e.SessionID, Access: "access"},
		a.store.Sessions().Insert(ctx, session(e.UserpoolID, e.SessionID, e.UserID, a.clock.now))
}

// UserOfIdentity finds alice for everybody, and notes who was looked for.
func (a *accounts) UserOfIdentity(_ context.Context, _ db.Queries, _ string, id authn.Identity, create bool) (string, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looked = append(a.looked, fmt.Sprint(id.ExtIdpID, " ", id.UserIDInIdp, " ", create))
	return "alice", false, nil
}

func (a *accounts) Revoke(ctx context.Context, q db.Queries, userpoolID, sessionID string) (ended bool, err error) {
	return q.Sessions().Revoke(ctx, userpoolID, sessionID, a.clock.now)
}

func (a *accounts) Vouches(_ context.Context, _ db.Queries, u authn.User) error {
	if u.SessionID == a.unproved {
		return errUnproved
	}
	return nil
}

func (a *accounts) Refused(_ context.Context, _, userID string, err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = append(a.refused, userID)
	return err
}

func (a *accounts) Brief(_ context.Context, _, userID string) (authn.Brief, error) {
	return authn.Brief{ID: userID, DisplayName: "Alice", Photo: "photo"}, nil
}

func (a *accounts) CheckCustomData(data json.RawMessage) error {
	if len(data) > 20 {
		return errTooLarge
	}
	return nil
}

func (a *accounts) MergeCustomData(_ context.Context, _ db.Queries, _, _ string, data json.RawMessage) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.merged = append(a.merged, string(data))
	return a.CheckCustomData(data)
}

// codes stands for WeChat: it knows connections, and remembers what it was asked for.
type codes struct {
	known map[string]db.Connection // by type
	asked []string
	fail  error
}

func (c *codes) Connection(_ context.Context, _ db.Application, qrType, id string) (db.Connection, error) {
	connection, ok := c.known[qrType]
	if !ok || id != "" && id != connection.ID {
		return connection, errConnection
	}
	return connection, nil
}

func (c *codes) Code(_ context.Context, connection db.Connection, scene string, ttl time.Duration, merge bool) (wechatid.Code, error) {
	c.asked = append(c.asked, fmt.Sprint(connection.ID, " ", scene, " ", ttl, " ", merge))
	if connection.Type == db.QRWechatMiniprogram {
		return wechatid.Code{Picture: []byte("PNG")}, c.fail
	}
	return wechatid.Code{Content: "http://weixin.qq.com/q/02kVq"}, c.fail
}

func session(pool, id, userID string, now time.Time) db.Session {
	return db.Session{UserpoolID: pool, ID: id, UserID: userID, AMR: []string{"pwd", "otp", "mfa"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
}

// rig is the service with alice's phone, a second session of hers, and a user of another userpool.
type rig struct {
	*Service
	t                      *testing.T
	raw                    *sql.DB // for what there is no statement for
	clock                  *stopped
	accounts               *accounts
	codes                  *codes
	app                    db.Application
	phone, second, foreign authn.User
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	c := &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	r := &rig{
		t: t, clock: c, accounts: &accounts{clock: c}, app: db.Application{UserpoolID: "pool", ID: "app", Name: "Bank", SecretHash: []byte("hash"), ApplicationSettings: db.ApplicationSettings{QRTypes: db.QRTypes}},
		phone:   authn.User{UserpoolID: "pool", ID: "alice", SessionID: "phone"},
		second:  authn.User{UserpoolID: "pool", ID: "alice", SessionID: "second"},
		foreign: authn.User{UserpoolID: "other", ID: "mallory", SessionID: "foreign"},
	}
	address, ctx := dbtest.URL(t), t.Context()
	store, err := db.Open(ctx, address, db.Options{})
	r.must(err)
	t.Cleanup(func() { r.must(store.Close()) })
	r.raw, err = sql.Open("postgres", address)
	r.must(err)
	t.Cleanup(func() { r.must(r.raw.Close()) })
	once.Do(func() {
		var err error
		ring, err = keyring.Open(ctx, store, c, bytes.Repeat([]byte{7}, keyring.MasterKeySize))
		r.must(err)
	})
	for _, u := range []authn.User{r.phone, r.foreign} {
		r.must(store.Tenancy().InsertUserpool(ctx, db.Userpool{ID: u.UserpoolID, CreatedAt: c.now}))
		r.must(store.Accounts().InsertUser(ctx, db.User{UserpoolID: u.UserpoolID, ID: u.ID, Status: db.UserStatusActivated, CreatedAt: c.now}))
	}
	r.must(store.Tenancy().InsertApplication(ctx, r.app))
	for _, u := range []authn.User{r.phone, r.second, r.foreign} {
		r.must(store.Sessions().Insert(ctx, session(u.UserpoolID, u.SessionID, u.ID, c.now)))
	}
	r.accounts.store = store
	r.codes = &codes{known: map[string]db.Connection{}}
	settings := Settings{PublicURL: "https://id.example.com", QRTTL: 120 * time.Second, TicketTTL: 60 * time.Second}
	r.Service = New(settings, store, ring, c, limit.New(store, c), r.accounts, r.codes)
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

// Scan is the service's, for who does not care about its answer.
func (r *rig) Scan(ctx context.Context, u authn.User, id string) error {
	_, err := r.Service.Scan(ctx, u, id)
	return err
}

// Confirm is the service's, without number matching.
func (r *rig) Confirm(ctx context.Context, u authn.User, id string) error {
	return r.Service.Confirm(ctx, u, id, 0)
}

// Picture is the service's, of no size in particular.
func (r *rig) Picture(ctx context.Context, scanID string) ([]byte, time.Duration, error) {
	return r.Service.Picture(ctx, scanID, 0)
}

func (r *rig) advance(d time.Duration) { r.clock.now = r.clock.now.Add(d) }

// create makes a QR code and returns its two ids.
func (r *rig) create() (scanID, pollID string) {
	r.t.Helper()
	ctx := reqinfo.With(r.t.Context(), &reqinfo.Info{IP: "192.0.2.1"})
	created, err := r.Create(ctx, r.app, Asked{Type: db.QRMobileApp, CustomData: json.RawMessage(`{"k": "v"}`)})
	r.must(err)
	u, err := url.Parse(created.URL)
	r.must(err)
	return u.Query().Get("id"), created.PollID
}

// authorized is create, scanned and confirmed by alice's phone.
func (r *rig) authorized() (scanID, pollID, ticket string) {
	r.t.Helper()
	scanID, pollID = r.create()
	r.must(r.Scan(r.t.Context(), r.phone, scanID))
	r.must(r.Confirm(r.t.Context(), r.phone, scanID))
	return scanID, pollID, r.status(pollID).Ticket
}

func (r *rig) status(pollID string) Status {
	r.t.Helper()
	status, err := r.Status(r.t.Context(), pollID)
	r.must(err)
	return status
}

// exchange uses a ticket for the application app.
func (r *rig) exchange(ticket string) (authn.Tokens, error) {
	return r.Exchange(r.t.Context(), authn.Application{UserpoolID: "pool", ID: "app"}, ticket)
}

// lives tells whether a session does.
func (r *rig) lives(sessionID string) bool {
	_, err := r.store.Sessions().Live(r.t.Context(), "pool", sessionID, r.clock.now)
	return err == nil
}
