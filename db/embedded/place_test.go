package embedded

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestOtherMajorVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	version := filepath.Join(dir, "postgres", "PG_VERSION")
	if err := os.MkdirAll(filepath.Dir(version), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, version, "9\n")
	install, err := findInstallation(0, nil)
	if err != nil {
		t.Fatal(err)
	}

	_, err = Start(t.Context(), Options{Dir: dir})
	if err == nil {
		t.Fatal("a cluster of PostgreSQL 9 was accepted")
	}
	for _, want := range []string{"PostgreSQL 9", strconv.Itoa(install.major), dir} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if content, _ := os.ReadFile(version); string(content) != "9\n" {
		t.Errorf("the cluster was touched: PG_VERSION = %q", content)
	}
}

// Whatever is in the way is somebody's, and stays.
func TestForeignDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	file := filepath.Join(dir, "postgres", "thesis.txt")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, file, "precious")
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "not a PostgreSQL cluster") {
		t.Errorf("Start = %v, want a refusal", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// The path of a unix socket is short, and those of people are long and strange.
func TestLongAndStrangePaths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path   string
		inside bool // whether the socket finds a place in the data directory
	}{
		"strange":    {`a "b" & 'c' + 100%`, true},
		"two hosts":  {"a,b", false},
		"long":       {strings.Repeat("long", 15) + "/" + strings.Repeat("long", 15), false},
		"just right": {"", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := newDir(t)
			dir := filepath.Join(base, c.path)
			if name == "just right" {
				tail := len("/socket/.s.PGSQL.5432")
				dir = base + strings.Repeat("x", maxSocketPath-len(base)-tail)
			}
			if err := os.MkdirAll(filepath.Dir(dir), 0o711); err != nil {
				t.Fatal(err)
			}
			s := launch(t, copyOfCluster(t, dir))
			if got := value(t, s, "postgres", "SHOW data_directory"); got != filepath.Join(dir, "postgres") {
				t.Errorf("data_directory = %q", got)
			}
			if inside := s.socketDir == filepath.Join(dir, "socket"); inside != c.inside {
				t.Errorf("socket in %s", s.socketDir)
			}
			stop(t, s)
			if _, err := os.Stat(s.socketDir); !os.IsNotExist(err) {
				t.Errorf("the directory of the socket stays behind: %v", err)
			}
		})
	}
}

// Below a closed directory, such as /root, the user of the server cannot live.
// Root then keeps the cluster elsewhere; anyone else runs the server as
// themselves, and keeps it there.
func TestUnreachableDirectory(t *testing.T) {
	t.Parallel()
	parent := newDir(t)
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "data")
	var log bytes.Buffer
	s, err := Start(t.Context(), Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	execute(t, s, "postgres", "CREATE TABLE kept (n int)")
	home := value(t, s, "postgres", "SHOW data_directory")
	stop(t, s)

	if os.Geteuid() == 0 {
		if filepath.Dir(home) != exile {
			t.Errorf("cluster in %s, want it in %s", home, exile)
		}
		if target, err := os.Readlink(filepath.Join(dir, "postgres")); err != nil || target != home {
			t.Errorf("symlink to %q (%v), want %q", target, err, home)
		}
		if !strings.Contains(log.String(), home) {
			t.Errorf("the log does not say where the cluster is: %s", log.String())
		}
	} else if home != filepath.Join(dir, "postgres") {
		t.Errorf("cluster in %s, want it in %s", home, dir)
	}

	s = launch(t, dir)
	value(t, s, "postgres", "SELECT count(*) FROM kept")
	stop(t, s)
	if err := Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(home); !os.IsNotExist(err) {
		t.Errorf("Remove leaves %s: %v", home, err)
	}
	if err := Remove(dir); err != nil {
		t.Errorf("Remove of nothing: %v", err)
	}
}

// Not parallel: it changes where the package looks.
func TestNotInstalled(t *testing.T) {
	defer func(places []string) { wellKnown = places }(wellKnown)
	wellKnown = nil
	t.Setenv("PATH", t.TempDir())

	_, err := Start(t.Context(), Options{Dir: newDir(t)})
	if !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("Start = %v, want ErrNotInstalled", err)
	}
	for _, remedy := range []string{"make postgres", "MENSHEN_DATABASE_URL"} {
		if !strings.Contains(err.Error(), remedy) {
			t.Errorf("%q does not name %s", err, remedy)
		}
	}
}
