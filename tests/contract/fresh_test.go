package contract

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestMergedContractIsFresh: what consumers read is what the fragments say.
func TestMergedContractIsFresh(t *testing.T) {
	t.Parallel()
	if out, err := inRoot(t, "go", "run", "./openapi/merge", "-check"); err != nil {
		t.Errorf("openapi/openapi.yaml is not what base.yaml and fragments/ give; run `make gen`\n%s", out)
	}
}

// TestGeneratedCodeIsFresh: the server and the client are those of the contract.
func TestGeneratedCodeIsFresh(t *testing.T) {
	t.Parallel()
	root, dir := moduleRoot(t), t.TempDir()
	config := read(t, filepath.Join(root, "oapi-codegen.yaml"))
	output := regexp.MustCompile(`(?m)^output: gen/gen\.go$`) // the flag -o does not override it
	if !output.Match(config) {
		t.Fatal("oapi-codegen.yaml does not say `output: gen/gen.go`")
	}
	again, changed := filepath.Join(dir, "gen.go"), filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(changed, output.ReplaceAllLiteral(config, []byte("output: "+again)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := inRoot(t, "go", "tool", "oapi-codegen", "-config", changed, "openapi/openapi.yaml"); err != nil {
		t.Fatalf("oapi-codegen: %v\n%s", err, out)
	}
	if !bytes.Equal(read(t, again), read(t, filepath.Join(root, "gen", "gen.go"))) {
		t.Error("gen/gen.go is not what openapi/openapi.yaml gives; run `make gen`")
	}
}

func inRoot(t *testing.T, name string, args ...string) ([]byte, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = moduleRoot(t)
	return command.CombinedOutput()
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
