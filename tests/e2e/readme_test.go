package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/tests/harness"
)

// TestREADME pastes the walk-through of the README into a shell: it must work as printed, and end with a login that the
// authenticator protects and a QR login. curl, jq and oathtool are independent of us.
func TestREADME(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "jq", "oathtool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing; run `make tools`", program)
		}
	}
	h := harness.New(t)
	dir := t.TempDir()
	credentials, err := json.Marshal(h.Credentials)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".data", "credentials.json"), credentials, 0o600); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("bash", "-euo", "pipefail", "-c", walkthrough(t, string(readme)))
	shell.Dir = dir
	output, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	rest := string(output)
	for _, want := range []string{
		`{"base":{"code":10000,"msg":"Success"}}`,  // registered
		`{"base":{"code":10000,"msg":"Success"}}`,  // bound
		`A code of the authenticator is required.`, // refused without a code
		`"username":"alice"`,                       // signed in with one
		`"success":true`, `"success":true`,         // scanned, confirmed
		`"token_type":"bearer"`, // exchanged
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("no %s in the rest of the output:\n%s", want, output)
		}
		rest = after
	}
}

// walkthrough returns the shell blocks of the walk-through.
func walkthrough(t *testing.T, readme string) string {
	t.Helper()
	_, readme, found := strings.Cut(readme, "<!-- walkthrough:")
	if !found {
		t.Fatal("the README has no walk-through")
	}
	var script strings.Builder
	for {
		_, after, found := strings.Cut(readme, "```sh\n")
		if !found {
			return script.String()
		}
		block, rest, _ := strings.Cut(after, "```")
		script.WriteString(block)
		readme = rest
	}
}
