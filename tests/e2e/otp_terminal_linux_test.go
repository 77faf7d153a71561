package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/term"

	"github.com/menshen-auth/menshen/tests/harness"
)

// terminal is one at which a command runs, and what it shows.
type terminal struct {
	t             *testing.T
	keys, command *os.File
	mu            sync.Mutex
	shown         bytes.Buffer
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	var number, locked int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, keys.Fd(), request, uintptr(unsafe.Pointer(value))); e != 0 {
			t.Fatal(e)
		}
	}
	command, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Close() })
	o := &terminal{t: t, keys: keys, command: command}
	go func() { _, _ = io.Copy(o, keys) }()
	return o
}

func (o *terminal) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.shown.Write(b)
}

func (o *terminal) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.shown.String()
}

// run starts the command, which gets the keys when it has shown text, and returns how it ended.
func (o *terminal) run(command *exec.Cmd, text, keys string) error {
	o.t.Helper()
	command.Stdin, command.Stdout, command.Stderr = o.command, o.command, o.command
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := command.Start(); err != nil {
		o.t.Fatal(err)
	}
	patience := time.AfterFunc(time.Minute, func() { _ = command.Process.Kill() })
	defer patience.Stop()
	harness.Eventually(o.t, text, func() bool { return strings.Contains(o.String(), text) })
	time.Sleep(100 * time.Millisecond) // it turns the echo off after it has asked
	if _, err := o.keys.WriteString(keys); err != nil {
		o.t.Fatal(err)
	}
	return command.Wait()
}

// TestInterruptAtThePassphrase: Ctrl-C at the question for a passphrase ends the command at once, and the terminal shows again
// what is typed.
func TestInterruptAtThePassphrase(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dir := t.TempDir()
	program(t, dir)
	o := newTerminal(t)
	before, err := term.GetState(int(o.command.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	command := otpCommand(t, h, filepath.Join(dir, "bin", "menshen.built"), "export", file)
	var exit *exec.ExitError
	if err := o.run(command, "Passphrase of the file: ", "half of it\x03"); !errors.As(err, &exit) || !exit.Exited() {
		t.Errorf("it ended with %v", err)
	}
	harness.Eventually(t, "the last line", func() bool { return strings.HasSuffix(o.String(), "menshen: interrupted\r\n") })
	if strings.Contains(o.String(), "half") {
		t.Errorf("the passphrase is shown: %q", o)
	}
	if after, err := term.GetState(int(o.command.Fd())); err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("the terminal is not as it was: %v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

// TestOperatorIsAskedWhetherThisIsTheUser: at a terminal `menshen otp reset` shows who it is, and does nothing without a yes.
func TestOperatorIsAskedWhetherThisIsTheUser(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dir := t.TempDir()
	program(t, dir)
	alice := resident(h).EnrolTOTP()
	reset := func() *exec.Cmd {
		return otpCommand(t, h, filepath.Join(dir, "bin", "menshen.built"), "reset", alice.ID)
	}
	const question = "end all sessions? (yes/no) "
	for _, no := range []string{"no\n", "\n", "y\n", "\x04", "\x03"} {
		o := newTerminal(t)
		if err := o.run(reset(), question, no); err == nil {
			t.Errorf("%q is a yes", no)
		}
		shown := o.String()
		if !strings.Contains(shown, `user "alice", "Bob@example.com"`) || !strings.Contains(shown, "id "+alice.ID) {
			t.Errorf("it does not show who it is: %s", shown)
		}
	}
	wantRefused(t, "after them all", alice.TryLogin(""), "code of the authenticator is required")
	if err := newTerminal(t).run(reset(), question, "yes\n"); err != nil {
		t.Errorf("yes: %v", err)
	}
	alice.Login("")
}
