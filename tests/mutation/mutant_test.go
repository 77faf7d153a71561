package mutation

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
)

// guard is something that keeps a promise, and the test that must turn red without it.
type guard struct {
	name    string // with the requirement's id, where it has one
	file    string // path in the module
	text    string // that is taken away; it occurs once in the file
	instead string // what comes in its place; it compiles, and parameters of SQL keep their types
	red     string // the test, as for -run
	in      string // the test's package, if it is not the file's
	always  bool   // is tried in CI too: the cheapest of each capability
}

func guards() []guard { return slices.Concat(factorGuards, codeGuards, qrGuards, accountGuards) }

func (g guard) pkg() string { return cmp.Or(g.in, path.Dir(g.file)) }

// run is the pattern for -run: the test itself and none whose name goes on.
func (g guard) run() string {
	test, sub, _ := strings.Cut(g.red, "/")
	return "^(" + test + ")$/" + sub
}

// root is the directory of go.mod; tests run in that of their package.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// sources are files of the module by their paths, as they are or with guards taken away.
type sources map[string]string

// without takes a guard away. A guard that is not there once cannot be: the list is out of date.
func (s sources) without(t *testing.T, g guard) {
	t.Helper()
	if _, ok := s[g.file]; !ok {
		text, err := os.ReadFile(filepath.Join(root(t), g.file))
		if err != nil {
			t.Fatal(err)
		}
		s[g.file] = string(text)
	}
	if n := strings.Count(s[g.file], g.text); n != 1 {
		t.Fatalf("%s: %q occurs %d times in %s, want once", g.name, g.text, n, g.file)
	}
	s[g.file] = strings.Replace(s[g.file], g.text, g.instead, 1)
}

// overlay writes the files where go build -overlay takes them from, and returns its argument.
func (s sources) overlay(t *testing.T) string {
	t.Helper()
	dir, replace := t.TempDir(), map[string]string{}
	write := func(name string, text []byte) string {
		to := filepath.Join(dir, name)
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return to
	}
	for n, file := range slices.Sorted(maps.Keys(s)) {
		replace[filepath.Join(root(t), file)] = write(fmt.Sprint(n)+path.Ext(file), []byte(s[file]))
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	return "-overlay=" + write("overlay.json", list)
}

// raced is -race if this test was built with it: what is compiled for the other tests is there already.
var raced = sync.OnceValue(func() []string {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return []string{"-race"}
	}
	return nil
})

// compile runs go in the module. What it cannot compile is no mutant.
func compile(t *testing.T, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", slices.Insert(args, 1, raced()...)...)
	command.Dir = root(t)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}

// tests are those of a package, compiled.
type tests struct{ binary, dir, database string }

// compiled compiles the tests of a package, of the module as it is or with an overlay.
func compiled(t *testing.T, pkg, database string, overlay ...string) tests {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "tests")
	compile(t, slices.Concat([]string{"test"}, overlay, []string{"-c", "-o", binary, "./" + pkg})...)
	return tests{binary, filepath.Join(root(t), pkg), database}
}

var (
	ran    = regexp.MustCompile(`(?m)^--- (?:PASS|FAIL): (\S+)`)
	failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)
)

// run runs some of them and returns those that have failed. That none has run, or that the tests end in any other way than by
// a verdict (a panic, a time-out), is no result.
func (x tests) run(t *testing.T, pattern string) (red []string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), x.binary, "-test.v", "-test.timeout=3m", "-test.run", pattern)
	command.Dir = x.dir
	command.Env = append(os.Environ(), "MENSHEN_TEST_DATABASE_URL="+x.database)
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	for _, found := range failed.FindAllSubmatch(output, -1) {
		red = append(red, string(found[1]))
	}
	if !ran.Match(output) || (err != nil) != (len(red) > 0) || strings.Contains(string(output), "\npanic: ") {
		t.Fatalf("%s of %s gives no verdict: %v\n%s", pattern, x.dir, err, output)
	}
	return red
}
