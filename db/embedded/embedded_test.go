package embedded

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A data directory is created on the first start, and found again on the second.
func TestSecondStartFindsTheData(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := launch(t, dir)
	if err := s.EnsureDatabase(t.Context(), "menshen"); err != nil {
		t.Fatal(err)
	}
	execute(t, s, "menshen", "CREATE TABLE guard (name text)")
	execute(t, s, "menshen", "INSERT INTO guard VALUES ('Qin Qiong')")
	stop(t, s)

	s = launch(t, dir)
	if err := s.EnsureDatabase(t.Context(), "menshen"); err != nil {
		t.Errorf("EnsureDatabase of one that exists: %v", err)
	}
	if got := value(t, s, "menshen", "SELECT name FROM guard"); got != "Qin Qiong" {
		t.Errorf("name = %q after a restart", got)
	}
	if got := value(t, s, "postgres", "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"); got != "menshen postgres" {
		t.Errorf("databases = %q", got)
	}
}

// The server is a private one: no TCP, no door for other users, and none of the
// secrets that this process carries in its environment.
func TestServerIsPrivate(t *testing.T) {
	t.Parallel()
	s := launch(t, copyOfCluster(t, newDir(t)))
	if got := value(t, s, "postgres", "SHOW listen_addresses"); got != "" {
		t.Errorf("listen_addresses = %q, want none", got)
	}
	for _, dir := range []string{s.socketDir, value(t, s, "postgres", "SHOW data_directory")} {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, want 0700", dir, info.Mode())
		}
	}
	execute(t, s, "postgres", "CREATE TABLE env (line text)")
	execute(t, s, "postgres", "COPY env FROM PROGRAM 'env'")
	if got := value(t, s, "postgres", "SELECT coalesce(string_agg(line, ' '), '') FROM env WHERE line ~ '^(MENSHEN|PGPORT)'"); got != "" {
		t.Errorf("the server knows our environment: %s", got)
	}
	// As root, the server must have become someone else.
	execute(t, s, "postgres", "TRUNCATE env")
	execute(t, s, "postgres", "COPY env FROM PROGRAM 'id -u'")
	uid := value(t, s, "postgres", "SELECT line FROM env")
	if ours := strconv.Itoa(os.Geteuid()); uid == "0" || ours != "0" && uid != ours {
		t.Errorf("the server runs as user %s, we are %s", uid, ours)
	}
}

// Two servers on one directory would destroy it.
func TestSecondInstanceIsRefused(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	s := launch(t, dir)

	_, err := Start(t.Context(), Options{Dir: dir})
	if !errors.Is(err, ErrInUse) {
		t.Fatalf("second Start: %v, want ErrInUse", err)
	}
	for _, want := range []string{dir, strconv.Itoa(os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	if err := Remove(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("Remove of a running server: %v, want ErrInUse", err)
	}
	value(t, s, "postgres", "SELECT 1") // the first one is unharmed
}

func TestStopTwice(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	s := launch(t, dir)
	stop(t, s)
	stop(t, s)
	select {
	case <-s.Done():
	default:
		t.Error("Done is open after Stop")
	}
	if err := s.Err(); err != nil {
		t.Errorf("Err after Stop: %v", err)
	}
	again := launch(t, dir) // the lock is free
	stop(t, s)              // and a late Stop does not touch the successor
	value(t, again, "postgres", "SELECT 1")
}

// A Stop that runs out of time cuts the server off, and says so.
func TestStopOutOfTime(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	s := launch(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop = %v, want context.Canceled", err)
	}
	<-s.Done()
	value(t, launch(t, dir), "postgres", "SELECT 1")
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{Dir: dir}); err == nil {
		t.Fatal("Start ignores its context")
	}
	launch(t, dir)
	if found, _ := filepath.Glob(filepath.Join(dir, unfinished+"*")); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
}

// What the server has to say about a failed start is in its log; the reader of
// the error should not have to look there.
func TestFailedStartShowsTheLog(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	write(t, filepath.Join(dir, "postgres", "postgresql.conf"), "no_such_setting = on\n")
	_, err := Start(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("Start = %v, want the reason", err)
	}
}

// A server that is up but lets nobody in will not change its mind.
func TestStartFailsOnAClosedDoor(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	write(t, filepath.Join(dir, "postgres", "pg_hba.conf"), "local all all reject\n")
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "pg_hba.conf") {
		t.Errorf("Start = %v, want the refusal", err)
	}
	if err := Remove(dir); err != nil {
		t.Errorf("a failed start keeps the directory: %v", err)
	}
}

func TestLongLogIsEmptied(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	stop(t, launch(t, dir))
	path := filepath.Join(dir, "postgres.log")
	before, err := os.ReadFile(path)
	if err != nil || len(before) == 0 {
		t.Fatalf("the log is empty: %v", err)
	}
	stop(t, launch(t, dir))
	after, _ := os.ReadFile(path)
	if !bytes.HasPrefix(after, before) {
		t.Error("a short log is not continued")
	}
	if err := os.Truncate(path, maxLogSize+1); err != nil {
		t.Fatal(err)
	}
	stop(t, launch(t, dir))
	if info, _ := os.Stat(path); info.Size() > maxLogSize {
		t.Errorf("the log has %d bytes", info.Size())
	}
}
