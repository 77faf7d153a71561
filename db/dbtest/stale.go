package dbtest

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/menshen-auth/menshen/db/embedded"
)

const (
	stalePrefix = "menshen-test-"
	// youngest is the age up to which a directory may be of a server that is
	// just starting, and has not locked it yet.
	youngest = 10 * time.Second
)

// removeStale deletes the clusters in dir whose process has ended. It does what
// it can: the next run tries again.
func removeStale(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), stalePrefix) {
			continue
		}
		info, err := entry.Info()
		if err != nil || time.Since(info.ModTime()) < youngest {
			continue
		}
		if info.Sys().(*syscall.Stat_t).Uid != uint32(os.Geteuid()) {
			continue // anybody can make a directory of this name in /tmp
		}
		_ = embedded.Remove(filepath.Join(dir, entry.Name())) // in use, mostly
	}
}
