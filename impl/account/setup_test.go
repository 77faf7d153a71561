package account

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

// factors stands for the second factor: who has none passes, unless a test says otherwise.
type factors struct{ refuse, refuseSpend error }

func (f *factors) Challenge(context.Context, string, string, string) ([]string, func(context.Context, db.Queries) error, error) {
	return nil, func(context.Context, db.Queries) error { return f.refuseSpend }, f.refuse
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
	factors *factors
	app     db.Application
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, clock: &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}, factors: &factors{}}
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
		Issuer: issuer, AccessTTL: 15 * time.Minute, SessionTTL: 720 * time.Hour, ManagementTTL: 2 * time.Hour,
		RefreshGrace: 10 * time.Second, SignatureSkew: 5 * time.Minute, Region: "CN", ParallelHash: 4,
	}, store, ring, r.clock, limit.New(store, r.clock), nil, r.factors, nil)
	r.app = r.tenant("pool", "app", "key", true)
	r.tenant("other", "other-app", "other-key", false)
	return r
}

func (r *rig) tenant(pool, appID, keyID string, isDefault bool) db.Application {
	r.t.Helper()
	ctx, t, now := r.t.Context(), r.store.Tenancy(), r.clock.now
	app := db.Application{
		UserpoolID: pool, ID: appID, SecretHash: ApplicationSecretHash(r.ring, appID, appID+"-secret"), IsDefault: true, CreatedAt: now,
	}
	r.must(t.InsertUserpool(ctx, db.Userpool{ID: pool, Name: "Pool " + pool, IsDefault: isDefault, CreatedAt: now}))
	r.must(t.InsertApplication(ctx, app))
	r.must(t.InsertAccessKey(ctx, db.AccessKey{
		UserpoolID: pool, ID: keyID, Scopes: []string{authn.ScopeUserRead}, CreatedAt: now,
		SecretSealed: r.ring.Seal([]byte(keyID+"-secret"), AccessKeyAAD(pool, keyID)...),
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

// signIn tries a password.
func (r *rig) signIn(typ IDType, account, password string) error {
	_, _, err := r.SignIn(from(r.t.Context(), "192.0.2.1"), r.app, Credentials{Type: typ, Account: account, Password: password}, Wish{})
	return err
}

// from is a request of an address.
func from(ctx context.Context, ip string) context.Context {
	return reqinfo.With(ctx, &reqinfo.Info{IP: ip, ID: "request", UserAgent: "test"})
}
