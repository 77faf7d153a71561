package embedded

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// port is part of the socket's file name; no port is opened.
	port = "5432"
	// maxSocketPath is the longest path of a unix socket, in bytes: 107 on
	// Linux, 103 on macOS and the BSDs.
	maxSocketPath = 103
)

// makeSocketDir creates the directory of the socket: in dir if possible, else
// under a name derived from dir in the directory for temporary files.
func makeSocketDir(dir string, runAs *account) (string, error) {
	alias := fmt.Sprintf("menshen-%x", sha256.Sum256([]byte(dir)))[:24]
	for _, path := range []string{
		filepath.Join(dir, "socket"),
		filepath.Join(os.TempDir(), alias),
		filepath.Join("/tmp", alias),
	} {
		socket := filepath.Join(path, ".s.PGSQL."+port)
		if len(socket) > maxSocketPath || !runAs.canReach(filepath.Dir(path)) {
			continue
		}
		if strings.Contains(path, ",") { // clients would take it for two hosts
			continue
		}
		// Made anew, because the lock file that a killed server leaves beside
		// its socket can name a PID that now belongs to some other program;
		// and because whatever stands there is not known to be ours.
		if err := os.RemoveAll(path); err != nil {
			return "", err
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			return "", err
		}
		return path, runAs.own(path)
	}
	return "", fmt.Errorf("no place for a unix socket of at most %d bytes: set TMPDIR to a short path", maxSocketPath)
}
