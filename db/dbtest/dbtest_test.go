package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/embedded"
)

func TestNewIsMigrated(t *testing.T) {
	d := New(t)
	if err := d.InTx(t.Context(), func(db.Queries) error { return nil }); err != nil {
		t.Error(err)
	}
	if tables := value[int](t, URL(t), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); tables < 2 {
		t.Errorf("%d tables: not migrated", tables)
	}
}

// Tests run in parallel, and must not see what the others write.
func TestDatabasesAreIsolated(t *testing.T) {
	for i := range 20 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			url := URL(t)
			execute(t, url, "CREATE TABLE mine (n int)") // would exist already
			if n := value[int](t, url, "SELECT count(*) FROM mine"); n != 0 {
				t.Errorf("%d rows of another test", n)
			}
		})
	}
}

// With a server of one's own, in both forms of its address, nothing but the
// template is left behind.
func TestExternalServer(t *testing.T) {
	if _, err := shared(); err != nil {
		t.Fatal(err)
	}
	host := URL(t) // any server will do
	keywords := value[string](t, host, "SELECT format('host=%s port=%s user=%s dbname=%s sslmode=disable', "+
		"trim(both '\"' from current_setting('unix_socket_directories')), current_setting('port'), current_user, current_database())")
	for _, dsn := range []string{host, keywords} {
		s, err := start(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		name, err := s.create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if tables := value[int](t, s.url(name), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); tables < 2 {
			t.Errorf("%s: %d tables: not migrated", dsn, tables)
		}
		if err := s.discard(t.Context(), name); err != nil {
			t.Error(err)
		}
		query := "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE '" + s.prefix + "%'"
		if left := value[string](t, dsn, query); left != s.template() {
			t.Errorf("%s: left behind: %s", dsn, left)
		}
	}
}

// The clusters of earlier processes are deleted; those of running ones are not.
func TestStaleClustersAreRemoved(t *testing.T) {
	dir, err := os.MkdirTemp("", "stale-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { // the server runs as another user when we are root
		t.Fatal(err)
	}
	var (
		running = filepath.Join(dir, stalePrefix+"running")
		stale   = filepath.Join(dir, stalePrefix+"stale")
		young   = filepath.Join(dir, stalePrefix+"young")
		other   = filepath.Join(dir, "other")
	)
	s, err := embedded.Start(t.Context(), embedded.Options{Dir: running})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop(context.Background())
	for _, path := range []string{stale, young, other} {
		if err := os.MkdirAll(filepath.Join(path, "postgres", "base"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	for _, path := range []string{running, stale, other} {
		if err := os.Chtimes(path, yesterday, yesterday); err != nil {
			t.Fatal(err)
		}
	}

	removeStale(dir)
	for path, want := range map[string]bool{running: true, stale: false, young: true, other: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	execute(t, s.URL("postgres"), "CREATE TABLE alive ()")
}

// BenchmarkNew is the price of a database for a test.
func BenchmarkNew(b *testing.B) {
	if _, err := shared(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		New(b)
	}
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func value[T any](t *testing.T, url, query string) (v T) {
	t.Helper()
	conn, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}
