package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ErrInUse means that another server of this package owns the directory.
var ErrInUse = errors.New("the data directory is in use")

// dirLock is the ownership of a data directory. The kernel drops it with the
// process, however that ends, so it can never be stale; the PID in the file is
// only for the message.
type dirLock struct{ file *os.File }

// lockDir takes the lock of dir, or fails with ErrInUse.
func lockDir(dir string) (*dirLock, error) {
	// The file is never deleted: whoever deletes a lock file lets two processes
	// hold "the" lock, one of them on a file without a name.
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: %s%s", ErrInUse, dir, holder(f))
	}
	if err == nil {
		err = errors.Join(f.Truncate(0), writePID(f))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &dirLock{f}, nil
}

// LockDir takes the ownership of a data directory that has no server in it: two processes must not write its files either.
// It makes the directory when it is missing. ErrInUse means that another process owns it.
func LockDir(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	return lock.release, nil
}

func writePID(f *os.File) error {
	_, err := fmt.Fprintln(f, os.Getpid())
	return err
}

// holder names the process that has the lock, if it has already written its PID.
func holder(f *os.File) string {
	content := make([]byte, 20)
	n, _ := f.Read(content)
	pid, err := strconv.Atoi(strings.TrimSpace(string(content[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (by process %d)", pid)
}

func (l *dirLock) release() {
	_ = l.file.Truncate(0) // the PID is of no more use
	// Close alone would leave the lock to a child that is just being forked,
	// until it executes its program.
	_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	l.file.Close()
}
