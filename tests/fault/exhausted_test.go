package fault

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// unknownQR asks for the status of a login QR code that there is not, which the database has to be asked for.
func unknownQR() *gen.GetQRCodeStatusParams {
	return &gen.GetQRCodeStatusParams{QrcodeID: "nobody-has-shown-this-qr-code"}
}

// TestPoolIsExhausted: while all connections to the database are in use, whoever comes is refused within a second, told when to
// come again, and that the process lives and is ready. Those who have a connection get what they wait for.
func TestPoolIsExhausted(t *testing.T) {
	t.Parallel()
	const conns, asks = 4, 32
	for name, environ := range map[string]string{
		"at the gate": "MENSHEN_PARALLEL_REQUESTS=4", "at the pool": "MENSHEN_PARALLEL_REQUESTS=100",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p := r.start("MENSHEN_DATABASE_CONNS="+strconv.Itoa(conns), environ)
			release := r.Hold("qrlogins")
			served := make(chan error, conns)
			for range conns {
				go func() {
					answer, err := p.client.CreateQRCodeWithResponse(t.Context(), nil, gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp})
					if err == nil && !harness.OutcomeOf(answer).Success() {
						t.Errorf("with a connection: %s", answer.Body)
					}
					served <- err
				}()
			}
			harness.Eventually(t, "an exhausted pool", func() bool {
				return r.Count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == conns
			})
			took := make(chan time.Duration, asks)
			for range asks {
				go func() {
					began := time.Now()
					answer, err := p.client.GetQRCodeStatusWithResponse(t.Context(), unknownQR())
					took <- time.Since(began)
					if err != nil || answer.StatusCode() != http.StatusServiceUnavailable || answer.HTTPResponse.Header.Get("Retry-After") == "" {
						t.Errorf("without a connection: %v %s", err, answer.Body)
					}
				}()
			}
			var slowest time.Duration
			for range asks {
				slowest = max(slowest, <-took)
			}
			if slowest > time.Second {
				t.Errorf("whoever finds no connection is told after %v", slowest)
			}
			t.Attr("refused", strconv.Itoa(asks))
			t.Attr("slowest", slowest.Round(time.Millisecond).String())
			health := harness.Must(p.client.GetHealthWithResponse(t.Context()))(t)
			ready := harness.Must(p.client.GetReadinessWithResponse(t.Context()))(t)
			if health.StatusCode() != http.StatusOK || ready.StatusCode() != http.StatusOK {
				t.Errorf("meanwhile: %s %s", health.Body, ready.Body)
			}
			release(conns)
			for range conns {
				if err := <-served; err != nil {
					t.Error(err)
				}
			}
			p.terminate()
			p.wait()
		})
	}
}
