package app

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/otpauth"
	"github.com/menshen-auth/menshen/impl/mfa"
	"github.com/menshen-auth/menshen/impl/otp/transfer"
)

// town is a service whose userpool has users with authenticators.
type town struct {
	*App
	t       *testing.T
	pool    string
	url     string
	secrets byte
}

func newTown(t *testing.T) *town {
	t.Helper()
	url, dir := dbtest.URL(t), t.TempDir()
	a := replica(t, url)
	bootstrap(t, a, dir, false)
	return &town{App: a, t: t, pool: kept(t, dir).UserpoolID, url: url}
}

// user makes a user with so many authenticators, and returns the id.
func (o *town) user(n account.NewUser, authenticators ...string) string {
	o.t.Helper()
	u, err := o.accounts.CreateUser(o.t.Context(), o.pool, "key", n)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, name := range authenticators {
		o.bind(u.ID, name)
	}
	return u.ID
}

func (o *town) bind(userID, name string) {
	o.t.Helper()
	wanted := mfa.Imported{Key: o.key(), Name: name, Beside: true}
	err := o.Store.InTx(o.t.Context(), func(q db.Queries) error {
		_, err := o.factors.ImportKey(o.t.Context(), q, o.pool, userID, audit.Operator, wanted)
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// key is unlike every other.
func (o *town) key() otpauth.Key {
	o.secrets++
	return otpauth.Key{Secret: bytes.Repeat([]byte{o.secrets}, 20), Algorithm: "SHA1", Digits: 6, Period: 30}
}

func (o *town) execute(query string, args ...any) {
	o.t.Helper()
	conn, err := sql.Open("postgres", o.url)
	if err != nil {
		o.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(o.t.Context(), query, args...); err != nil {
		o.t.Fatal(err)
	}
}

// has tells how many authenticators a user has.
func (o *town) has(userID string) int {
	o.t.Helper()
	factors, err := o.Store.MFA().FactorsOf(o.t.Context(), o.pool, userID)
	if err != nil {
		o.t.Fatal(err)
	}
	return len(factors)
}

// records is a file of so many authenticators of each user.
func (o *town) records(counts ...any) (g gathered) {
	for i := 0; i < len(counts); i += 2 {
		for range counts[i+1].(int) {
			g.records = append(g.records, transfer.Record{User: counts[i].(string), Key: o.key()})
		}
	}
	return g
}

func byName() whose { return whose{By: account.ByUsername} }

// writer calls a function for what is written.
type writer func([]byte)

func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}

// TestPersonIsNoTrick: who is asked whether this is the user sees all names, and none of them plays with the terminal.
func TestPersonIsNoTrick(t *testing.T) {
	t.Parallel()
	name, external := "alice", "\x1b[2Jroot"
	if got := person(db.User{ID: "7", Username: &name, ExternalID: &external}); got != `"alice", "\x1b[2Jroot", id 7` {
		t.Error(got)
	}
}

// TestInterrupted: a command that is interrupted has failed, in whichever form that comes; one that ends only by being stopped
// has not.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	gone := fmt.Errorf("%w: SQLSTATE 57014", db.ErrUnavailable)
	for _, test := range []struct {
		ctx  context.Context
		err  error
		want string
	}{
		{ended, nil, ""},
		{ended, fmt.Errorf("read: %w", context.Canceled), "interrupted"},
		{ended, gone, "interrupted"},
		{ended, errInterrupted, errInterrupted.Error()},
		{t.Context(), gone, gone.Error()},
	} {
		if got := told(test.ctx, test.err); test.want == "" && got != nil || test.want != "" && got.Error() != test.want {
			t.Errorf("%v: %v, want %q", test.err, got, test.want)
		}
	}
	if unlessStopped(context.Canceled) != nil || unlessStopped(gone) == nil {
		t.Error("what is stopped has failed, or what has failed was stopped")
	}
}

// besides makes c the configuration of commands; the test must not run beside others.
func besides(t *testing.T, c Config) {
	t.Helper()
	t.Setenv("MENSHEN_DATABASE_URL", c.DatabaseURL)
	t.Setenv("MENSHEN_MASTER_KEY", c.MasterKey)
	t.Setenv("MENSHEN_PUBLIC_URL", c.PublicURL)
	t.Setenv("MENSHEN_DATA_DIR", c.DataDir)
}

// TestCommandsMakeNoKeys: on a database that the service has never run on, or with another master key than its own, a command
// says so, and leaves no keys that would lock the service out.
func TestCommandsMakeNoKeys(t *testing.T) {
	c := own(t)
	besides(t, c)
	run := func(*App) error { return errors.New("it ran") }
	if err := withApp(t.Context(), run); !errors.Is(err, keyring.ErrNoKeys) {
		t.Errorf("without keys: %v", err)
	}
	store, err := db.Open(t.Context(), c.DatabaseURL, db.Options{MaxConns: keysConns})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if keys, err := store.Keyring().All(t.Context()); err != nil || len(keys) > 0 {
		t.Errorf("%d keys were made, %v", len(keys), err)
	}
	replica(t, c.DatabaseURL) // with another master key
	if err := withApp(t.Context(), run); !errors.Is(err, keyring.ErrMasterKey) {
		t.Errorf("with another master key: %v", err)
	}
}

// TestCommandTakesUpANewKey (T10): when the sealing key is replaced while a command runs, what it seals from then on is sealed
// with the new one.
func TestCommandTakesUpANewKey(t *testing.T) {
	c := own(t)
	besides(t, c)
	masterKey, err := decodeMasterKey(c.MasterKey)
	if err != nil {
		t.Fatal(err)
	}
	store, err := db.Open(t.Context(), c.DatabaseURL, db.Options{MaxConns: keysConns})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	service, err := keyring.Open(t.Context(), store, replica(t, dbtest.URL(t)).Clock, masterKey)
	if err != nil {
		t.Fatal(err)
	}
	err = withApp(t.Context(), func(a *App) error {
		header := func() string { return string(a.ring.Seal(nil)[:13]) } // version and key
		before := header()
		if _, err := service.Rotate(t.Context(), keyring.Rotation{Settle: time.Millisecond}); err != nil {
			return err
		}
		for began := time.Now(); header() == before; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > 2*time.Minute {
				return errors.New("it goes on with the old key")
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
