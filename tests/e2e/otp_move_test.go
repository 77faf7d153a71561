package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

const passphrase = "a passphrase of five words"

// otpProgram runs `menshen otp` beside an instance and returns what it prints, and whether it succeeded.
func otpProgram(t *testing.T, h *harness.Instance, binary string, args ...string) (string, bool) {
	t.Helper()
	output, err := otpCommand(t, h, binary, args...).CombinedOutput()
	return string(output), err == nil
}

// otpCommand is `menshen otp` beside an instance.
func otpCommand(t *testing.T, h *harness.Instance, binary string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(binary, append([]string{"otp"}, args...)...)
	command.Dir = t.TempDir()
	command.Env = append(h.Environ(), "PATH="+os.Getenv("PATH"))
	return command
}

// TestAuthenticatorsMoveToAnotherMenshen is the way out, and in: what is exported here, encrypted, is imported there, and the
// phone goes on showing codes that open the door. Nobody has to scan anything again, nothing is imported if anything is wrong,
// and doing it twice changes nothing.
func TestAuthenticatorsMoveToAnotherMenshen(t *testing.T) {
	t.Parallel()
	here, there := harness.New(t), harness.New(t)
	dir := t.TempDir()
	program(t, dir)
	binary := filepath.Join(dir, "bin", "menshen.built")
	secret := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(secret, []byte(passphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	alice, bob := here.SignUp("alice").EnrolTOTP(), here.SignUp("bob").EnrolTOTP()
	for _, format := range []string{"pskc", "otpauth"} {
		file := filepath.Join(dir, format)
		output, ok := otpProgram(t, here, binary, "export", "--by", "username", "--format", format, "--passphrase-file", secret, file)
		if !ok || !strings.Contains(output, "2 authenticators exported") {
			t.Fatalf("export as %s: %s", format, output)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), alice.Secret) || strings.Contains(output, alice.Secret) {
			t.Errorf("%s: a secret is in plain text", format)
		}
		if _, ok := otpProgram(t, here, binary, "export", "--by", "username", "--passphrase-file", secret, file); ok {
			t.Errorf("%s: a file that is there was written over", format)
		}
	}
	pskc, lines := filepath.Join(dir, "pskc"), filepath.Join(dir, "otpauth")
	read := func(file string, args ...string) (string, bool) {
		return otpProgram(t, there, binary, append(append([]string{"import", "--by", "username", "--passphrase-file", secret}, args...), file)...)
	}
	there.SignUp("alice")
	if output, ok := read(pskc); ok || !strings.Contains(output, "nothing was imported") || !strings.Contains(output, `user "bob"`) {
		t.Errorf("an import with an unknown user: %s", output)
	}
	movedAlice := there.SignIn("alice") // nothing was imported: no code is asked for
	movedBob := there.SignUp("bob")
	if output, ok := read(pskc, "--check"); !ok || !strings.Contains(output, "2 authenticators can be imported") {
		t.Errorf("a check: %s", output)
	}
	if output, ok := read(pskc); !ok || !strings.Contains(output, "2 authenticators imported") {
		t.Fatalf("import: %s", output)
	}
	if output, ok := read(lines); !ok || !strings.Contains(output, "0 authenticators imported, 2 were there already") {
		t.Errorf("the same again, in the other format: %s", output)
	}
	there.Clock.Advance(time.Minute)
	movedAlice.Secret, movedBob.Secret = alice.Secret, bob.Secret
	wantRefused(t, "without a code", movedAlice.TryLogin(""), "code of the authenticator is required")
	movedAlice.Login(movedAlice.Code())
	movedBob.Login(movedBob.Code())
	wantExportsAudited(t, here, alice)
}

// wantExportsAudited: both exports are in the audit log, and no secret is.
func wantExportsAudited(t *testing.T, h *harness.Instance, p *harness.Person) {
	t.Helper()
	events, err := h.Store.Audit().Of(t.Context(), h.Credentials.UserpoolID, "user:"+p.ID, 50)
	if err != nil {
		t.Fatal(err)
	}
	exported := 0
	for _, e := range events {
		if e.Action == "otp.secret.export" && e.Actor == "operator" {
			exported++
		}
		if strings.Contains(e.Target+e.Actor+e.Action, p.Secret) {
			t.Errorf("the secret is in the audit log: %+v", e)
		}
	}
	if exported != 2 {
		t.Errorf("%d exports in the audit log, want 2", exported)
	}
}

// TestOperatorHelpsWhoHasLostEverything: `menshen otp reset` takes the authenticators away of a user whom the operator knows,
// and ends the sessions; from then on the password is enough again.
func TestOperatorHelpsWhoHasLostEverything(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitSignInFree.Max = 0 })
	dir := t.TempDir()
	program(t, dir)
	alice := h.SignUp("alice").EnrolTOTP()
	wantRefused(t, "without the phone", alice.TryLogin(""), "code of the authenticator is required")
	binary := filepath.Join(dir, "bin", "menshen.built")
	if output, ok := otpProgram(t, h, binary, "reset", "--by", "username", "alice"); ok || !strings.Contains(output, "say --yes") {
		t.Errorf("reset that nobody was asked about: %s", output)
	}
	wantRefused(t, "after that", alice.TryLogin(""), "code of the authenticator is required")
	output, ok := otpProgram(t, h, binary, "reset", "--by", "username", "--yes", "alice")
	if !ok || !strings.Contains(output, `user "alice", id `+alice.ID+" has no authenticator any more") {
		t.Fatalf("reset: %s", output)
	}
	if !strings.Contains(output, "users are not told") {
		t.Errorf("it does not say that nobody is told: %s", output)
	}
	info := must(alice.Client.GetUserInfoWithResponse(t.Context(), nil))(t)
	wantRefused(t, "a session of before", info, "sign in again")
	alice.Login("")
	if output, ok := otpProgram(t, h, binary, "reset", "--by", "username", "--yes", "nobody"); ok || !strings.Contains(output, "no such user") {
		t.Errorf("reset of nobody: %s", output)
	}
}
