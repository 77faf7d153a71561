package fault

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestTerminatedUnderLoad: of two processes one after the other is ended (SIGTERM) and started again while clients work, which go to
// one that is ready, as a load balancer sends them. Requests are in flight when the signal comes, waiting for the database.
// None fails.
func TestTerminatedUnderLoad(t *testing.T) {
	t.Parallel()
	const clients = 4
	const slow = "MENSHEN_DRAIN_DELAY=1s" // for a machine that is busy; what notices is the test itself
	r := newRig(t)
	var programs [2]atomic.Pointer[program]
	var away [2]atomic.Bool
	for n := range programs {
		programs[n].Store(r.start(slow))
	}
	stop := make(chan struct{})
	var work sync.WaitGroup
	var asked, failed atomic.Int64
	ask := func() {
		at := 0
		if away[0].Load() {
			at = 1
		}
		answer, err := programs[at].Load().client.CreateQRCodeWithResponse(t.Context(), nil, gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp})
		asked.Add(1)
		if err != nil || !harness.OutcomeOf(answer).Success() {
			failed.Add(1)
			t.Errorf("a request failed: %v %+v", err, answer)
		}
	}
	for range clients {
		work.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					ask()
				}
			}
		})
	}
	restarts := rounds(2, 20)
	for n := range restarts {
		ending := n % 2
		p := programs[ending].Load()
		release := r.Hold("qrlogins")
		harness.Eventually(t, "requests in flight", func() bool {
			return r.Count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == clients
		})
		p.terminate()
		harness.Eventually(t, "a process that says that it ends", func() bool {
			return harness.Must(p.client.GetReadinessWithResponse(t.Context()))(t).StatusCode() == http.StatusServiceUnavailable
		})
		away[ending].Store(true)
		release(clients)
		p.wait()
		programs[ending].Store(r.startAt(p.addr, slow))
		away[ending].Store(false)
	}
	close(stop)
	work.Wait()
	if n := r.Count(`SELECT count(*) FROM qrlogins`); int64(n) != asked.Load()-failed.Load() {
		t.Errorf("%d QR codes, of %d that were told", n, asked.Load()-failed.Load())
	}
	t.Attr("restarts", strconv.Itoa(restarts))
	t.Attr("requests", strconv.FormatInt(asked.Load(), 10))
	t.Attr("failed", strconv.FormatInt(failed.Load(), 10))
	for n := range programs {
		p := programs[n].Load()
		p.terminate()
		p.wait()
	}
}
