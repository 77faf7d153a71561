package script

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/tests/harness"
)

// Script is a program and the steps that it takes.
type Script struct {
	Name  string // of its file, without the extension
	Steps []string
}

// Tool is what runs scripts.
type Tool struct {
	Target  string // of the Makefile, which installs it
	Program string
	Args    []string // before the script's file
}

// Installed checks that the tool is there, and that what is in a directory is what its lock file says: make leaves a copy of
// that there.
func (tool Tool) Installed(t *testing.T, lock, dir string) {
	t.Helper()
	if _, err := exec.LookPath(tool.Program); err != nil {
		t.Fatalf("%v: run `make %s`", err, tool.Target)
	}
	want, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, ".installed")); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s is not what %s says: run `make %s`", dir, lock, tool.Target)
	}
}

// Run runs the script in a file against a Menshen of its own, and makes a subtest of every step.
func (tool Tool) Run(t *testing.T, s Script, file string) {
	t.Helper()
	w := &world{Instance: harness.New(t, harness.NoLimits), t: t} // a script is busier than a person
	command := exec.CommandContext(t.Context(), tool.Program, append(slices.Clone(tool.Args), file)...)
	command.WaitDelay = 10 * time.Second
	command.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*", "NODE_OPTIONS=")
	var problems bytes.Buffer
	command.Stderr = &problems
	stdin, stdout := must(command.StdinPipe())(t), must(command.StdoutPipe())(t)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	taken := w.converse(stdin, stdout)
	if err := command.Wait(); err != nil {
		t.Errorf("%s: %v\n%s", s.Name, err, problems.Bytes())
	}
	for _, step := range s.Steps {
		t.Run(step, func(t *testing.T) {
			outcome, ok := taken[step]
			if !ok {
				t.Fatal("the script did not get to this step")
			}
			if !outcome.OK {
				t.Fatal(outcome.Detail)
			}
		})
		delete(taken, step)
	}
	for step := range taken {
		t.Errorf("a step that steps_test.go does not list: %s", step)
	}
}

// EveryOneRuns checks that the scripts are all the files that a pattern matches, but for those that are no script: what others
// of them import.
func EveryOneRuns(t *testing.T, pattern string, scripts []Script, imported ...string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts %s: %v", pattern, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		listed := slices.ContainsFunc(scripts, func(s Script) bool { return s.Name == name })
		if !listed && !slices.Contains(imported, name) {
			t.Errorf("%s is not in steps_test.go", file)
		}
	}
}

func must[T any](value T, err error) func(testing.TB) T { return harness.Must(value, err) }
