package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest/port"
	"github.com/menshen-auth/menshen/db/embedded"
	"github.com/menshen-auth/menshen/impl/app"
)

// stage is where everything runs: a PostgreSQL that flushes to disk, and what is built.
type stage struct {
	dir      string
	binary   string // of menshen
	postgres *embedded.Server
	pid      int // of PostgreSQL's first process
}

// newStage starts PostgreSQL and builds the program.
func newStage(ctx context.Context) (_ *stage, err error) {
	s := &stage{}
	if s.dir, err = os.MkdirTemp("", "menshen-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := os.Chmod(s.dir, 0o755); err != nil { // PostgreSQL does not run as root
		return nil, err
	}
	s.binary = filepath.Join(s.dir, "menshen")
	if output, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", s.binary, "./impl/cmd/menshen").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, output)
	}
	if s.postgres, err = embedded.Start(ctx, embedded.Options{Dir: filepath.Join(s.dir, "postgres"), Durable: true, MaxConnections: 200}); err != nil {
		return nil, err
	}
	s.pid, err = postmaster(ctx, s.postgres.URL("postgres"))
	return s, err
}

// close ends PostgreSQL and removes everything.
func (s *stage) close() error {
	var err error
	if s.postgres != nil {
		err = s.postgres.Stop(context.Background())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// postmaster is the parent of the process that answers.
func postmaster(ctx context.Context, url string) (int, error) {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	var pid int
	if err := db.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		return 0, err
	}
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(fields[1])
}

// masterKey is that of all services of the stage, which end with it.
var masterKey [32]byte

// server is a process that answers.
type server struct {
	addr string
	pid  int
	took time.Duration // from its start until it was ready
	cmd  *exec.Cmd
	log  *os.File
}

// service is Menshen, with what its clients need to know.
type service struct {
	server
	credentials app.Credentials
	crowd       int // how many ask at once
	people      int // of package fill who are in the database; 0 for none
}

// serve starts Menshen on a database of the stage, which is made if it is not there.
func (s *stage) serve(ctx context.Context, database string, crowd int) (*service, error) {
	if err := s.postgres.EnsureDatabase(ctx, database); err != nil {
		return nil, err
	}
	addr, err := port.Free()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, "data-"+database)
	run, err := s.start(ctx, addr, "/readyz", exec.Command(s.binary, "serve"),
		"MENSHEN_ADDR="+addr,
		"MENSHEN_PUBLIC_URL=http://"+addr,
		"MENSHEN_DATA_DIR="+dir,
		"MENSHEN_DATABASE_URL="+s.postgres.URL(database),
		"MENSHEN_MASTER_KEY="+base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"MENSHEN_TRUSTED_PROXIES=127.0.0.1/32", // every client has an address of its own
		"MENSHEN_LIMIT_OTP_LOOKUP=1000000/1m",  // counted as ever; there is one access key
		"MENSHEN_DRAIN_DELAY=0s",
	)
	if err != nil {
		return nil, err
	}
	m := &service{server: *run, crowd: crowd}
	text, err := os.ReadFile(filepath.Join(dir, "credentials.json"))
	if err == nil {
		err = json.Unmarshal(text, &m.credentials)
	}
	if err != nil {
		return nil, errors.Join(err, m.stop())
	}
	return m, nil
}

// reference starts R0: this very program, under another name.
func (s *stage) reference(ctx context.Context) (*server, error) {
	if err := s.postgres.EnsureDatabase(ctx, "r0"); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := port.Free()
	if err != nil {
		return nil, err
	}
	return s.start(ctx, addr, "/constant", exec.Command(self, "r0", addr, s.postgres.URL("r0")))
}

// startPatience is how long a server may take to be ready.
const startPatience = time.Minute

// start runs a server until it is ready. Its log is kept in a file, as an operator would.
func (s *stage) start(ctx context.Context, addr, ready string, cmd *exec.Cmd, environ ...string) (*server, error) {
	log, err := os.CreateTemp(s.dir, "log-")
	if err != nil {
		return nil, err
	}
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), environ...), io.Discard, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is ours to pass on
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	run := &server{addr: addr, pid: cmd.Process.Pid, cmd: cmd, log: log}
	for time.Since(began) < startPatience && ctx.Err() == nil {
		answer, err := http.Get("http://" + addr + ready)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				run.took = time.Since(began)
				return run, nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	_ = run.stop()
	text, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("%s is not ready\n%s", cmd, text)
}

// stop asks a server to end, and waits for it.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	return errors.Join(s.cmd.Wait(), s.log.Close())
}
