package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/internal/clock"
)

// replica is the service on a database that may be shared.
func replica(t *testing.T, url string) *App {
	t.Helper()
	store, err := db.Open(t.Context(), url, db.Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	config, err := LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{
		Config: config, Store: store, MasterKey: bytes.Repeat([]byte{7}, 32), Clock: clock.System{},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// bootstrap runs Bootstrap, which must succeed.
func bootstrap(t *testing.T, a *App, dir string, demo bool) {
	t.Helper()
	if err := a.Bootstrap(t.Context(), dir, demo); err != nil {
		t.Fatal(err)
	}
}

// kept reads what Bootstrap wrote, and checks that nobody else can and that nothing else is left.
func kept(t *testing.T, dir string) Credentials {
	t.Helper()
	path := filepath.Join(dir, "credentials.json")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("credentials.json has mode %v, want 0600", info.Mode())
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "credentials.json" && e.Name() != "lock" {
			t.Errorf("the directory holds %s", e.Name())
		}
	}
	c, err := readCredentials(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantWorking checks that every secret of the credentials opens its door, and that there is one tenancy.
func wantWorking(t *testing.T, a *App, c Credentials) {
	t.Helper()
	ctx := t.Context()
	if app, err := a.accounts.VerifyApplication(ctx, c.AppID, c.AppSecret); err != nil || app.UserpoolID != c.UserpoolID {
		t.Errorf("application: %+v, %v", app, err)
	}
	if _, _, err := a.accounts.ManagementToken(ctx, c.AccessKeyID, c.AccessKeySecret); err != nil {
		t.Errorf("access key: %v", err)
	}
	app, err := a.Store.Tenancy().DefaultApplication(ctx)
	if err != nil || app.ID != c.AppID {
		t.Errorf("the default application is %q, %v; the file says %q", app.ID, err, c.AppID)
	}
	if c.Username == "" {
		return
	}
	credentials := account.Credentials{Type: account.ByUsername, Account: c.Username, Password: c.Password}
	if _, _, err := a.accounts.SignIn(ctx, app, credentials, account.Wish{}); err != nil {
		t.Errorf("demo user: %v", err)
	}
}

// TestBootstrap (design 7): the first start makes a tenancy whose secrets are in credentials.json, for the owner's eyes
// only, and every further start leaves it alone. A database of one's own gets no demo user.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	for name, demo := range map[string]bool{"private database": true, "database of one's own": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "made", "by", "it")
			a := replica(t, dbtest.URL(t))
			bootstrap(t, a, dir, demo)
			first := kept(t, dir)
			wantWorking(t, a, first)
			if (first.Username != "") != demo || (first.Password != "") != demo || first.BaseURL != a.Config.PublicURL {
				t.Errorf("credentials %+v", first)
			}
			for range 2 {
				bootstrap(t, a, dir, demo)
				if again := kept(t, dir); again != first {
					t.Errorf("a further start changed %+v to %+v", first, again)
				}
			}
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("others can look into the directory: %v, %v", info.Mode(), err)
			}
		})
	}
}

// TestBootstrapKeepsNoSecondCopy (design 6): what is in the file is in the database only sealed or hashed.
func TestBootstrapKeepsNoSecondCopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := replica(t, dbtest.URL(t))
	bootstrap(t, a, dir, true)
	c, ctx := kept(t, dir), t.Context()
	app, err := a.Store.Tenancy().Application(ctx, c.AppID)
	if err != nil || bytes.Contains(app.SecretHash, []byte(c.AppSecret)) {
		t.Errorf("application %+v, %v", app, err)
	}
	key, err := a.Store.Tenancy().AccessKey(ctx, c.AccessKeyID)
	if err != nil || bytes.Contains(key.SecretSealed, []byte(c.AccessKeySecret)) {
		t.Errorf("access key %+v, %v", key, err)
	}
	if u, err := a.Store.Accounts().UserByUsername(ctx, c.UserpoolID, c.Username); err != nil || strings.Contains(*u.PasswordHash, c.Password) {
		t.Errorf("demo user %+v, %v", u, err)
	}
}

// TestInterruptedBootstrap (design 7): killed at whichever point, the next start finishes with the same secrets, so that
// nothing is lost for ever; and a half-written file is not believed.
func TestInterruptedBootstrap(t *testing.T) {
	t.Parallel()
	for name, interrupt := range map[string]func(t *testing.T, a *App, dir string, c Credentials){
		"after the file": func(t *testing.T, _ *App, dir string, c Credentials) {
			write(t, dir, c)
		},
		"after the tenancy": func(t *testing.T, a *App, dir string, c Credentials) {
			write(t, dir, c)
			if err := a.insertTenancy(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		},
		"after the demo user": func(t *testing.T, a *App, dir string, c Credentials) {
			write(t, dir, c)
			bootstrap(t, a, dir, true)
			if err := os.Rename(filepath.Join(dir, "credentials.json"), filepath.Join(dir, "credentials.json.new")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, dir := replica(t, dbtest.URL(t)), t.TempDir()
			c := newCredentials("http://127.0.0.1:8080", true)
			interrupt(t, a, dir, c)
			bootstrap(t, a, dir, true)
			if got := kept(t, dir); got != c {
				t.Errorf("finished with %+v, want %+v", got, c)
			}
			wantWorking(t, a, c)
		})
	}
	t.Run("while the file was written", func(t *testing.T) {
		t.Parallel()
		a, dir := replica(t, dbtest.URL(t)), t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "credentials.json.new"), []byte(`{"base_url": "http`), 0o600); err != nil {
			t.Fatal(err)
		}
		bootstrap(t, a, dir, true)
		wantWorking(t, a, kept(t, dir))
	})
	t.Run("in a directory of another database", func(t *testing.T) {
		t.Parallel()
		a, dir := replica(t, dbtest.URL(t)), t.TempDir()
		bootstrap(t, a, dir, true)
		c := kept(t, dir)
		write(t, dir, newCredentials("http://127.0.0.1:8080", true)) // left by a start on a database that is gone
		bootstrap(t, a, dir, true)
		if got := kept(t, dir); got != c {
			t.Errorf("%+v became %+v", c, got)
		}
	})
}

// write leaves credentials as a start does before it inserts anything.
func write(t *testing.T, dir string, c Credentials) {
	t.Helper()
	if err := writeCredentials(filepath.Join(dir, "credentials.json.new"), c); err != nil {
		t.Fatal(err)
	}
}

// TestReplicasBootstrapOnce (design 6): replicas that start together on one database make one tenancy. The one that made
// it has the secrets; the others have no file, rather than one with secrets that open nothing.
func TestReplicasBootstrapOnce(t *testing.T) {
	t.Parallel()
	url, winners := dbtest.URL(t), 0
	replicas, dirs := make([]*App, 6), make([]string, 6)
	for i := range replicas {
		replicas[i], dirs[i] = replica(t, url), t.TempDir()
	}
	var (
		all   sync.WaitGroup
		errs  = make([]error, len(replicas))
		start = make(chan struct{})
	)
	for i, a := range replicas {
		all.Go(func() {
			<-start
			errs[i] = a.Bootstrap(t.Context(), dirs[i], false)
		})
	}
	close(start)
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	for i, dir := range dirs {
		if entries, _ := os.ReadDir(dir); len(entries) == 0 {
			continue
		}
		winners++
		wantWorking(t, replicas[i], kept(t, dir))
	}
	if winners != 1 {
		t.Errorf("%d replicas wrote credentials, want 1", winners)
	}
}

// TestRefreshBaseURL: a new address shows in credentials.json, whose other members stay; without a file there is none
// made.
func TestRefreshBaseURL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := refreshBaseURL(dir, "https://id.example.com"); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("made %v", entries)
	}
	want := newCredentials("http://127.0.0.1:8080", true)
	if err := writeCredentials(filepath.Join(dir, "credentials.json"), want); err != nil {
		t.Fatal(err)
	}
	want.BaseURL = "https://id.example.com"
	for range 2 {
		if err := refreshBaseURL(dir, want.BaseURL); err != nil {
			t.Fatal(err)
		}
		if got := kept(t, dir); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "credentials.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	var syntax *json.SyntaxError
	if err := refreshBaseURL(dir, "https://id.example.org"); !errors.As(err, &syntax) {
		t.Errorf("a file that is not JSON: %v", err)
	}
}

// TestTwoMasterKeys (T10): a replica with another master key than the database's refuses to start, before it serves
// anybody.
func TestTwoMasterKeys(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	a := replica(t, url)
	_, err := New(t.Context(), Options{
		Config: a.Config, Store: a.Store, MasterKey: bytes.Repeat([]byte{8}, 32), Clock: a.Clock, Log: a.Log,
	})
	if err == nil || !strings.Contains(err.Error(), "master key") {
		t.Errorf("New = %v", err)
	}
}
