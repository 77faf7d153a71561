package fault

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// full tells whether the tests are to take all the time and look at how long things take: machines that do many other things
// at once say nothing about that.
func full() bool { return os.Getenv("MENSHEN_TEST_FAULT") == "full" }

const (
	usual      = 16 // connections that keep the service busy, and no more
	crowd      = 512
	overloaded = 5 // times the rate that can be sustained
	recovers   = 5 * time.Second
)

// TestOverload: five times as much is asked as the service can do. It refuses what is too much, as 503 with Retry-After and in no
// other way, and does about as much as it can. Meanwhile it tells that it lives and is ready, and pages that listen to events
// stay. Afterwards it is soon as it was. How much slower than usual is what it accepts (the aim is twice the p99) is a figure and
// no verdict, since whoever asks takes half of the cores.
func TestOverload(t *testing.T) {
	r := newRig(t)
	// The dearest captcha, so that asking for it is cheap beside drawing it: whoever asks shares the cores with the service.
	p := r.start("MENSHEN_LOG_LEVEL=warn", "MENSHEN_CAPTCHA_KIND=chinese")
	alice := r.SignUp("alice")
	var pages []*harness.Login
	var events []*harness.Events
	for range 2 * usual { // more than may work at a time
		pages = append(pages, r.ShowQR(nil))
		events = append(events, p.listen(pages[len(pages)-1], ""))
		heard(t, events[len(events)-1], gen.QRCodeStatusPENDING)
	}
	g := newGenerator(t, p.addr, "/api/v1/system/user/captcha", `{"type":"image","use":"login"}`)
	lasts, measured := 6*time.Second, time.Second
	if full() {
		lasts, measured = time.Minute, 20*time.Second
	}
	g.closed(usual, measured/2) // all is warm
	before := g.closed(usual, measured)
	var over *tally
	checked := p.checkedDuring(func() { over = g.open(crowd, overloaded*before.rate(), lasts) })
	recovered := time.Now()
	for g.closed(usual, 250*time.Millisecond).refused > 0 {
		if time.Since(recovered) > recovers {
			t.Fatalf("has not recovered in %v", recovers)
		}
	}
	took := time.Since(recovered) - 250*time.Millisecond
	after := g.closed(usual, measured)
	compare(t, before, over, after)
	t.Attr("health_checks", strconv.Itoa(checked))
	t.Attr("recovered_after", took.Round(time.Millisecond).String())
	for n, page := range pages {
		r.step(alice, scan, page)
		heard(t, events[n], gen.QRCodeStatusSCANNED)
	}
	p.terminate()
	p.wait()
}

// compare looks at what became of the requests. What is usual is measured before and after, since the machine is not always as
// fast.
func compare(t *testing.T, before, over, after *tally) {
	t.Helper()
	t.Logf("before: %v; overloaded: %v; after: %v", before, over, after)
	normal := &tally{}
	normal.add(before)
	normal.add(after)
	slices.Sort(normal.latencies)
	if normal.refused+normal.odd+normal.broken > 0 {
		t.Errorf("what can be sustained: %v; %v", before, after)
	}
	if over.odd+over.broken > 0 || over.refused == 0 || over.accepted == 0 {
		t.Errorf("overloaded: %v", over)
	}
	t.Attr("slower", fmt.Sprintf("%.1fx", over.p99().Seconds()/normal.p99().Seconds()))
	t.Attr("sustained", fmt.Sprintf("%.0f/s", before.rate()))
	t.Attr("asked", fmt.Sprintf("%.0f/s", float64(over.accepted+over.refused)/over.took.Seconds()))
	t.Attr("accepted", fmt.Sprintf("%.0f/s", over.rate()))
	t.Attr("refused", strconv.Itoa(over.refused))
	t.Attr("other_answers", strconv.Itoa(over.odd+over.broken))
	t.Attr("p99_usual", normal.p99().Round(time.Millisecond/10).String())
	t.Attr("p99_overloaded", over.p99().Round(time.Millisecond/10).String())
}

// checkedDuring asks the program all the time whether it lives and is ready, and returns how often it said so.
func (p *program) checkedDuring(what func()) (times int) {
	p.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		what()
	}()
	for {
		for _, path := range []string{"/healthz", "/readyz"} {
			answer, err := http.Get("http://" + p.addr + path)
			if err != nil {
				p.t.Errorf("%s: %v", path, err)
				continue
			}
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				p.t.Errorf("%s: HTTP %d", path, answer.StatusCode)
			}
			times++
		}
		select {
		case <-done:
			return times
		case <-time.After(100 * time.Millisecond):
		}
	}
}
