package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestREADME pastes the walk-through of the README into a shell: it must work as printed, with a login that the authenticator
// protects, a code by e-mail and a QR login. curl, jq and oathtool are independent of us. Only the minute between two codes
// is left out.
func TestREADME(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "jq", "oathtool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing; run `make tools`", program)
		}
	}
	h := harness.New(t, func(c *app.Config) { c.LimitSend.Max = 0 })
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
	if err := os.Symlink(h.Outbox, filepath.Join(dir, ".data", "outbox")); err != nil {
		t.Fatal(err)
	}
	program(t, dir)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("bash", "-euo", "pipefail", "-c", "sleep() { :; }\n"+walkthrough(t, string(readme)))
	shell.Dir = dir
	shell.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "MENSHEN_") })
	output, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	rest := string(output)
	for _, want := range []string{
		`{"base":{"code":10000,"msg":"Success"}}`,  // registered
		`{"base":{"code":10000,"msg":"Success"}}`,  // bound
		`A code of the authenticator is required.`, // refused without a code
		`"username":"alice"`,                       // signed in with one, where the sign-in waited for it
		`"email":"bob@example.com"`,                // registered with a code by e-mail
		`"accessToken":"`,                          // signed in with another
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

// program puts bin/menshen into dir. It takes letters that it has shown away: a code that is asked for right after another is
// then not mistaken for it.
func program(t *testing.T, dir string) {
	t.Helper()
	bin := filepath.Join(dir, "bin")
	built := filepath.Join(bin, "menshen.built")
	output, err := exec.Command("go", "build", "-o", built, "github.com/menshen-auth/menshen/impl/cmd/menshen").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	script := "#!/bin/sh\n\"$0.built\" \"$@\" && rm -f .data/outbox/*.json\n"
	if err := os.WriteFile(filepath.Join(bin, "menshen"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
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
