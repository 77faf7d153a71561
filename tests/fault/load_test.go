package fault

import (
	"strconv"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/tests/harness"
)

// TestKilledUnderLoad: the service is killed (SIGKILL) while clients work, and started again, many times. Nothing of what it
// acknowledged is lost, and nothing is used twice.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := r.start(ledgerEnviron())
	l := r.openLedger(p.addr)
	kills := rounds(3, 25)
	for range kills {
		l.progress()
		p.kill()
		p = r.startAt(p.addr, ledgerEnviron())
	}
	l.progress()
	l.close()
	t.Attr("kills", strconv.Itoa(kills))
	p.terminate()
	p.wait()
}

// TestDatabaseIsKilledUnderLoad: PostgreSQL is restarted and killed (SIGKILL) in turn while clients work. While it is away
// requests are refused as such; when it is back the service goes on, without being started again.
func TestDatabaseIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	postgres := harness.NewPostgres(t)
	proxy := harness.NewProxy(t, postgres.URL())
	r := newRig(t, postgres.Configure)
	p := r.start(ledgerEnviron(), "MENSHEN_DATABASE_URL="+proxy.URL)
	l := r.openLedger(p.addr)
	kills := rounds(2, 20)
	for n := range kills {
		l.progress()
		if n%2 == 0 {
			postgres.Kill()
		} else {
			postgres.Stop()
		}
		refused := l.refused.Load()
		harness.Eventually(t, "refusals", func() bool { return l.refused.Load() > refused })
		postgres.Start()
	}
	l.progress()
	l.close()
	t.Attr("kills", strconv.Itoa(kills))
	p.terminate()
	p.wait()
}

// TestNetworkFailsUnderLoad: between the service and PostgreSQL the network is slow, resets connections, and swallows what is
// sent so that connections are half-open. Nobody waits much longer than a request may take, and the service recovers by itself.
func TestNetworkFailsUnderLoad(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	r := newRig(t)
	proxy := harness.NewProxy(t, r.DatabaseURL())
	p := r.start(ledgerEnviron(), "MENSHEN_DATABASE_URL="+proxy.URL, "MENSHEN_REQUEST_TIMEOUT="+timeout.String())
	l := r.openLedger(p.addr)
	faults := rounds(1, 12)
	var slowest time.Duration
	for range faults {
		l.progress()
		proxy.Slow(5 * time.Millisecond)
		l.progress()
		for range 5 {
			proxy.Reset()
			time.Sleep(20 * time.Millisecond)
		}
		l.progress()
		proxy.Silence()
		slowest = max(slowest, r.silent(p))
		proxy.Heal()
	}
	l.progress()
	l.close()
	if slowest > timeout+2*time.Second { // one for the last word of the server, one for a machine that is busy
		t.Errorf("on half-open connections a request takes %v, of which it has %v", slowest, timeout)
	}
	t.Attr("faults", strconv.Itoa(3*faults))
	t.Attr("half_open_slowest", slowest.Round(time.Millisecond).String())
	p.terminate()
	p.wait()
}

// silent asks for what needs the database while that says nothing any more, on as many connections as the service has and
// beyond, and returns how long the slowest answer took. All are refusals; that the process lives is told.
func (r *rig) silent(p *program) (slowest time.Duration) {
	r.t.Helper()
	const asks = 24
	took := make(chan time.Duration, asks)
	for range asks {
		go func() {
			began := time.Now()
			answer, err := p.client.GetQRCodeStatusWithResponse(r.t.Context(), unknownQR())
			if err != nil || answer.StatusCode() != 503 || answer.HTTPResponse.Header.Get("Retry-After") == "" {
				r.t.Errorf("while the database is silent: %v %s", err, answer.Body)
			}
			took <- time.Since(began)
		}()
	}
	for range asks {
		slowest = max(slowest, <-took)
	}
	if health := harness.Must(p.client.GetHealthWithResponse(r.t.Context()))(r.t); health.StatusCode() != 200 {
		r.t.Errorf("health: %s", health.Body)
	}
	if ready := harness.Must(p.client.GetReadinessWithResponse(r.t.Context()))(r.t); ready.StatusCode() != 503 {
		r.t.Errorf("readiness: %s", ready.Body)
	}
	return slowest
}
