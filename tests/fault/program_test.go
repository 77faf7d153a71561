package fault

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/menshen-auth/menshen/db/dbtest/port"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// binary builds the program, once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "menshen")
	output, err := exec.Command("go", "build", "-o", path, "github.com/menshen-auth/menshen/impl/cmd/menshen").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build: %w\n%s", err, output)
	}
	return path, err
})

var scratch string // for what is built

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "menshen-fault-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// program is Menshen as a process of its own.
type program struct {
	t      *testing.T
	addr   string
	client *gen.ClientWithResponses
	cmd    *exec.Cmd
	log    bytes.Buffer // to be read when it has ended
	ended  chan struct{}
	err    error
}

// start runs the program on the database of the rig, whose own worker has nothing to do with its messages any more.
func (r *rig) start(environ ...string) *program {
	r.t.Helper()
	return r.startAt(port.Must(r.t), environ...)
}

// startAt is start at an address, where another one may have been.
func (r *rig) startAt(addr string, more ...string) *program {
	r.t.Helper()
	r.Stop()
	path, err := binary()
	if err != nil {
		r.t.Fatal(err)
	}
	p := &program{t: r.t, addr: addr, ended: make(chan struct{})}
	p.cmd = exec.Command(path, "serve")
	p.cmd.Env = append(os.Environ(), "MENSHEN_ADDR="+p.addr, "MENSHEN_DATA_DIR="+r.t.TempDir(), "MENSHEN_DRAIN_DELAY=0s")
	for _, environ := range [][]string{harness.NoLimitsEnviron(), r.Environ(), r.mails.Environ(), r.phones.Environ()} {
		p.cmd.Env = append(p.cmd.Env, environ...)
	}
	p.cmd.Env = append(p.cmd.Env, more...)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	r.t.Cleanup(p.kill)
	harness.Eventually(r.t, "the program", func() bool {
		select {
		case <-p.ended:
			r.t.Fatalf("the program has ended: %v\n%s", p.err, p.log.String())
		default:
		}
		answer, err := http.Get("http://" + p.addr + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	if p.client, err = gen.NewClientWithResponses("http://" + p.addr); err != nil {
		r.t.Fatal(err)
	}
	return p
}

// ask asks the program for a code.
func (p *program) ask(by gen.CaptchaRequestType, to string) {
	p.t.Helper()
	r := harness.Must(p.client.CreateCaptchaWithResponse(p.t.Context(), nil, gen.CaptchaRequest{Type: by, Use: gen.CaptchaUseRegister, Account: &to}))(p.t)
	if !harness.OutcomeOf(r).Success() {
		p.t.Fatalf("code to %s: %s", to, r.Body)
	}
}

// kill gives the program no chance to do anything any more.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// terminate asks the program to end.
func (p *program) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end of the program, which must be a good one.
func (p *program) wait() {
	p.t.Helper()
	harness.Eventually(p.t, "the end of the program", func() bool {
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
	if p.err != nil {
		p.t.Errorf("the program ended with %v\n%s", p.err, p.log.String())
	}
}

// shut tells whether the program lets nobody in any more.
func (p *program) shut() bool {
	conn, err := net.Dial("tcp", p.addr)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
