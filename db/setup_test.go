package db_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
)

// now is the time of every test: statements are told the time, so no test waits for it.
var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// What a furnished database holds.
const (
	poolID    = "pool"
	appID     = "app"
	userID    = "alice"
	sessionID = "alice-web"
)

// fixture is a database of one test, and a way around package db to look into it.
type fixture struct {
	*db.DB
	raw *sql.DB
	url string
	t   *testing.T
}

// empty opens a migrated database without rows.
func empty(t *testing.T, o db.Options) fixture {
	t.Helper()
	f := fixture{url: dbtest.URL(t), t: t}
	var err error
	if f.DB, err = db.Open(t.Context(), f.url, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	f.raw = connect(t, f.url)
	return f
}

func connect(t *testing.T, url string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

// furnished opens a database with a userpool, its application, a user, and a session of that user that ends in an hour.
func furnished(t *testing.T) fixture {
	t.Helper()
	f := empty(t, db.Options{MaxConns: 8})
	f.must(f.Tenancy().InsertUserpool(t.Context(), db.Userpool{ID: poolID, Name: "Pool", IsDefault: true, CreatedAt: now}))
	f.must(f.Tenancy().InsertApplication(t.Context(), db.Application{
		UserpoolID: poolID, ID: appID, Name: "App", SecretHash: []byte("hash"), IsDefault: true, CreatedAt: now,
	}))
	f.must(f.Accounts().InsertUser(t.Context(), newUser(userID)))
	f.must(f.Sessions().Insert(t.Context(), newSession(sessionID)))
	return f
}

func newUser(id string) db.User {
	return db.User{UserpoolID: poolID, ID: id, Status: db.UserStatusActivated, Source: "register", Gender: "U", CreatedAt: now}
}

func newSession(id string) db.Session {
	return db.Session{
		UserpoolID: poolID, ID: id, UserID: userID, AppID: appID, Scope: "openid", AMR: []string{"pwd"}, CreatedAt: now, AuthTime: now,
		ExpiresAt: now.Add(time.Hour),
	}
}

func (f fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// revoke ends a session.
func (f fixture) revoke(userpoolID, id string, at time.Time) (ended bool) {
	f.t.Helper()
	ended, err := f.Sessions().Revoke(f.t.Context(), userpoolID, id, at)
	f.must(err)
	return ended
}

// execute runs a statement around package db.
func (f fixture) execute(statement string, args ...any) {
	f.t.Helper()
	if _, err := f.raw.ExecContext(f.t.Context(), statement, args...); err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
}

// number asks for one around package db.
func (f fixture) number(query string, args ...any) (n int) {
	f.t.Helper()
	if err := f.raw.QueryRowContext(f.t.Context(), query, args...).Scan(&n); err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
	return n
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

// soon is a context that ends a test which would hang.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
