package embedded

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that the server runs as; nil means our own.
type account struct{ uid, gid uint32 }

// serverUser picks the account for the cluster at path. Root cannot run
// PostgreSQL, and passes it to the owner of the cluster if it exists already
// (it may be from a time before a user postgres was created here, or from an
// ordinary user), else to postgres or nobody.
func serverUser(path string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if info, err := os.Stat(path); err == nil {
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 0 {
			return &account{stat.Uid, stat.Gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &account{uint32(uid), uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it")
}

// credential is what exec wants to know; nil means no change of user.
func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// own gives path to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// canReach reports whether the account may pass through dir and all its
// parents. It reads the mode bits only: with access lists that forbid more,
// the server fails with a message of its own.
func (a *account) canReach(dir string) bool {
	if a == nil {
		return true
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		stat := info.Sys().(*syscall.Stat_t)
		pass := os.FileMode(0o001)
		switch {
		case stat.Uid == a.uid:
			pass = 0o100
		case stat.Gid == a.gid:
			pass = 0o010
		}
		if info.Mode()&pass == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}
