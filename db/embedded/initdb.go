package embedded

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// initdb fills the empty directory data with a cluster.
func initdb(ctx context.Context, install installation, data string, runAs *account) error {
	// Pdeathsig follows the thread, see startProcess.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	var err error
	for _, locale := range []string{"C.UTF-8", "C"} { // not every system has the first
		cmd := exec.CommandContext(ctx, filepath.Join(install.dir, "initdb"),
			"--no-sync", "--pgdata="+data, "--username="+superuser,
			// Trust stands behind the 0700 of the socket's directory. Should
			// somebody start the cluster by hand, with TCP, that door is shut.
			"--auth-local=trust", "--auth-host=reject",
			"--encoding=UTF8", "--locale="+locale)
		cmd.Dir = "/" // ours may be closed to the server's user
		cmd.Env = environment()
		cmd.SysProcAttr = childAttributes(runAs)
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
		cmd.WaitDelay = 5 * time.Second
		var output []byte
		if output, err = cmd.CombinedOutput(); err == nil {
			return nil
		}
		err = fmt.Errorf("initdb: %w: %s", err, strings.TrimSpace(string(output)))
		if ctx.Err() != nil {
			break
		}
	}
	return err
}
