package account

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

// factors stands for the second factor: a user has one if it is the row of the authenticator that the test made with
// rig.bind. Its right codes are "123456" and the long recovery code; to spend one is to write it down, in the transaction,
// which can be done once.
type factors struct {
	refuse, refuseSpend error
	meanwhile           func() // happens between what was proved and the transaction that opens a session
	store               *db.DB
	challenged          atomic.Int32
	imports             []string
	refuseImport        error
}

// Codes of the fake authenticator, and its refusals; the real ones have their own.
const (
	factorCode   = "123456"
	recoveryCode = "e7ad-aaa4-da75-fa37-57d1-5141"
)

var (
	errFactor     = &apierr.Error{Kind: apierr.Forbidden, Code: "test.factor"}
	errFactorUsed = &apierr.Error{Kind: apierr.Forbidden, Code: "test.factor_used"}
)

// happen lets it happen, once.
func (f *factors) happen() {
	if what := f.meanwhile; what != nil {
		f.meanwhile = nil
		what()
	}
}

func (f *factors) Bound(ctx context.Context, q db.Queries, userpoolID, userID string) (bool, error) {
	if q == f.store.Queries { // of no transaction
		defer f.happen()
	}
	return q.MFA().HasFactor(ctx, userpoolID, userID)
}

func (f *factors) Challenge(_ context.Context, userpoolID, userID string, code authn.Code) ([]string, func(context.Context, func(db.Queries) error) error, error) {
	f.challenged.Add(1)
	f.happen()
	if f.refuse != nil {
		return nil, nil, f.refuse
	}
	if code.Text != factorCode && code.Text != recoveryCode || code.Kind == authn.RecoveryCode && code.Text != recoveryCode {
		return nil, nil, errFactor
	}
	use := func(ctx context.Context, effect func(db.Queries) error) error {
		return f.store.InTx(ctx, func(q db.Queries) error {
			if f.refuseSpend != nil {
				return f.refuseSpend
			}
			if err := q.Accounts().Hold(ctx, userpoolID, userID); err != nil {
				return err
			}
			err := q.Tenancy().UseNonce(ctx, userpoolID, "factor of "+userID, code.Text, time.Now().Add(time.Hour))
			if errors.Is(err, db.ErrNotFound) {
				return errFactorUsed
			}
			if err != nil {
				return err
			}
			return effect(q)
		})
	}
	return []string{"otp", "mfa"}, use, nil
}

func (f *factors) Import(_ context.Context, _ db.Queries, userpoolID, userID, actor, otp, recovery string) (bool, error) {
	f.imports = append(f.imports, strings.Join([]string{userpoolID, userID, actor, otp, recovery}, " "))
	return f.refuseImport == nil, f.refuseImport
}

// What the fake captchas say; the real ones have refusals of their own.
var (
	errCode        = &apierr.Error{Kind: apierr.Forbidden, Code: "test.code"}
	errImageNeeded = &apierr.Error{Kind: apierr.Forbidden, Code: "test.image_needed"}
)

// captchas stands for verification codes. A code is a row that the test made with rig.code; to spend it is to delete that
// row, in the transaction. Of images, the one named as its use is right with the answer "right".
type captchas struct {
	raw     *sql.DB
	checked atomic.Int32 // codes that were evaluated
}

func (c *captchas) CheckImage(_ context.Context, _, use, id, answer string) error {
	switch {
	case id == "" && answer == "":
		return errImageNeeded
	case id != use || answer != "right":
		return errCode
	}
	return nil
}

func (c *captchas) CheckSent(ctx context.Context, userpoolID string, ch message.Channel, use, account, id, answer string) (func(context.Context, db.Queries) error, error) {
	c.checked.Add(1)
	const query = `
		SELECT count(*) FROM captchas WHERE userpool_id = $1 AND type = $2 AND use = $3 AND lower(account) = lower($4) AND id = $5`
	var n int
	if err := c.raw.QueryRowContext(ctx, query, userpoolID, string(ch), use, account, id).Scan(&n); err != nil {
		return nil, err
	}
	if n != 1 || answer != "123456" {
		return nil, errCode
	}
	return func(ctx context.Context, q db.Queries) error {
		if _, err := q.Captchas().Consume(ctx, userpoolID, id); err != nil {
			return errCode
		}
		return nil
	}, nil
}

// notices keeps messages as they are, in the table of the real outbox: what is rolled back was not posted.
type notices struct{ absent bool }

func (n *notices) Ready(c message.Channel) bool { return !n.absent && c == message.Email }

func (n *notices) Post(ctx context.Context, q db.Queries, m message.Message) error {
	plain, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return q.Outbox().Insert(ctx, db.OutboxMessage{
		UserpoolID: m.UserpoolID, ID: secret.ID(), Channel: string(m.Channel), Template: string(m.Template), MessageSealed: plain,
		CreatedAt: time.Now(), ExpiresAt: m.ExpiresAt,
	})
}

// hooks stands for those of the applications, and remembers what it was asked and told. What is rolled back it was not told:
// the transaction that it tells about commits after it.
type hooks struct {
	mu    sync.Mutex
	asked []authn.Attempt
	told  []authn.Attempt
	deny  error
	fail  error // of After
}

func (h *hooks) Before(_ context.Context, a authn.Attempt) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, a)
	return h.deny
}

func (h *hooks) After(_ context.Context, _ db.Queries, a authn.Attempt, _ authn.Opened) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail == nil {
		h.told = append(h.told, a)
	}
	return h.fail
}

// screened is the grant, as if the hooks had let it pass.
func screened(g authn.Grant) authn.Grant {
	g.Screened = authn.Resume(authn.Attempt{ID: "attempt", UserpoolID: g.UserpoolID, AppID: g.AppID, UserID: g.UserID})
	return g
}

const (
	password = "correct horse battery staple"
	issuer   = "https://id.example.com/oidc"
)

// rig is the service on a database with two userpools, pool (the default one) and other. Both have an application, app
// and other-app, and an access key, key and other-key, each with its id and "-secret" as secret.
type rig struct {
	*Service
	t       *testing.T
	raw     *sql.DB
	clock   *stopped
	codes   *captchas
	notices *notices
	factors *factors
	hooks   *hooks
	app     db.Application
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, clock: &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}, factors: &factors{}, notices: &notices{}, hooks: &hooks{}}
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
	r.codes, r.factors.store = &captchas{raw: r.raw}, store
	r.Service = New(Settings{
		Issuer: issuer, AccessTTL: 15 * time.Minute, SessionTTL: 720 * time.Hour, ManagementTTL: 2 * time.Hour,
		SignInTTL: 5 * time.Minute, RefreshGrace: 10 * time.Second, SignatureSkew: 5 * time.Minute, Region: "CN", ParallelHash: 4, HashPatience: time.Minute,
	}, store, ring, r.clock, limit.New(store, r.clock), r.codes, r.factors, r.notices, r.hooks)
	r.app = r.tenant("pool", "app", "key", true)
	r.tenant("other", "other-app", "other-key", false)
	return r
}

func (r *rig) tenant(pool, appID, keyID string, isDefault bool) db.Application {
	r.t.Helper()
	ctx, t, now := r.t.Context(), r.store.Tenancy(), r.clock.now
	app := db.Application{
		UserpoolID: pool, ID: appID, SecretHash: credential.ApplicationSecretHash(r.ring, appID, appID+"-secret"), IsDefault: true, CreatedAt: now,
	}
	r.must(t.InsertUserpool(ctx, db.Userpool{ID: pool, Name: "Pool " + pool, IsDefault: isDefault, CreatedAt: now}))
	r.must(t.InsertApplication(ctx, app))
	r.must(t.InsertAccessKey(ctx, db.AccessKey{
		UserpoolID: pool, ID: keyID, Scopes: []string{authn.ScopeUserRead}, CreatedAt: now,
		SecretSealed: r.ring.Seal([]byte(keyID+"-secret"), credential.AccessKeyAAD(pool, keyID)...),
	}))
	return app
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

// execute runs a statement around package db.
func (r *rig) execute(statement string, args ...any) {
	r.t.Helper()
	_, err := r.raw.ExecContext(r.t.Context(), statement, args...)
	r.must(err)
}

func (r *rig) advance(d time.Duration) { r.clock.now = r.clock.now.Add(d) }

// user makes a user with everything that names one.
func (r *rig) user(name string) db.User {
	r.t.Helper()
	u, err := r.CreateUser(r.t.Context(), "pool", "key", NewUser{
		Username: name, Email: name + "@example.com", Password: password, ExternalID: name + "-ext",
		Identities: []db.Identity{{ExtIdpID: "idp", Provider: "wechat", UserIDInIdp: name + ":1"}},
	})
	r.must(err)
	return u
}

// caller is a user who has just signed in.
func (r *rig) caller(u db.User) authn.User {
	r.t.Helper()
	var tokens authn.Tokens
	r.must(r.store.InTx(r.t.Context(), func(q db.Queries) (err error) {
		tokens, err = r.Open(r.t.Context(), q, screened(authn.Grant{UserpoolID: u.UserpoolID, UserID: u.ID, AppID: "app", AMR: []string{"pwd"}}))
		return err
	}))
	return authn.User{UserpoolID: u.UserpoolID, ID: u.ID, SessionID: tokens.SessionID, AppID: "app", AuthTime: r.clock.now}
}

// bind gives a user an authenticator, whose codes are those of the fake.
func (r *rig) bind(u db.User) {
	r.t.Helper()
	r.must(r.store.MFA().InsertFactor(r.t.Context(), db.Factor{
		UserpoolID: u.UserpoolID, ID: secret.ID(), UserID: u.ID, Name: secret.ID(), SecretSealed: []byte{1}, Algorithm: "SHA1",
		Digits: 6, Period: 30, CreatedAt: r.clock.now,
	}))
}

// signIn tries a password.
func (r *rig) signIn(typ IDType, account, password string) error {
	_, _, err := r.SignIn(from(r.t.Context(), "192.0.2.1"), r.app, Credentials{Type: typ, Account: account, Password: password}, Wish{})
	return err
}

// code is a code that was sent to an address for a use, as its owner repeats it. The address is compared without case.
func (r *rig) code(use string, c message.Channel, account string) Sent {
	r.t.Helper()
	return r.codeIn("pool", use, c, account)
}

func (r *rig) codeIn(pool, use string, c message.Channel, account string) Sent {
	r.t.Helper()
	id := secret.ID()
	r.must(r.store.Captchas().Insert(r.t.Context(), db.Captcha{
		UserpoolID: pool, ID: id, Type: string(c), Use: use, Account: account, AnswerHash: []byte{1}, CreatedAt: r.clock.now, ExpiresAt: r.clock.now,
	}))
	return Sent{c, account, Captcha{id, "123456"}}
}

// good tells whether a code is still there to be spent.
func (r *rig) good(c Sent) bool {
	r.t.Helper()
	return r.number("SELECT count(*) FROM captchas WHERE id = $1", c.ID) == 1
}

// number asks for one around package db.
func (r *rig) number(query string, args ...any) (n int) {
	r.t.Helper()
	r.must(r.raw.QueryRowContext(r.t.Context(), query, args...).Scan(&n))
	return n
}

// told are the messages that were posted, oldest first, each as "template to address".
func (r *rig) told() (list []string) {
	r.t.Helper()
	rows, err := r.raw.QueryContext(r.t.Context(), "SELECT convert_from(message_sealed, 'UTF8') FROM outbox ORDER BY created_at, id")
	r.must(err)
	defer rows.Close()
	for rows.Next() {
		var text string
		var m message.Message
		r.must(rows.Scan(&text))
		r.must(json.Unmarshal([]byte(text), &m))
		if m.UserpoolID != "pool" || m.Channel != message.Email || m.Code != "" || m.Decoy || m.ExpiresAt.Sub(r.clock.now) != 24*time.Hour {
			r.t.Errorf("posted %+v", m)
		}
		list = append(list, string(m.Template)+" to "+m.To)
	}
	r.must(rows.Err())
	return list
}

func (r *rig) wantTold(what string, want ...string) {
	r.t.Helper()
	if got := r.told(); !slices.Equal(got, want) {
		r.t.Errorf("%s: told %q, want %q", what, got, want)
	}
}

// wantAudit checks the newest line about a user ("" for one that could not be found).
func (r *rig) wantAudit(what, userID, want string) {
	r.t.Helper()
	target := "user:" + userID
	if userID == "" {
		target = "user:unknown"
	}
	events, err := r.store.Audit().Of(r.t.Context(), "pool", target, 1)
	r.must(err)
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprint(strings.Split(e.Actor, ":")[0], " ", e.Action, " ", e.Outcome))
	}
	if strings.Join(got, "") != want {
		r.t.Errorf("%s: the audit log of %s ends with %q, want %q", what, target, got, want)
	}
}

// reload is the user as it is now.
func (r *rig) reload(u db.User) db.User {
	r.t.Helper()
	u, err := r.Find(r.t.Context(), u.UserpoolID, ByID, u.ID)
	r.must(err)
	return u
}

// from is a request of an address.
func from(ctx context.Context, ip string) context.Context {
	return reqinfo.With(ctx, &reqinfo.Info{IP: ip, ID: "request", UserAgent: "test"})
}

// revoke ends a session of the pool.
func (r *rig) revoke(sessionID string) error {
	_, err := r.Revoke(r.t.Context(), r.store.Queries, "pool", sessionID)
	return err
}
