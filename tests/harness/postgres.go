package harness

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/embedded"
	"github.com/menshen-auth/menshen/impl/app"
)

// Postgres is a PostgreSQL server of a test's own, with a migrated database, for tests that stop or kill it.
type Postgres struct {
	t      testing.TB
	dir    string
	server *embedded.Server
}

// NewPostgres starts one, which writes to disk as the private PostgreSQL of the service does. It ends with the test.
func NewPostgres(t testing.TB) *Postgres {
	t.Helper()
	base, err := os.MkdirTemp("", "menshen-postgres-") // t.TempDir is for its owner alone
	if err == nil {
		err = os.Chmod(base, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &Postgres{t: t, dir: filepath.Join(base, "data")}
	t.Cleanup(func() {
		p.Stop()
		_ = os.RemoveAll(base)
	})
	p.Start()
	if err := p.server.EnsureDatabase(context.Background(), "menshen"); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(context.Background(), p.URL()); err != nil {
		t.Fatal(err)
	}
	return p
}

// URL is that of the database.
func (p *Postgres) URL() string { return p.server.URL("menshen") }

// Configure puts an instance on the database.
func (p *Postgres) Configure(c *app.Config) { c.DatabaseURL = p.URL() }

// Start starts the server, again.
func (p *Postgres) Start() {
	p.t.Helper()
	server, err := embedded.Start(context.Background(), embedded.Options{Dir: p.dir, Durable: true})
	if err != nil {
		p.t.Fatal(err)
	}
	p.server = server
}

// Stop ends the server, if it runs; its clients are cut off.
func (p *Postgres) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	_ = p.server.Stop(ctx) // an error when it was killed
}

// Kill gives the server no chance to do anything any more (SIGKILL).
func (p *Postgres) Kill() {
	p.t.Helper()
	found, _ := filepath.Glob(filepath.Join(p.dir, "*", "postmaster.pid"))
	if len(found) != 1 {
		p.t.Fatalf("%d servers in %s", len(found), p.dir)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		p.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.server.Done():
	case <-time.After(Patience):
		p.t.Fatal("the server outlives SIGKILL")
	}
	p.Stop() // lets go of the directory
}
