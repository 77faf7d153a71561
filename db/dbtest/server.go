package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/embedded"
)

const (
	// externalVariable names a server to use instead of an embedded one.
	externalVariable = "MENSHEN_TEST_DATABASE_URL"
	// startLimit is for the server and the migration of the template.
	startLimit = 2 * time.Minute
	// maxConnections of the embedded server allow for many tests in parallel.
	maxConnections = 300
)

// server is where the databases of this process are made.
type server struct {
	admin    string // the address from which databases are made
	url      func(database string) string
	prefix   string // of the names of databases, unique on the server
	strategy string // of CREATE DATABASE
	drop     bool   // whether a database is dropped after its test
	made     atomic.Int64
}

// shared is the one server of the process.
var shared = sync.OnceValues(func() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	return start(ctx, os.Getenv(externalVariable))
})

// start prepares the external server, or an embedded one when there is none.
func start(ctx context.Context, external string) (*server, error) {
	s := &server{prefix: "menshen_test_" + random()}
	if external != "" {
		s.drop = true
		s.admin = external
		s.url = func(database string) string { return withDatabase(external, database) }
	} else {
		removeStale(os.TempDir())
		postgres, err := embedded.Start(ctx, embedded.Options{
			Dir:            filepath.Join(os.TempDir(), stalePrefix+random()),
			MaxConnections: maxConnections,
		})
		if err != nil {
			return nil, err
		}
		// Nobody stops it: it ends with the process.
		s.admin, s.url = postgres.URL("postgres"), postgres.URL
	}
	if err := s.makeTemplate(ctx); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return s, nil
}

func random() string { return strings.ToLower(rand.Text()[:10]) }

func (s *server) template() string { return s.prefix + "_template" }

// makeTemplate migrates the database that all others are copies of.
func (s *server) makeTemplate(ctx context.Context) error {
	if err := s.exec(ctx, `CREATE DATABASE `+s.template()); err != nil {
		return err
	}
	if err := db.Migrate(ctx, s.url(s.template())); err != nil {
		return err
	}
	version, err := s.version(ctx)
	if version >= 15_00_00 { // before, there was no choice
		// Where nothing is flushed to disk, copying files beats going through the WAL.
		s.strategy = ` STRATEGY file_copy`
	}
	return err
}

// version is that of the server, such as 150018 for 15.18.
func (s *server) version(ctx context.Context) (v int, err error) {
	conn, err := sql.Open("postgres", s.admin)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	const query = `SELECT current_setting('server_version_num')::int`
	err = conn.QueryRowContext(ctx, query).Scan(&v)
	return v, err
}

// create copies the template and returns the name of the copy.
func (s *server) create(ctx context.Context) (string, error) {
	name := fmt.Sprintf("%s_%d", s.prefix, s.made.Add(1))
	return name, s.exec(ctx, `CREATE DATABASE `+name+` TEMPLATE `+s.template()+s.strategy)
}

// discard is the end of a database. On the embedded server, which is thrown
// away as a whole, to drop it would only take time.
func (s *server) discard(ctx context.Context, name string) error {
	if !s.drop {
		return nil
	}
	return s.exec(ctx, `DROP DATABASE `+name+` WITH (FORCE)`)
}

func (s *server) exec(ctx context.Context, statement string) error {
	conn, err := sql.Open("postgres", s.admin)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// withDatabase is the address dsn with another database, in whichever of the
// two forms of lib/pq it is.
func withDatabase(dsn, database string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return dsn + " dbname=" + database // the last one counts
	}
	u.Path = "/" + database
	return u.String()
}
