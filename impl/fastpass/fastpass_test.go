package fastpass

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

var (
	errTooLarge    = &apierr.Error{Kind: apierr.Invalid, Code: "test.custom_data"}
	errApplication = &apierr.Error{Kind: apierr.NotFound, Code: "test.application"}
	errUnproved    = &apierr.Error{Kind: apierr.Forbidden, Code: "test.unproved"}
)

// accounts stands for the accounts, and remembers what it was asked for.
type accounts struct {
	mu       sync.Mutex
	opened   []authn.Grant
	merged   []string
	refused  []string
	told     []string
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

func (a *accounts) Open(_ context.Context, _ db.Queries, g authn.Grant) (authn.Tokens, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := g.Screened.For(g); !ok {
		return authn.Tokens{}, errUnscreened
	}
	a.opened = append(a.opened, g)
	return authn.Tokens{Access: "access", ExpiresIn: time.Minute}, a.refuse
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
	return nil
}

func (a *accounts) Userpool(_ context.Context, id string) (db.Userpool, error) {
	return db.Userpool{ID: id, Name: "Pool", Logo: "logo"}, nil
}

func (a *accounts) ApplicationOf(_ context.Context, userpoolID, id string) (db.Application, error) {
	if id != app.ID || userpoolID != app.UserpoolID {
		return db.Application{}, errApplication
	}
	return app, nil
}

func (a *accounts) Tell(_ context.Context, _ db.Queries, _, userID string, t message.Template) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, userID+" "+string(t))
	return nil
}

var (
	alice = authn.User{UserpoolID: "pool", ID: "alice", SessionID: "web", AppID: "web-app"}
	app   = db.Application{UserpoolID: "pool", ID: "phone-app"}
)

// rig is the service with alice, signed in on the web.
type rig struct {
	*Service
	t        *testing.T
	clock    *stopped
	accounts *accounts
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, clock: &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}, accounts: &accounts{}}
	store, ctx, now := dbtest.New(t), t.Context(), r.clock.now
	once.Do(func() {
		var err error
		ring, err = keyring.Open(ctx, store, r.clock, bytes.Repeat([]byte{7}, keyring.MasterKeySize))
		r.must(err)
	})
	r.must(store.Tenancy().InsertUserpool(ctx, db.Userpool{ID: "pool", CreatedAt: now}))
	r.must(store.Accounts().InsertUser(ctx, db.User{UserpoolID: "pool", ID: "alice", Status: db.UserStatusActivated, CreatedAt: now}))
	r.must(store.Sessions().Insert(ctx, db.Session{
		UserpoolID: "pool", ID: "web", UserID: "alice", AMR: []string{"pwd", "otp", "mfa"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}))
	r.Service = New(Settings{TTL: time.Minute}, store, ring, r.clock, limit.New(store, r.clock), r.accounts)
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

// code makes a fastpass.
func (r *rig) code(w Wish) string {
	r.t.Helper()
	created, err := r.Create(r.t.Context(), alice, w)
	r.must(err)
	return created.Code
}

// redeem uses a fastpass for an application.
func (r *rig) redeem(by db.Application, code string) error {
	_, err := r.Redeem(r.t.Context(), by.UserpoolID, by.ID, code)
	return err
}

// TestRedeem (Q7): a fastpass is good once, for 60 seconds, in its userpool; every refusal is the same. The phone's
// session is alice's, with what the page wished for and the assurance of the web session.
func TestRedeem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.code(Wish{Scope: "openid", CustomData: json.RawMessage(`{"k": "v"}`)})
	for name, try := range map[string]struct {
		by   db.Application
		code string
	}{
		"unknown":               {app, "none"},
		"nothing":               {app, ""},
		"in another userpool":   {db.Application{UserpoolID: "other", ID: "phone-app"}, code},
		"application elsewhere": {db.Application{UserpoolID: "pool", ID: "other-app"}, code},
	} {
		if err := r.redeem(try.by, try.code); err != error(ErrNotRedeemable) {
			t.Errorf("%s: %v, want ErrNotRedeemable as it is", name, err)
		}
	}
	if len(r.accounts.opened)+len(r.accounts.merged) != 0 {
		t.Errorf("refusals did %+v, %q", r.accounts.opened, r.accounts.merged)
	}
	r.want("redeem", r.redeem(app, code), nil)
	r.want("redeem again", r.redeem(app, code), ErrNotRedeemable)
	g := r.accounts.opened[0]
	if g.UserpoolID != "pool" || g.UserID != "alice" || g.AppID != "phone-app" || g.Scope != "openid" || g.SessionID != "" || g.VouchedBy != "web" {
		t.Errorf("opened %+v", g)
	}
	if len(r.accounts.merged) != 1 || r.accounts.merged[0] != `{"k": "v"}` {
		t.Errorf("merged %q", r.accounts.merged)
	}
	if len(r.accounts.told) != 1 || r.accounts.told[0] != "alice fastpass_used" {
		t.Errorf("told %q", r.accounts.told)
	}
}

// TestFastpassEnds (Q7): after 60 seconds, and at once when the page signs out.
func TestFastpassEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	early, late := r.code(Wish{}), r.code(Wish{})
	r.clock.now = r.clock.now.Add(time.Minute - time.Microsecond)
	r.want("at the last moment", r.redeem(app, early), nil)
	r.clock.now = r.clock.now.Add(time.Microsecond)
	r.want("after it", r.redeem(app, late), ErrNotRedeemable)
	code := r.code(Wish{})
	_, err := r.store.Sessions().Revoke(t.Context(), "pool", "web", r.clock.now)
	r.must(err)
	r.want("after the page has signed out", r.redeem(app, code), ErrNotRedeemable)
}

// TestRedeemFailsAsAWhole (design 6): when no session can be opened, the fastpass is not used up.
func TestRedeemFailsAsAWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.code(Wish{})
	r.accounts.refuse = errors.New("no session today")
	r.want("while no session can be opened", r.redeem(app, code), r.accounts.refuse)
	r.accounts.refuse = nil
	r.want("after that", r.redeem(app, code), nil)
}

// TestParallelRedeems (Q7): one fastpass, 64 phones at once: one session.
func TestParallelRedeems(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.code(Wish{})
	var (
		all   sync.WaitGroup
		errs  [64]error
		start = make(chan struct{})
	)
	for i := range errs {
		all.Go(func() {
			<-start
			errs[i] = r.redeem(app, code)
		})
	}
	close(start)
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			r.want("a loser", err, ErrNotRedeemable)
		}
	}
	if won != 1 || len(r.accounts.opened) != 1 {
		t.Errorf("%d phones won and %d sessions were opened, want 1 and 1", won, len(r.accounts.opened))
	}
}

// TestCreateIsBounded (Q1, Q8): 192 random bits a fastpass, so many a minute for one user, and custom data and context of
// a bounded size; nothing of it is in the database in plain text.
func TestCreateIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := func(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`) }
	_, err := r.Create(t.Context(), alice, Wish{CustomData: text(21)})
	r.want("large custom data", err, errTooLarge)
	_, err = r.Create(t.Context(), alice, Wish{Context: text(4097)})
	r.want("large context", err, ErrContext)
	_, err = r.Create(t.Context(), alice, Wish{Context: json.RawMessage(`{"k":` + string(text(4096-6)) + `}`)})
	r.want("a context of 4 KiB", err, nil)

	r.PerUser = limit.Rule{Name: "fastpass", Max: 2, Per: time.Minute}
	first, second := r.code(Wish{}), r.code(Wish{})
	if len(first) != 32 || first == second {
		t.Errorf("codes %q and %q", first, second)
	}
	_, err = r.Create(t.Context(), alice, Wish{})
	r.want("a third in a minute", err, apierr.ErrRateLimited)
	if hash := r.hash(first); len(hash) != 32 || bytes.Contains(hash, []byte(first)) || bytes.Equal(hash, r.hash(second)) {
		t.Errorf("%q is stored as %x", first, hash)
	}
}

// TestUnprovedSessionOpensNoOther: a session of before its user bound an authenticator makes no fastpass until it has shown a
// code.
func TestUnprovedSessionOpensNoOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accounts.unproved = alice.SessionID
	created, err := r.Create(t.Context(), alice, Wish{})
	r.want("before a code", err, errUnproved)
	if created.Code != "" {
		t.Errorf("a fastpass: %+v", created)
	}
	r.accounts.unproved = ""
	_, err = r.Create(t.Context(), alice, Wish{})
	r.want("after it", err, nil)
}

// TestOperations (Q7): the picture's content names where to go, for whom and which application, and holds no token; only
// a signed-in user gets it.
func TestOperations(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api := NewAPI(r.Service, "https://id.example.com")
	_, err := api.CreateFastpass(t.Context(), gen.CreateFastpassRequestObject{})
	r.want("create, anonymous", err, authn.ErrUnauthenticated)

	answer, err := api.CreateFastpass(authn.With(t.Context(), authn.Principal{User: &alice}), gen.CreateFastpassRequestObject{})
	r.must(err)
	made := *answer.(gen.CreateFastpass200JSONResponse).Data
	want := gen.GeneFastpassQRCodeInfoDto{
		Scene: "FASTPASS", QrcodeID: made.QrcodeID, APIHost: "https://id.example.com", AppID: "web-app",
		User:     gen.FastpassUserInfoDto{ID: "alice", DisplayName: "Alice", Photo: "photo"},
		Userpool: gen.FastpassUserInfoDto{ID: "pool", DisplayName: "Pool", Photo: "logo"},
	}
	if made != want {
		t.Errorf("made %+v, want %+v", made, want)
	}
	redeemed, err := api.RedeemFastpass(t.Context(), gen.RedeemFastpassRequestObject{
		Params: gen.RedeemFastpassParams{XAuthingAppID: &app.ID}, Body: &gen.RedeemFastpassJSONRequestBody{QrcodeID: made.QrcodeID},
	})
	r.must(err)
	if data := redeemed.(gen.RedeemFastpass200JSONResponse).Data; data == nil || data.AccessToken == nil || *data.AccessToken != "access" {
		t.Errorf("redeemed %+v", redeemed)
	}
}

// TestRedeemAsksTheHooks: of the application that the phone signs in to, with the context as the page sent it, and only about
// a fastpass that could be redeemed. One that they refuse is not used up.
func TestRedeemAsksTheHooks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const sent = `{ "b":1.0, "a":"\u00e9" }`
	code := r.code(Wish{Context: json.RawMessage(sent)})
	r.accounts.deny = errUnproved
	r.want("unknown", r.redeem(app, "none"), ErrNotRedeemable)
	r.want("of another userpool", r.redeem(db.Application{UserpoolID: "other", ID: "phone-app"}, code), ErrNotRedeemable)
	if len(r.accounts.asked) != 0 {
		t.Errorf("asked %+v", r.accounts.asked)
	}
	r.want("refused", r.redeem(app, code), errUnproved)
	r.accounts.deny = nil
	r.want("let pass", r.redeem(app, code), nil)
	r.want("used", r.redeem(app, code), ErrNotRedeemable)
	if len(r.accounts.asked) != 2 {
		t.Fatalf("asked %+v", r.accounts.asked)
	}
	for _, a := range r.accounts.asked {
		if a.UserpoolID != "pool" || a.AppID != "phone-app" || a.UserID != "alice" || a.Method != authn.MethodFastpass || string(a.Context) != sent {
			t.Errorf("asked about %+v", a)
		}
	}
}
