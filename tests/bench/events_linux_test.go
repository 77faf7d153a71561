package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest/port"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// streams is how many pages listen.
const streams = 1500

// BenchmarkStreams opens many streams of login QR codes at a process of its own and reports what one costs there in memory
// (KiB/stream, of the resident set; the aim is at most 48), and how fast all of them are told of a change (events/s).
func BenchmarkStreams(b *testing.B) {
	h := harness.New(b, unlimited)
	h.Stop()
	server, pid := serve(b, h)
	listen := func(codes []string) []*harness.Events {
		b.Helper()
		open := make([]*harness.Events, len(codes))
		each(len(codes), func(n int) {
			events, err := harness.OpenEvents(b.Context(), b, server, codes[n], "")
			if err == nil {
				open[n] = events
				_, err = events.Read()
			}
			if err != nil {
				b.Error(err)
			}
		})
		if b.Failed() {
			b.FailNow()
		}
		return open
	}
	for _, events := range listen(shown(b, h, 50)) { // so that what is made once is there
		events.Close()
	}
	for b.Loop() {
		codes := shown(b, h, streams)
		before := resident(b, pid)
		open := listen(codes)
		time.Sleep(5 * time.Second) // of waiting
		b.ReportMetric(float64(resident(b, pid)-before)/streams, "KiB/stream")
		started := time.Now()
		if n := h.Exec(`UPDATE qrlogins SET state = 'CANCELLED' WHERE state = 'PENDING'`); n < streams {
			b.Fatalf("%d QR codes", n)
		}
		each(streams, func(n int) {
			if rest := open[n].Rest(); len(rest) != 1 || !strings.Contains(rest[0].Data, "CANCELLED") {
				b.Errorf("told %+v", rest)
			}
			open[n].Close()
		})
		b.ReportMetric(streams/time.Since(started).Seconds(), "events/s")
	}
}

// each does something n times, many at once.
func each(n int, do func(n int)) {
	var all sync.WaitGroup
	room := make(chan struct{}, 32)
	for i := range n {
		room <- struct{}{}
		all.Go(func() {
			do(i)
			<-room
		})
	}
	all.Wait()
}

// shown are login QR codes: what their pages listen with.
func shown(b *testing.B, h *harness.Instance, n int) []string {
	b.Helper()
	codes := make([]string, n)
	each(n, func(i int) {
		r, err := h.Client.CreateQRCodeWithResponse(b.Context(), nil, gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp})
		if err != nil || r.JSON200 == nil || r.JSON200.Data == nil {
			b.Error(err)
			return
		}
		codes[i] = r.JSON200.Data.QrcodeID
	})
	return codes
}

// resident is the resident set of a process, in KiB.
func resident(b *testing.B, pid int) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		b.Fatal(err)
	}
	return kib
}

// serve runs the program on the database of an instance.
func serve(b *testing.B, h *harness.Instance) (server string, pid int) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "menshen")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/menshen-auth/menshen/impl/cmd/menshen").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	addr := port.Must(b)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "serve")
	cmd.Env = append(append(append(os.Environ(), harness.NoLimitsEnviron()...), h.Environ()...), "MENSHEN_ADDR="+addr, "MENSHEN_DATA_DIR="+b.TempDir())
	if err := cmd.Start(); err != nil {
		cancel()
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	server = (&url.URL{Scheme: "http", Host: addr}).String()
	harness.Eventually(b, "the program", func() bool {
		answer, err := http.Get(server + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return server, cmd.Process.Pid
}
