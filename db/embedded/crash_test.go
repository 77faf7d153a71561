package embedded

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server must not outlive its parent, not even one that had no time to stop it.
func TestServerEndsWithAKilledParent(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	parent, pid := startParent(t, dir)

	_ = parent.Process.Kill()
	_ = parent.Wait()
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server, process %d, outlives its parent", pid)
		}
	}
	value(t, launch(t, dir), "postgres", "SELECT 1")
}

// Whoever restarts a killed program at once finds its server still shutting down.
func TestStartWaitsForTheOrphan(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	parent, _ := startParent(t, dir)
	_ = parent.Process.Kill()
	_ = parent.Wait() // the lock is free from here on
	value(t, launch(t, dir), "postgres", "SELECT 1")
}

// A server that did not notice the end of its parent, or that somebody started
// by hand, is stopped by whoever holds the lock.
func TestServerWithoutOwnerIsStopped(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	s := launch(t, dir)
	args := slices.Clone(s.process.cmd.Args)
	args[slices.Index(args, "-k")+1] = filepath.Join(dir, "postgres")
	stop(t, s)

	stray := exec.Command(args[0], args[1:]...)
	stray.Dir = "/"
	stray.SysProcAttr = &syscall.SysProcAttr{Credential: s.process.cmd.SysProcAttr.Credential}
	if err := stray.Start(); err != nil {
		t.Fatal(err)
	}
	defer stray.Wait()
	defer stray.Process.Kill()
	pidFile := filepath.Join(dir, "postgres", "postmaster.pid")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if content, _ := os.ReadFile(pidFile); bytes.HasSuffix(bytes.TrimSpace(content), []byte("ready")) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the stray server does not start")
		}
	}
	value(t, launch(t, dir), "postgres", "SELECT 1")
	if err := stray.Wait(); err != nil {
		t.Errorf("the stray server was not shut down in an orderly way: %v", err)
	}
}

// A cluster that an interrupted initdb left behind is no cluster.
func TestKilledInitdbIsForgotten(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), serveVariable+"="+dir)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(dir, unfinished+"*", "PG_VERSION")); len(found) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("initdb does not begin")
		}
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	if _, err := os.Lstat(filepath.Join(dir, "postgres")); !os.IsNotExist(err) {
		t.Fatalf("half a cluster stands in its place: %v", err)
	}
	value(t, launch(t, dir), "postgres", "SELECT 1")
}

func TestLeftoversOfInitdbAreRemoved(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	leftover := filepath.Join(dir, unfinished+"123")
	if err := os.MkdirAll(leftover, 0o711); err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o711)
	write(t, filepath.Join(leftover, "PG_VERSION"), "15\n")
	launch(t, dir)
	if found, _ := filepath.Glob(filepath.Join(dir, unfinished+"*")); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
}

// After kill -9 or a power failure, postmaster.pid can name any program of a
// later boot. PostgreSQL itself refuses to start on such a file.
func TestStalePIDFileOfALiveProgram(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	s := launch(t, dir)
	pidFile := filepath.Join(dir, "postgres", "postmaster.pid")
	content, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, s)

	runAs, err := serverUser(filepath.Join(dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	sleep := exec.Command("sleep", "60")
	sleep.Dir = "/"
	sleep.SysProcAttr = &syscall.SysProcAttr{Credential: runAs.credential()} // others' PIDs do not count
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer sleep.Wait()
	defer sleep.Process.Kill()

	_, rest, _ := bytes.Cut(content, []byte("\n"))
	for name, stale := range map[string]string{
		"live PID": fmt.Sprintf("%d\n%s", sleep.Process.Pid, rest),
		"only PID": fmt.Sprintf("%d\n", sleep.Process.Pid),
		"cut off":  strconv.Itoa(sleep.Process.Pid),
		"empty":    "",
		"garbage":  "\x00\x00\x00\x00\n",
	} {
		write(t, pidFile, stale)
		if err := runAs.own(pidFile); err != nil {
			t.Fatal(err)
		}
		s, err := Start(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		stop(t, s)
	}
	if err := syscall.Kill(sleep.Process.Pid, 0); err != nil {
		t.Errorf("the unrelated program was killed: %v", err)
	}
}

// The end of the server is noticed, explained, and recovered from.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	dir := copyOfCluster(t, newDir(t))
	s := launch(t, dir)
	if err := s.Err(); err != nil {
		t.Errorf("Err of a running server: %v", err)
	}
	_ = s.process.cmd.Process.Kill()
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done stays open")
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Err = %v, want the signal", err)
	}
	stop(t, s)
	value(t, launch(t, dir), "postgres", "SELECT 1")
}
