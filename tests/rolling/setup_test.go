package rolling

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/menshen-auth/menshen/db/dbtest/port"
	"github.com/menshen-auth/menshen/tests/harness"
)

// names are those of the replicas in haproxy.cfg.
var names = []string{"one", "two", "three"}

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
	if scratch, err = os.MkdirTemp("", "menshen-rolling-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// process is a program that is not to end by itself.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	log   bytes.Buffer // to be read when it has ended
	ended chan struct{}
	err   error
}

func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, ended: make(chan struct{})}
	cmd.Stderr = &p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// until waits until something holds, while the process runs.
func (p *process) until(what string, holds func() bool) {
	p.t.Helper()
	harness.Eventually(p.t, what, func() bool {
		select {
		case <-p.ended:
			p.t.Fatalf("%s has ended: %v\n%s", p.cmd.Path, p.err, p.log.String())
		default:
		}
		return holds()
	})
}

// stop asks the process to end, as an orchestrator does, and waits for it.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	harness.Eventually(p.t, "the end of "+p.cmd.Path, func() bool {
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
	if p.err != nil {
		p.t.Errorf("%s ended with %v\n%s", p.cmd.Path, p.err, p.log.String())
	}
}

// replica is one Menshen of those behind the proxy.
type replica struct {
	*process
	addr    string
	environ []string
}

func newReplica(t *testing.T, addr string, environ ...[]string) *replica {
	t.Helper()
	r := &replica{addr: addr, environ: append(os.Environ(),
		"MENSHEN_ADDR="+addr, "MENSHEN_DATA_DIR="+t.TempDir(), "MENSHEN_TRUSTED_PROXIES=127.0.0.1/32", "MENSHEN_DRAIN_DELAY=1500ms",
		"MENSHEN_QUEUE_WAIT=10s")} // on a machine that does other things too; what is refused early is none of this test
	for _, more := range environ {
		r.environ = append(r.environ, more...)
	}
	return r
}

// start runs the replica until it is ready.
func (r *replica) start(t *testing.T) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "serve")
	cmd.Env = r.environ
	r.process = start(t, cmd)
	r.until("the replica", func() bool {
		answer, err := http.Get("http://" + r.addr + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// proxy is HAProxy.
type proxy struct {
	*process
	url, stats string
}

func startProxy(t *testing.T, replicas []*replica) *proxy {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil { // an ordinary user's PATH may lack it
		program, err = exec.LookPath("/usr/sbin/haproxy")
	}
	if err != nil {
		t.Fatal("haproxy is missing; run `make tools`")
	}
	dir, err := os.MkdirTemp("", "rolling-") // short, as the path of a socket must be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	addr := port.Must(t)
	p := &proxy{url: "http://" + addr, stats: filepath.Join(dir, "stats")}
	cmd := exec.Command(program, "-db", "-f", "haproxy.cfg")
	cmd.Env = append(os.Environ(), "BIND="+addr, "STATS_SOCKET="+p.stats)
	for n, r := range replicas {
		cmd.Env = append(cmd.Env, fmt.Sprintf("REPLICA_%d=%s", n+1, r.addr))
	}
	p.process = start(t, cmd)
	return p
}

// await waits until the proxy sends requests to a replica.
func (p *proxy) await(name string) {
	p.t.Helper()
	p.until(name+" to be UP", func() bool { return p.status(name) == "UP" })
}

// status is what the proxy thinks of a replica.
func (p *proxy) status(name string) string {
	conn, err := net.Dial("unix", p.stats)
	if err != nil {
		return ""
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "show stat\n"); err != nil {
		return ""
	}
	rows := csv.NewReader(conn)
	rows.FieldsPerRecord = -1
	records, err := rows.ReadAll()
	if err != nil {
		return ""
	}
	const nameColumn, statusColumn = 1, 17
	for _, record := range records {
		if len(record) > statusColumn && record[nameColumn] == name {
			return record[statusColumn]
		}
	}
	return ""
}
