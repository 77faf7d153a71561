package dbtest

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"
)

// PoolerName is the application_name of the pooler's connections.
const PoolerName = "menshen-pooler"

const (
	// poolerVariable, set to poolerProgram, lets Through lead through a pooler.
	poolerVariable = "MENSHEN_TEST_POOLER"
	poolerProgram  = "pgbouncer"
	poolerPort     = "6432"
	// poolerSizeVariable is how many connections of the server a database has, if
	// not poolerSize: so few that instances share them all the time.
	poolerSizeVariable = "MENSHEN_TEST_POOLER_SIZE"
	poolerSize         = "4"
	// poolerLimit is for the start of the pooler.
	poolerLimit = 30 * time.Second
)

// poolerConfig lets connections of the server go soon, since every test has a
// database of its own.
const poolerConfig = `[databases]
* = %s

[pgbouncer]
pool_mode = transaction
default_pool_size = %s
server_idle_timeout = 2
max_client_conn = 5000
auth_type = any
listen_addr =
listen_port = ` + poolerPort + `
unix_socket_dir = %s
log_connections = 0
log_disconnections = 0
`

// poolerGuard ends the pooler with this process: it reads from a pipe that only
// we can write to, and its end of file is our death.
const poolerGuard = `"$2" -q "$1/pgbouncer.ini" & read -r _; kill "$!"; wait; rm -rf "$1"`

// sharedPooler is the one pooler of the process; the value is the directory of
// its socket.
var sharedPooler = sync.OnceValues(func() (string, error) {
	s, err := shared()
	if err != nil {
		return "", err
	}
	return startPooler(s)
})

// Through is how an instance reaches the database at url: directly, or with
// MENSHEN_TEST_POOLER=pgbouncer through Pooled. The second value is for
// db.Options.DirectURL.
func Through(t testing.TB, url string) (through, direct string) {
	t.Helper()
	switch program := os.Getenv(poolerVariable); program {
	case "":
		return url, ""
	case poolerProgram:
		return Pooled(t, url), url
	default:
		t.Fatalf("dbtest: %s=%s; the one that is known is %s", poolerVariable, program, poolerProgram)
		return "", ""
	}
}

// Pooled leads to the database at url, one of URL, through PgBouncer, which
// lends each of its few connections for one transaction.
func Pooled(t testing.TB, address string) string {
	t.Helper()
	dir, err := sharedPooler()
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	config, err := pq.NewConfig(address)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	return poolerURL(dir, config.Database)
}

func poolerURL(dir, database string) string {
	query := url.Values{"host": {dir}, "port": {poolerPort}, "sslmode": {"disable"}, "user": {"anybody"}}
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

func startPooler(s *server) (dir string, err error) {
	program, err := exec.LookPath(poolerProgram)
	if err != nil { // an ordinary user's PATH may lack it
		program, err = exec.LookPath("/usr/sbin/" + poolerProgram)
	}
	if err != nil {
		return "", fmt.Errorf("%s is missing; run `make tools`", poolerProgram)
	}
	config, err := pq.NewConfig(s.admin)
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "menshen-pooler-"); err != nil {
		return "", err
	}
	log, err := writePooler(dir, config)
	if err != nil {
		return "", err
	}
	defer log.Close()
	guard := exec.Command("/bin/sh", "-c", poolerGuard, "sh", dir, program)
	guard.Dir, guard.Stdout, guard.Stderr = "/", log, log
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C ends us, and only then the pooler
	if os.Geteuid() == 0 {
		guard.SysProcAttr.Credential = poolerUser(config.Host)
		if err := own(dir, guard.SysProcAttr.Credential); err != nil {
			return "", err
		}
	}
	if _, err := guard.StdinPipe(); err != nil {
		return "", err
	}
	if err := guard.Start(); err != nil {
		return "", err
	}
	go func() { _ = guard.Wait() }()
	if err := awaitPooler(dir); err != nil {
		said, _ := os.ReadFile(log.Name())
		return "", fmt.Errorf("%s: %w\n%s", poolerProgram, err, said)
	}
	return dir, nil
}

// writePooler makes the files of the pooler, and opens that of its log.
func writePooler(dir string, server pq.Config) (*os.File, error) {
	size := cmp.Or(os.Getenv(poolerSizeVariable), poolerSize)
	to := fmt.Sprintf("host=%s port=%d user=%s application_name=%s", server.Host, server.Port, server.User, PoolerName)
	if server.Password != "" {
		to += " password=" + server.Password
	}
	text := fmt.Sprintf(poolerConfig, to, size, dir)
	if err := os.WriteFile(filepath.Join(dir, poolerProgram+".ini"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(dir, "log"))
}

// poolerUser is who owns the socket of the server, which lets in nobody else;
// otherwise anybody but root, as whom PgBouncer does not run.
func poolerUser(host string) *syscall.Credential {
	if info, err := os.Stat(host); err == nil && filepath.IsAbs(host) {
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 0 {
			return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
		}
	}
	const nobody = 65534
	return &syscall.Credential{Uid: nobody, Gid: nobody}
}

func own(dir string, who *syscall.Credential) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, int(who.Uid), int(who.Gid))
	})
}

func awaitPooler(dir string) error {
	conn, err := sql.Open("postgres", poolerURL(dir, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), poolerLimit)
	defer cancel()
	for {
		if err = conn.PingContext(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
