package fuzz

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// target is a fuzz target of Go, and what became of it.
type target struct {
	dir, name string // of the package, below the root; of the function

	output []byte
	err    error
	took   time.Duration
}

// kinds are the inputs that are fuzzed in every run of the tests, each by one target (security.md, bad input).
var kinds = map[string]target{
	"otpauth":         {dir: "impl/internal/otpauth", name: "FuzzParse"},
	"base32":          {dir: "impl/internal/otpauth", name: "FuzzParseSecret"},
	"E.164":           {dir: "impl/internal/address", name: "FuzzPhone"},
	"identity split":  {dir: "impl/account", name: "FuzzSplitIdentity"},
	"WeChat XML":      {dir: "impl/wechat", name: "FuzzParseMessage"},
	"JSON bodies":     {dir: "impl/internal/httpapi", name: "FuzzJSONBody"},
	"Accept-Language": {dir: "impl/internal/lang", name: "FuzzMatch"},
}

const root = "../.."

// TestTargets: no input of 30 s of mutation breaks what a fuzz target says of its parser. In a usual run these are the seven kinds,
// all at once; the others run with their seeds and with what broke them once, like any test, and are fuzzed by make fuzz.
func TestTargets(t *testing.T) {
	all := targets(t)
	chosen, each, atOnce := []target(nil), 30*time.Second, len(kinds)
	for kind, k := range kinds {
		if !slices.ContainsFunc(all, func(other target) bool { return other.dir == k.dir && other.name == k.name }) {
			t.Errorf("no target %s in %s for %s", k.name, k.dir, kind)
		}
		chosen = append(chosen, k)
	}
	if long := os.Getenv("MENSHEN_TEST_FUZZ"); long != "" {
		var err error
		if each, err = time.ParseDuration(long); err != nil {
			t.Fatal(err)
		}
		chosen, atOnce = all, runtime.NumCPU()
	}
	slices.SortFunc(chosen, func(a, b target) int { return cmp.Or(cmp.Compare(a.dir, b.dir), cmp.Compare(a.name, b.name)) })
	began := time.Now()
	binaries := build(t, chosen)
	t.Attr("targets", fmt.Sprint(len(chosen)))
	t.Attr("built", time.Since(began).Round(time.Second).String())
	fuzz(t, chosen, binaries, each, atOnce)
	for _, target := range chosen {
		t.Run(target.name, target.report)
	}
}

// targets finds all of them.
func targets(t *testing.T) (list []target) {
	t.Helper()
	declaration := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range declaration.FindAllSubmatch(text, -1) {
			dir, _ := filepath.Rel(root, filepath.Dir(path))
			list = append(list, target{dir: filepath.ToSlash(dir), name: string(match[1])})
		}
		return err
	})
	if err != nil || len(list) < len(kinds) {
		t.Fatalf("only %d targets, %v", len(list), err)
	}
	return list
}

// build compiles the packages of the targets, instrumented, one after the other: each takes all processors.
func build(t *testing.T, list []target) map[string]string {
	t.Helper()
	binaries, dir := map[string]string{}, t.TempDir()
	for _, target := range list {
		if binaries[target.dir] != "" {
			continue
		}
		path := filepath.Join(dir, strings.ReplaceAll(target.dir, "/", "-"))
		command := exec.CommandContext(t.Context(), "go", "test", "-c", "-fuzz", "^Fuzz", "-o", path, "./"+target.dir)
		command.Dir = root
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", target.dir, err, output)
		}
		binaries[target.dir] = path
	}
	return binaries
}

// fuzz runs the targets, some at once, one worker each. They give way to other tests, whose time-outs count.
func fuzz(t *testing.T, list []target, binaries map[string]string, each time.Duration, atOnce int) {
	t.Helper()
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i := range list {
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			target, began := &list[i], time.Now()
			found := filepath.Join(strings.TrimSpace(string(cache)), "fuzz", "github.com/menshen-auth/menshen", target.dir)
			command := exec.CommandContext(t.Context(), "nice", binaries[target.dir], "-test.run=^$", "-test.fuzz=^"+target.name+"$",
				"-test.fuzztime="+each.String(), "-test.parallel=1", "-test.fuzzcachedir="+found,
				"-test.fuzzminimizetime=1s") // of 60 s for each interesting input nothing would be left
			command.Dir = filepath.Join(root, target.dir) // where a crasher becomes a seed
			target.output, target.err = command.CombinedOutput()
			target.took = time.Since(began)
		})
	}
	running.Wait()
}

var progress = regexp.MustCompile(`execs: (\d+) .*new interesting: (\d+)`)

// report says what became of a target; an input that broke it is in testdata/fuzz then, and to be committed.
func (target target) report(t *testing.T) {
	told := progress.FindAllSubmatch(target.output, -1)
	if target.err != nil || len(told) == 0 || bytes.Equal(told[len(told)-1][1], []byte("0")) {
		t.Fatalf("%s in %s: %v\n%s", target.name, target.dir, target.err, target.output)
	}
	t.Attr("execs", string(told[len(told)-1][1]))
	t.Attr("interesting", string(told[len(told)-1][2]))
	t.Attr("for", target.took.Round(time.Second).String())
}
