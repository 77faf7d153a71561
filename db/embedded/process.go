package embedded

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
)

// process is the running server program.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the program has ended
	err  error         // how it ended; to be read after done
}

// errExited is the end of a server that shut down cleanly.
var errExited = errors.New("exit status 0")

// startProcess starts cmd so that it cannot outlive this process.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run holds one OS thread from the start of the program to its end: what Linux
// calls the death of the parent is the death of the thread that forked.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	release, err := endWithParent(p.cmd.Process.Pid)
	if err != nil {
		p.interrupt()
	}
	started <- err

	p.err = p.cmd.Wait()
	if p.err == nil {
		p.err = errExited
	}
	if release != nil {
		release()
	}
	close(p.done)
}

// interrupt asks the server for a fast shutdown: connections are cut, a
// checkpoint is written.
func (p *process) interrupt() { _ = p.cmd.Process.Signal(syscall.SIGINT) }

// stop returns when the server has ended. At the end of ctx it is made to quit
// without a checkpoint, which takes it a few seconds at most.
func (p *process) stop(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	p.interrupt()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	<-p.done
	return fmt.Errorf("not stopped in time (%w), so it was cut off; the next start recovers", context.Cause(ctx))
}
