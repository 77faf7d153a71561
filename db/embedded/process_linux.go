package embedded

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// childAttributes start a program as the given account, and stop it when the
// thread ends that started it. The process group of its own keeps a Ctrl-C in
// the terminal from it: we stop it ourselves, after the last request.
func childAttributes(runAs *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Credential: runAs.credential(),
		Setpgid:    true,
		Pdeathsig:  syscall.SIGINT,
	}
}

// endWithParent has nothing to add here: Pdeathsig does it.
func endWithParent(int) (release func(), err error) { return nil, nil }

// isServer reports whether pid is a live server of the cluster in data.
// A server changes into its cluster, and so do its children.
func isServer(pid int, data string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil || cwd != data {
		return false
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && bytes.HasPrefix(name, []byte("postgres"))
}
