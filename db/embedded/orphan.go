package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	orphanGrace = 500 * time.Millisecond // how long an orphan may take before it is told again
	orphanLimit = 15 * time.Second       // how long we wait for it in all
)

// endOrphan deals with the postmaster.pid of a server whose parent was killed.
// Such a server has been told to stop and may still be at it. Or it is long
// dead, and its PID belongs to some other program by now, which would make
// PostgreSQL refuse to start.
//
// The caller holds the lock: a server that still runs here has no owner.
func endOrphan(ctx context.Context, data string, log *slog.Logger) error {
	path := filepath.Join(data, "postmaster.pid")
	began := time.Now()
	told := false
	for {
		pid, err := readPID(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !isServer(pid, data) {
			log.Info("a server was killed here; recovering", "pid", pid)
			return disownPIDFile(path)
		}
		waited := time.Since(began)
		if waited > orphanLimit {
			return fmt.Errorf("a server without owner, process %d, runs on %s and does not stop", pid, data)
		}
		if waited > orphanGrace && !told {
			log.Warn("stopping a server without owner", "pid", pid)
			_ = syscall.Kill(pid, syscall.SIGINT)
			told = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// readPID returns the first line of a postmaster.pid; 0 if that is no PID, as
// after a power failure.
func readPID(path string) (int, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid < 0 {
		return 0, nil
	}
	return pid, nil
}

// disownPIDFile makes PostgreSQL see that its lock file is stale. To delete it
// would also delete the key of the shared memory in it, by which a starting
// server notices that children of the dead one are still writing. So the file
// stays and gets our PID: a server never takes its own parent for a rival.
func disownPIDFile(path string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the server was just about to end
	}
	if err != nil {
		return err
	}
	_, rest, found := strings.Cut(string(content), "\n")
	if !found {
		return os.Remove(path) // cut short by a power failure: no shared memory either
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%d\n%s", os.Getpid(), rest), 0o600)
}
