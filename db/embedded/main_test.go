package embedded

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// serveVariable makes the test binary run a server instead of tests, for the
// tests that kill the parent of a server. Its value is the data directory.
const serveVariable = "MENSHEN_EMBEDDED_TEST_SERVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveVariable); dir != "" {
		serve(dir)
	}
	os.Setenv("MENSHEN_MASTER_KEY", "not for the server")
	os.Setenv("PGPORT", "1") // must lead neither the server nor a client astray
	code := m.Run()
	for _, clean := range atExit {
		clean()
	}
	os.Exit(code)
}

var atExit []func()

// serve says "up <pid of the server>" and then waits to be killed.
func serve(dir string) {
	s, err := Start(context.Background(), Options{Dir: dir, Durable: true})
	if err != nil {
		fmt.Println("down", err)
		os.Exit(1)
	}
	fmt.Println("up", s.process.cmd.Process.Pid)
	select {}
}

// newDir names a data directory that does not exist yet, in a place that every
// user can reach (t.TempDir is for its owner alone).
func newDir(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("", "embedded-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o711); err != nil {
		t.Fatal(err)
	}
	if base, err = filepath.EvalSymlinks(base); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(base, "data")
}

// finished is a directory with a cluster, made once.
var finished = sync.OnceValues(func() (string, error) {
	base, err := os.MkdirTemp("", "embedded-")
	if err != nil {
		return "", err
	}
	atExit = append(atExit, func() { os.RemoveAll(base) })
	dir := filepath.Join(base, "data")
	if err := os.Chmod(base, 0o711); err != nil {
		return "", err
	}
	s, err := Start(context.Background(), Options{Dir: dir})
	if err != nil {
		return "", err
	}
	return dir, s.Stop(context.Background())
})

// copyOfCluster makes dir a data directory with a cluster, for the tests that are
// not about its creation.
func copyOfCluster(t *testing.T, dir string) string {
	t.Helper()
	original, err := finished()
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("cp", "-a", original, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return dir
}

// launch starts a server that ends with the test.
func launch(t *testing.T, dir string) *Server {
	t.Helper()
	began := time.Now()
	s, err := Start(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %v", time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// startParent runs a server in a process of its own, and returns that process
// and the PID of the server.
func startParent(t *testing.T, dir string) (*exec.Cmd, int) {
	t.Helper()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), serveVariable+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parent.Process.Kill() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	var pid int
	if _, err := fmt.Sscanf(line, "up %d", &pid); err != nil {
		t.Fatalf("the other process says %q", line)
	}
	return parent, pid
}

func execute(t *testing.T, s *Server, database, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", s.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func value(t *testing.T, s *Server, database, query string) (v string) {
	t.Helper()
	db, err := sql.Open("postgres", s.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
