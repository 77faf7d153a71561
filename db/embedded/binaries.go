package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNotInstalled means that this machine has no PostgreSQL server to run.
var ErrNotInstalled = errors.New("no PostgreSQL server (13 or newer) is installed: run `make postgres` to install one, " +
	"or set MENSHEN_DATABASE_URL to use a server elsewhere")

// oldestMajor is the first PostgreSQL with gen_random_uuid and everything else
// that the migrations take for granted.
const oldestMajor = 13

// wellKnown are the places where packages put servers without adding them to
// PATH. install.sh looks in the same places.
var wellKnown = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // Fedora, RHEL (packages of postgresql.org)
	"/usr/libexec/postgresql*",                           // Alpine
	"/usr/lib/postgresql*/bin",                           // openSUSE
	"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple silicon
	"/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
}

// installation is a directory with postgres and initdb, and their major version.
type installation struct {
	dir   string
	major int
}

// findInstallation returns the installation to use: the one in PATH, else the
// newest elsewhere. An existing cluster can only be run by its own major
// version, so major, unless it is 0, narrows the choice.
func findInstallation(major int, runAs *account) (installation, error) {
	var others []string
	for _, dir := range candidates() {
		if !runAs.canReach(dir) {
			continue
		}
		found, err := majorVersion(dir)
		if err != nil || found < oldestMajor {
			continue
		}
		if major == 0 || major == found {
			return installation{dir: dir, major: found}, nil
		}
		others = append(others, strconv.Itoa(found))
	}
	if len(others) > 0 {
		return installation{}, fmt.Errorf("the cluster was created by PostgreSQL %d, but this machine has PostgreSQL %s: "+
			"install PostgreSQL %d, or move the cluster away to begin with an empty one",
			major, strings.Join(slices.Compact(others), ", "), major)
	}
	return installation{}, ErrNotInstalled
}

// candidates are the directories that hold both programs, the preferred first.
func candidates() []string {
	var dirs []string
	add := func(dir string) {
		for _, program := range []string{"postgres", "initdb"} {
			if _, err := exec.LookPath(filepath.Join(dir, program)); err != nil {
				return
			}
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	if program, err := exec.LookPath("postgres"); err == nil {
		// Through the symlink, because the server finds its libraries from there.
		if program, err = filepath.EvalSymlinks(program); err == nil {
			add(filepath.Dir(program))
		}
	}
	var elsewhere []string
	for _, pattern := range wellKnown {
		matches, _ := filepath.Glob(pattern) // fails only on a malformed pattern
		elsewhere = append(elsewhere, matches...)
	}
	slices.SortStableFunc(elsewhere, func(a, b string) int { return versionInPath(b) - versionInPath(a) })
	for _, dir := range elsewhere {
		add(dir)
	}
	return dirs
}

var number = regexp.MustCompile(`\d+`)

// versionInPath guesses the major version from a directory name, to sort by.
func versionInPath(dir string) int {
	n, _ := strconv.Atoi(number.FindString(dir))
	return n
}

// majorVersion asks the server program in dir for its version.
func majorVersion(dir string) (int, error) {
	// "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)", or "17beta1"
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0, err
	}
	_, version, _ := strings.Cut(string(out), "(PostgreSQL) ")
	return strconv.Atoi(number.FindString(version))
}

// clusterVersion is the major version that created the cluster in data, 0 when
// there is no cluster.
func clusterVersion(data string) (int, error) {
	content, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Lstat(data); err == nil {
			return 0, fmt.Errorf("%s exists, but is not a PostgreSQL cluster (no PG_VERSION): move it away", data)
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, fmt.Errorf("%s/PG_VERSION says %q, which is not a version", data, content)
	}
	return version, nil
}
