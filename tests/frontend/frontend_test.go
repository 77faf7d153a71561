package frontend

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/menshen-auth/menshen/tests/harness/script"
)

const modules = "node_modules"

var node = script.Tool{Target: "frontend-tools", Program: "node"}

// TestTypesAreFresh: the types that front ends take are those of the contract.
func TestTypesAreFresh(t *testing.T) {
	t.Parallel()
	want := output(t, "npm", "run", "--silent", "types")
	got, err := os.ReadFile("contract.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("contract.d.ts is not what openapi/openapi.yaml gives; run `make types`")
	}
}

// TestStories: what the types promise a front end, it gets from Menshen; and the mistakes that they promise to find are found,
// since those are compiled with the stories.
func TestStories(t *testing.T) {
	t.Parallel()
	dir := compiled(t)
	for _, s := range stories {
		t.Run(s.Name, func(t *testing.T) { node.Run(t, s, filepath.Join(dir, "suite", s.Name+".js")) })
	}
}

// TestEveryStoryRuns: a story that nobody runs protects nothing.
func TestEveryStoryRuns(t *testing.T) {
	t.Parallel()
	script.EveryOneRuns(t, filepath.Join("suite", "*.ts"), stories, "person")
}

// TestConsoleHasTypes: the console reads and writes what the contract says. Where there is no console, the compiler says that
// it has found no file.
func TestConsoleHasTypes(t *testing.T) {
	t.Parallel()
	output(t, "node", filepath.Join(modules, "typescript", "bin", "tsc"), "--project", "tsconfig.console.json")
}

// compiled compiles this directory, for Node.js cannot run TypeScript, and returns where the outcome is.
func compiled(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	output(t, "node", filepath.Join(modules, "typescript", "bin", "tsc"), "--project", ".", "--outDir", root)
	dir := filepath.Join(root, "frontend")
	for _, name := range []string{modules, "package.json"} {
		here, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(here, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// output runs a program that is installed here, and returns what it writes.
func output(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	node.Installed(t, "package-lock.json", modules)
	command := exec.CommandContext(t.Context(), program, args...)
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", command.Args, err, out, problems.Bytes())
	}
	return out
}

// TestVendoredIsAsPublished: what the console carries of others' is what they published, to the byte.
func TestVendoredIsAsPublished(t *testing.T) {
	t.Parallel()
	node.Installed(t, "package-lock.json", modules)
	carried := filepath.Join("..", "..", "impl", "console", "static", "vendor", "qr")
	for ours, theirs := range map[string]string{
		"index.js": "index.js", "index.d.ts": "index.d.ts", "decode.js": "decode.js", "decode.d.ts": "decode.d.ts", "LICENSE.txt": "LICENSE-MIT",
	} {
		want, err := os.ReadFile(filepath.Join(modules, "qr", theirs))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(carried, ours)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not that of the locked package qr (%v): copy it from tests/frontend/node_modules/qr/%s", ours, err, theirs)
		}
	}
}
