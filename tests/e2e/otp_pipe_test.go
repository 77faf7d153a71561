package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestAuthenticatorsMoveThroughAPipe: no file is needed: what one command writes another reads, which never sees the same byte
// twice. A pipe that brings nothing, since the command before has failed, is a failure and no empty file.
func TestAuthenticatorsMoveThroughAPipe(t *testing.T) {
	t.Parallel()
	here, there := harness.New(t), harness.New(t)
	dir := t.TempDir()
	program(t, dir)
	binary := filepath.Join(dir, "bin", "menshen.built")
	alice := here.SignUp("alice").EnrolTOTP()
	moved := there.SignUp("alice")
	exported, err := otpCommand(t, here, binary, "export", "--by", "username", "--plain", "-").Output()
	if err != nil {
		t.Fatalf("export: %v", err)
	}
	read := func(file string, from []byte) (string, error) {
		command := otpCommand(t, there, binary, "import", "--by", "username", file)
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		command.Stdin = in
		go func() {
			_, _ = out.Write(from)
			_ = out.Close()
		}()
		output, err := command.CombinedOutput()
		return string(output), err
	}
	for _, file := range []string{"-", "/dev/stdin"} {
		if output, err := read(file, nil); err == nil || !strings.Contains(output, "the file has no authenticators") {
			t.Errorf("nothing through %s: %v\n%s", file, err, output)
		}
	}
	output, err := read("-", exported)
	if err != nil || !strings.Contains(output, "1 authenticators imported, 0 were there already") {
		t.Errorf("through -: %v\n%s", err, output)
	}
	output, err = read("/dev/stdin", exported)
	if err != nil || !strings.Contains(output, "0 authenticators imported, 1 were there already") {
		t.Errorf("the same through /dev/stdin: %v\n%s", err, output)
	}
	there.Clock.Advance(harness.Step * 3)
	moved.Secret = alice.Secret
	moved.Login(moved.Code())
}

// wantInterrupted interrupts a command once it is at work: it says so, and has failed.
func wantInterrupted(t *testing.T, command *exec.Cmd, atWork func()) {
	t.Helper()
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	atWork()
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	err := command.Wait()
	if !errors.As(err, &exit) || !exit.Exited() || !strings.HasSuffix(output.String(), "menshen: interrupted\n") {
		t.Errorf("%v: %v\n%s", command.Args[1:], err, output.String())
	}
}

// TestInterruptedCommandHasFailed: whoever interrupts a command, or stops it with the machine, is not told that its work is done:
// neither while it waits for what a pipe brings, nor in the middle of its work.
func TestInterruptedCommandHasFailed(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dir := t.TempDir()
	program(t, dir)
	binary := filepath.Join(dir, "bin", "menshen.built")
	alice := h.SignUp("alice").EnrolTOTP()

	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	command := otpCommand(t, h, binary, "import", "-")
	command.Stdin = in
	wantInterrupted(t, command, func() { // more than a pipe holds is written when somebody reads
		if _, err := out.Write(bytes.Repeat([]byte("# a comment\n"), 20_000)); err != nil {
			t.Fatal(err)
		}
	})

	release := h.Hold("users")
	wantInterrupted(t, otpCommand(t, h, binary, "reset", "--yes", "--by", "username", "alice"), func() {
		harness.Eventually(t, "a command that waits", func() bool {
			return h.Count(`SELECT count(*) FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted`) == 1
		})
	})
	release(0)
	wantRefused(t, "after all that", alice.TryLogin(""), "code of the authenticator is required")
}

// TestImportedAreTold: who gets an authenticator by a command is told as by the API, once for all of them; unless the operator
// keeps it quiet.
func TestImportedAreTold(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dir := t.TempDir()
	program(t, dir)
	binary := filepath.Join(dir, "bin", "menshen.built")
	for _, name := range []string{"alice", "bob"} {
		h.CreateUser(gen.CreateUserReqDto{Username: ptr(name), Email: ptr(name + "@example.com")})
	}
	line := func(name, secret string) string {
		return "otpauth://totp/Elsewhere:" + name + "?secret=" + secret + "\n"
	}
	read := func(text string, args ...string) {
		t.Helper()
		command := otpCommand(t, h, binary, append(append([]string{"import", "--by", "username"}, args...), "-")...)
		command.Env = append(command.Env, "MENSHEN_SMTP_ADDR=127.0.0.1:1", "MENSHEN_SMTP_TLS=none",
			"MENSHEN_SMTP_FROM=no-reply@example.com")
		command.Stdin = strings.NewReader(text)
		if output, err := command.CombinedOutput(); err != nil || strings.Contains(string(output), "not told") {
			t.Errorf("import %v: %v\n%s", args, err, output)
		}
	}
	both := line("alice", theirSecret) + line("alice", oldSecret)
	read(both, "--check")
	if told := h.Letters("alice@example.com"); len(told) != 0 {
		t.Errorf("after a check: %+v", told)
	}
	read(both)
	read(both) // nothing new
	told := h.Letters("alice@example.com")
	if len(told) != 1 || told[0].Subject != "Menshen: an authenticator was added" {
		t.Errorf("told: %+v", told)
	}
	read(line("bob", theirSecret), "--quiet")
	if told := h.Letters("bob@example.com"); len(told) != 0 {
		t.Errorf("kept quiet: %+v", told)
	}
}
