package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// exile is where clusters live whose data directory the server's user cannot
// reach, as when root keeps it below /root.
const exile = "/var/lib/menshen"

// unfinished is the prefix of a cluster that initdb has not finished.
const unfinished = "postgres.init-"

// cluster is a finished cluster and the programs that fit it.
type cluster struct {
	data    string // symlinks resolved
	install installation
	runAs   *account
}

// makeDataDir creates the data directory if it is missing, and returns its
// absolute path without symlinks. One that exists keeps its permissions.
func makeDataDir(dir string, runAs *account) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	err = os.Mkdir(dir, 0o700)
	if err == nil && runAs != nil {
		// The server must pass through to its cluster, but sees nothing else.
		err = errors.Join(os.Chown(dir, os.Geteuid(), int(runAs.gid)), os.Chmod(dir, 0o710))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// openCluster finds the cluster of dir, or makes it. The caller holds the lock.
func openCluster(ctx context.Context, dir string, runAs *account, o Options) (cluster, error) {
	removeUnfinished(dir, o.Log)
	path := filepath.Join(dir, "postgres")
	version, err := clusterVersion(path)
	if err != nil {
		return cluster{}, err
	}
	install, err := findInstallation(version, runAs)
	if err != nil {
		return cluster{}, fmt.Errorf("%s: %w", dir, err)
	}
	if version == 0 {
		if err := createCluster(ctx, dir, install, runAs, o); err != nil {
			return cluster{}, err
		}
	}
	data, err := filepath.EvalSymlinks(path)
	if err != nil {
		return cluster{}, err
	}
	return cluster{data: data, install: install, runAs: runAs}, nil
}

// createCluster makes the cluster under a temporary name. The rename at the end
// is what makes it exist, so an interrupted initdb leaves nothing that could be
// mistaken for a cluster.
func createCluster(ctx context.Context, dir string, install installation, runAs *account, o Options) error {
	o.Log.Info("creating a PostgreSQL cluster", "dir", dir, "version", install.major)
	temp, err := makeUnfinished(dir, runAs, o.Log)
	if err != nil {
		return err
	}
	home, err := filepath.EvalSymlinks(temp)
	if err != nil {
		return err
	}
	if err := initdb(ctx, install, home, runAs); err != nil {
		removeUnfinished(dir, o.Log)
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, "postgres")); err != nil {
		return err
	}
	if o.Durable {
		// initdb did not wait for the disk; neither do we, but it must not
		// take the half minute that the kernel would allow itself.
		go syscall.Sync()
	}
	return nil
}

// makeUnfinished creates the directory for initdb in dir; or, if the server's
// user cannot reach dir, in exile with a symlink to it in dir.
func makeUnfinished(dir string, runAs *account, log *slog.Logger) (string, error) {
	if runAs.canReach(dir) {
		temp, err := os.MkdirTemp(dir, unfinished)
		if err != nil {
			return "", err
		}
		return temp, runAs.own(temp)
	}
	if err := errors.Join(os.MkdirAll(exile, 0o711), os.Chmod(exile, 0o711)); err != nil { // whatever the umask
		return "", err
	}
	home, err := os.MkdirTemp(exile, "")
	if err != nil {
		return "", err
	}
	log.Info("the server's user cannot reach the data directory; the cluster is kept elsewhere",
		"uid", runAs.uid, "dir", dir, "cluster", home)
	link := filepath.Join(dir, unfinished+filepath.Base(home))
	if err := os.Symlink(home, link); err != nil {
		return "", err
	}
	return link, runAs.own(home)
}

// removeUnfinished deletes what an interrupted initdb left in dir. It is in
// nobody's way, so a failure is only logged.
func removeUnfinished(dir string, log *slog.Logger) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		log.Warn("cannot look for unfinished clusters", "error", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), unfinished) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if err := removeCluster(path); err != nil {
			log.Warn("cannot remove an unfinished cluster", "path", path, "error", err)
			continue
		}
		log.Info("removed an unfinished cluster", "path", path)
	}
}

// removeCluster deletes the directory at path, or the symlink and its exile.
func removeCluster(path string) error {
	if target, err := os.Readlink(path); err == nil && filepath.Dir(target) == exile {
		if err := os.RemoveAll(target); err != nil {
			return err
		}
	}
	return os.RemoveAll(path)
}

// Remove deletes a data directory with everything in it. It fails with ErrInUse
// while a server runs there. A directory that is missing is no error.
func Remove(dir string) error {
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return nil
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer lock.release()
	if err := removeCluster(filepath.Join(dir, "postgres")); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
