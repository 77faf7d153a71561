package embedded

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A command beside the service gets into the database of a running one, wherever cluster and socket are, and by whichever
// process it was started; without one it is told so, and nothing is made.
func TestAttach(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	if _, err := Attach(t.Context(), dir); !errors.Is(err, ErrNoCluster) {
		t.Errorf("Attach to nothing: %v, want ErrNoCluster", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
	copyOfCluster(t, dir)
	if _, err := Attach(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Attach without a server: %v, want ErrNotRunning", err)
	}
	s := launch(t, dir)
	execute(t, s, "postgres", "CREATE TABLE guard (name text)")
	execute(t, s, "postgres", "INSERT INTO guard VALUES ('Qin Qiong')")
	wantGuard := func(dir string) {
		t.Helper()
		a, err := Attach(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := sql.Open("postgres", a.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var name string
		if err := conn.QueryRowContext(t.Context(), "SELECT name FROM guard").Scan(&name); err != nil || name != "Qin Qiong" {
			t.Errorf("attached: %q, %v", name, err)
		}
	}
	wantGuard(dir)
	link := filepath.Join(filepath.Dir(dir), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	wantGuard(link)
	stop(t, s)
	if _, err := Attach(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Attach after the end: %v, want ErrNotRunning", err)
	}

	parent, _ := startParent(t, dir)
	wantGuard(dir)
	_ = parent.Process.Kill()
	_ = parent.Wait()
}

// The postmaster.pid of a server that was killed, or has not written all of it, leads nowhere, not even where somebody else
// listens by now.
func TestAttachToAStalePIDFile(t *testing.T) {
	t.Parallel()
	dir, other := copyOfCluster(t, newDir(t)), launch(t, copyOfCluster(t, newDir(t)))
	path := filepath.Join(dir, "postgres", "postmaster.pid")
	for name, content := range map[string]string{
		"of somebody else": "1\n" + dir + "/postgres\n1\n5432\n" + other.socketDir + "\n\n",
		"empty":            "",
	} {
		write(t, path, content)
		if _, err := Attach(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
			t.Errorf("%s: %v, want ErrNotRunning", name, err)
		}
	}
	write(t, path, "123\n/data\n1\n5432\n")
	if _, err := readAttachment(path); !errors.Is(err, ErrNotRunning) {
		t.Errorf("half written: %v, want ErrNotRunning", err)
	}
}

// A server with a socket elsewhere, because the path of the directory is long, is found too.
func TestAttachToASocketElsewhere(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t)+"-with-a-name-that-is-too-long-for-a-socket-below-it-since-those-are-limited-to-a-hundred-bytes")
	s := launch(t, dir)
	a, err := Attach(t.Context(), dir)
	if err != nil || a.URL("postgres") != s.URL("postgres") || filepath.Dir(s.socketDir) == dir {
		t.Errorf("Attach = %v, %v; want %s", a, err, s.URL("postgres"))
	}
}
