//go:build unix && !linux

package embedded

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes start a program as the given account, in a process group of
// its own, so that a Ctrl-C in the terminal does not reach it: we stop it
// ourselves, after the last request.
func childAttributes(runAs *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: runAs.credential(), Setpgid: true}
}

// endWithParent stops the server pid when this process ends, in place of the
// Pdeathsig of Linux: a shell reads from a pipe that only we can write to, and
// its end of file is our death. release is to be called after that of the server.
func endWithParent(pid int) (release func(), err error) {
	guard := exec.Command("/bin/sh", "-c", `read -r _; kill -INT "$1"`, "sh", strconv.Itoa(pid))
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("guard of the server: %w", err)
	}
	return func() {
		_ = guard.Process.Kill() // before the pipe closes: pid may soon be another's
		_ = guard.Wait()
		_ = pipe.Close()
	}, nil
}

// isServer reports whether pid is a live server of the cluster in data.
func isServer(pid int, data string) bool {
	args, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(args), "postgres -D "+data+" ")
}
