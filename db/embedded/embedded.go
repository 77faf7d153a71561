package embedded

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

const (
	superuser    = "menshen"        // the only role of the cluster
	abandonAfter = 10 * time.Second // for the clean end of a failed start

	cannotConnectNow = "57P03" // SQLSTATE
)

// Options say where the server lives and how careful it is.
type Options struct {
	// Dir is the data directory, such as ".data". It is created when missing,
	// for this user (and, when that is root, the server's group) alone.
	Dir string
	// Durable is false only for clusters that are thrown away: nothing is
	// flushed to disk, and nothing is vacuumed. A crash of the machine, though
	// not one of the server, can then destroy the cluster.
	Durable bool
	// MaxConnections is the limit of the server; 0 means 100.
	MaxConnections int
	// Log hears about starts and repairs; nil means nobody.
	Log *slog.Logger
}

// Server is a running PostgreSQL that belongs to this process.
type Server struct {
	socketDir string
	logPath   string
	process   *process
	lock      *dirLock
	stopping  atomic.Bool
	release   sync.Once
}

// Start brings up the server of o.Dir and makes the cluster first if there is
// none. It returns when the server accepts connections; until then the end of
// ctx stops it, afterwards ctx has no influence. There is no time limit of its
// own, because the recovery after a crash takes as long as it takes.
//
// Errors to tell apart: ErrInUse and ErrNotInstalled.
func Start(ctx context.Context, o Options) (*Server, error) {
	o.MaxConnections = cmp.Or(o.MaxConnections, 100)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := start(ctx, o)
	for until := time.Now().Add(memoryPatience); stillInUse(err) && ctx.Err() == nil && time.Now().Before(until); {
		time.Sleep(50 * time.Millisecond)
		s, err = start(ctx, o)
	}
	if err != nil {
		return nil, fmt.Errorf("embedded PostgreSQL: %w", err)
	}
	return s, nil
}

// memoryPatience is how long the processes of a server that was killed may
// take to notice it, on a busy machine, and to let go of its memory.
const memoryPatience = 15 * time.Second

// stillInUse tells whether a server did not start because of them.
func stillInUse(err error) bool {
	return err != nil && strings.Contains(err.Error(), "pre-existing shared memory block")
}

func start(ctx context.Context, o Options) (_ *Server, err error) {
	began := time.Now()
	runAs, err := serverUser(filepath.Join(o.Dir, "postgres"))
	if err != nil {
		return nil, err
	}
	dir, err := makeDataDir(o.Dir, runAs)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.release()
		}
	}()

	c, err := openCluster(ctx, dir, runAs, o)
	if err != nil {
		return nil, err
	}
	if err := endOrphan(ctx, c.data, o.Log); err != nil {
		return nil, err
	}
	socketDir, err := makeSocketDir(dir, runAs)
	if err != nil {
		return nil, err
	}
	serverLog, err := openServerLog(dir)
	if err != nil {
		return nil, err
	}
	defer serverLog.close()

	p, err := startProcess(c.command(socketDir, serverLog.file, o))
	if err != nil {
		return nil, err
	}
	s := &Server{socketDir: socketDir, logPath: serverLog.file.Name(), process: p, lock: lock}
	if err := s.awaitReady(ctx); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonAfter)
		defer cancel()
		_ = p.stop(ctx)
		return nil, fmt.Errorf("%w%s", err, serverLog.tail())
	}
	o.Log.Info("embedded PostgreSQL is up", "dir", dir, "version", c.install.major,
		"pid", p.cmd.Process.Pid, "took", time.Since(began).Round(time.Millisecond))
	return s, nil
}

// awaitReady polls until the server lets us in, ends, or ctx ends.
func (s *Server) awaitReady(ctx context.Context) error {
	connector, err := pq.NewConnector(s.URL("postgres"))
	if err != nil {
		return err
	}
	for {
		conn, err := connector.Connect(ctx)
		if err == nil {
			return conn.Close()
		}
		// The one answer that is worth waiting for is "starting up".
		var refusal *pq.Error
		if errors.As(err, &refusal) && refusal.Code != cannotConnectNow {
			return err
		}
		select {
		case <-s.process.done:
			return fmt.Errorf("the server ended while starting: %w", s.process.err)
		case <-ctx.Done():
			return fmt.Errorf("%w while waiting for the server: %w", ctx.Err(), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// URL is how to reach a database of the server, in a form that both lib/pq and
// psql understand.
func (s *Server) URL(database string) string { return socketURL(s.socketDir, port, database) }

func socketURL(dir, port, database string) string {
	query := url.Values{"host": {dir}, "port": {port}, "sslmode": {"disable"}}
	u := url.URL{
		Scheme: "postgres",
		User:   url.User(superuser),
		Path:   "/" + database,
		// libpq, unlike lib/pq, does not take a plus for a space.
		RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20"),
	}
	return u.String()
}

// EnsureDatabase creates the named database unless it exists.
func (s *Server) EnsureDatabase(ctx context.Context, name string) error {
	conn, err := sql.Open("postgres", s.URL("postgres"))
	if err != nil {
		return fmt.Errorf("database %q: %w", name, err)
	}
	defer conn.Close()

	const query = `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`
	var exists bool
	err = conn.QueryRowContext(ctx, query, name).Scan(&exists)
	if err == nil && !exists {
		if _, err = conn.ExecContext(ctx, `CREATE DATABASE `+pq.QuoteIdentifier(name)); err != nil {
			// There is no IF NOT EXISTS: another caller may have been faster.
			_ = conn.QueryRowContext(ctx, query, name).Scan(&exists)
		}
	}
	if err != nil && !exists {
		return fmt.Errorf("database %q: %w", name, err)
	}
	return nil
}

// Stop ends the server and releases the directory. Open connections are cut,
// their transactions rolled back. When ctx ends first, the server is made to
// quit on the spot, which costs a recovery at the next start, and Stop says so
// with an error. Further calls do nothing.
func (s *Server) Stop(ctx context.Context) error {
	s.stopping.Store(true)
	err := s.process.stop(ctx)
	s.release.Do(func() {
		_ = os.Remove(s.socketDir) // empty by now; made anew by the next start
		s.lock.release()
	})
	if err != nil {
		return fmt.Errorf("embedded PostgreSQL: %w", err)
	}
	return nil
}

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Err says why the server ended. It is nil while the server runs, and after an
// end that Stop asked for.
func (s *Server) Err() error {
	select {
	case <-s.process.done:
	default:
		return nil
	}
	if s.stopping.Load() {
		return nil
	}
	return fmt.Errorf("embedded PostgreSQL ended unasked: %w (see %s)", s.process.err, s.logPath)
}
