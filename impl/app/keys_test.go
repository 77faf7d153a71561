package app

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
)

// reach runs reachDatabase, and checks that what it reached has keys which the master key opens.
func reach(t *testing.T, c Config) *database {
	t.Helper()
	d, err := reachDatabase(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	store, err := db.Open(t.Context(), d.url, db.Options{MaxConns: keysConns})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := keyring.Load(t.Context(), store, nil, d.masterKey); err != nil {
		t.Error(err)
	}
	return d
}

// TestReachPrivateDatabase: a command gets at the private PostgreSQL while the service runs on it, which goes on after the
// command, and when nothing runs there; and the service starts again after that.
func TestReachPrivateDatabase(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	s := serve(t, settings(t, dir))
	beside := reach(t, s.config)
	if beside.embedded != nil {
		t.Error("a PostgreSQL of its own beside the service's")
	}
	if err := beside.close(); err != nil {
		t.Error(err)
	}
	if code, answer := s.post("/user/register", `{"username":"alice","password":"purple guards at every door"}`); code != success {
		t.Errorf("register after the command: %s", answer)
	}
	if err := s.stop(10 * time.Second); err != nil {
		t.Error(err)
	}
	alone := reach(t, s.config)
	if alone.embedded == nil {
		t.Error("attached to nothing")
	}
	if err := alone.close(); err != nil {
		t.Error(err)
	}
	serve(t, settings(t, dir))
}

// TestReachDatabaseMakesNothing: where the service never ran, or with another directory than its own, a command says so, and
// leaves neither a database nor a master key that would open nothing.
func TestReachDatabaseMakesNothing(t *testing.T) {
	t.Parallel()
	for name, environ := range map[string][]string{"no master key": nil, "no database": {"MENSHEN_MASTER_KEY=" + aMasterKey}} {
		dir := reachable(t)
		_, err := reachDatabase(t.Context(), settings(t, dir, environ...), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "menshen serve") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the directory was made: %v", name, err)
		}
	}
}

// TestReachDatabaseChecksTheSchema: a command that expects another schema than the database has says what to do, and does not
// migrate under a service that runs.
func TestReachDatabaseChecksTheSchema(t *testing.T) {
	t.Parallel()
	c := own(t)
	d, err := reachDatabase(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
	conn, err := sql.Open("postgres", c.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id = 12`); err != nil {
		t.Fatal(err)
	}
	if _, err := reachDatabase(t.Context(), c, slog.New(slog.DiscardHandler)); !errors.Is(err, db.ErrSchemaOld) || !strings.Contains(err.Error(), "menshen migrate") {
		t.Errorf("an older schema: %v", err)
	}
}

// shown is a meter that remembers.
type shown struct {
	done, total int64
	waits       []string
	closed      bool
	cancel      func()
}

func (s *shown) Show(done, total int64, waiting string) {
	s.done, s.total = done, total
	if waiting != "" {
		s.waits = append(s.waits, waiting)
	}
	if s.cancel != nil {
		s.cancel()
	}
}

func (s *shown) Close() { s.closed = true }

// TestRotateKeys (T10): what an operator reads: which key is new, that the rotation is finished or was interrupted, and which rows
// cannot be opened; no secret.
func TestRotateKeys(t *testing.T) {
	t.Parallel()
	a := replica(t, dbtest.URL(t))
	dir := t.TempDir()
	bootstrap(t, a, dir, false)
	credentials := kept(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	var told bytes.Buffer
	if err := RotateKeys(ctx, RotateOptions{Options: a.Options}, &told, &shown{cancel: cancel}); !errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	var key string
	if _, err := fmt.Sscanf(told.String(), "the new sealing key is %s", &key); err != nil {
		t.Fatalf("%v: %s", err, told.String())
	}
	told.Reset()
	meter := &shown{}
	if err := RotateKeys(t.Context(), RotateOptions{Options: a.Options, Settle: time.Millisecond}, &told, meter); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"finishing the rotation to key " + key, "finished: 1 values were sealed with key " + key, "nothing is left"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, told.String())
		}
	}
	if !meter.closed || meter.done != 1 || meter.total != 1 || len(meter.waits) != 1 {
		t.Errorf("%+v", meter)
	}
	wantWorking(t, a, credentials)

	sealed := a.ring.Seal([]byte("a secret"), "elsewhere")
	err := a.Store.Tenancy().InsertAccessKey(t.Context(), db.AccessKey{
		UserpoolID: credentials.UserpoolID, ID: "broken", SecretSealed: sealed, Scopes: []string{}, CreatedAt: a.Clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	told.Reset()
	err = RotateKeys(t.Context(), RotateOptions{Options: a.Options}, &told, &shown{})
	row := "cannot be opened: access_keys userpool_id=" + credentials.UserpoolID + " id=broken"
	if err == nil || !strings.Contains(err.Error(), "--leave-broken") || !strings.Contains(told.String(), row) {
		t.Errorf("%v:\n%s", err, told.String())
	}
	if err := RotateKeys(t.Context(), RotateOptions{Options: a.Options, LeaveBroken: true}, &told, &shown{}); err != nil {
		t.Error(err)
	}
	wantWorking(t, a, credentials)
}

// TestKeysList: the table and the JSON have every key, and nothing of what a key is made of.
func TestKeysList(t *testing.T) {
	t.Parallel()
	a := replica(t, dbtest.URL(t))
	bootstrap(t, a, t.TempDir(), false)
	ctx, cancel := context.WithCancel(t.Context())
	_ = RotateKeys(ctx, RotateOptions{Options: a.Options}, io.Discard, &shown{cancel: cancel}) // begun, not finished
	keys, err := keyring.Describe(t.Context(), a.Store)
	if err != nil {
		t.Fatal(err)
	}
	var table, lines bytes.Buffer
	if err := errors.Join(keysListCommand{}.print(&table, keys), keysListCommand{JSON: true}.print(&lines, keys)); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(table.String()), "\n")
	if len(rows) != 5 || strings.Join(strings.Fields(rows[0]), " ") != "KEY PURPOSE CREATED ROTATION FINISHED VALUES" {
		t.Fatalf("the table:\n%s", table.String())
	}
	if last := strings.Fields(rows[4]); last[1] != "seal" || last[4] != "no" || last[5] == "-" {
		t.Errorf("the key of a rotation that is not finished: %s", rows[4])
	}
	var total int64
	for decoder := json.NewDecoder(&lines); decoder.More(); {
		var d keyring.Described
		if err := decoder.Decode(&d); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(table.String(), d.ID) {
			t.Errorf("the table lacks %s", d.ID)
		}
		if d.Values != nil {
			total += *d.Values
		}
	}
	if total != 1 {
		t.Errorf("%d sealed values, want 1", total)
	}
}

// TestMeters: without a terminal, progress is lines, and few of them; with one, a bar.
func TestMeters(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, plain := newMeter(file).(*lineMeter); !plain {
		t.Error("a bar in a file")
	}
	var lines, bar bytes.Buffer
	for _, m := range []Meter{&lineMeter{w: &lines}, &barMeter{w: &bar}} {
		for n := range int64(1000) {
			m.Show(n+1, 1000, "")
		}
		m.Show(1000, 1000, "replicas")
		m.Show(1001, 1001, "")
		m.Close()
		m.Close()
	}
	if got := lines.String(); got != "1 of 1000 values\n1000 of 1000 values\n1000 of 1000 values, waiting for replicas\n1001 of 1001 values\n" {
		t.Errorf("lines:\n%s", got)
	}
	if !strings.Contains(bar.String(), "100%") || !strings.Contains(bar.String(), "waiting for replicas\n") || !strings.HasSuffix(bar.String(), "\n") {
		t.Errorf("bar: %q", bar.String())
	}
}
