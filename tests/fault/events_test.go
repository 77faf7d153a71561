package fault

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

const (
	scan    = gen.ChangeQRCodeStatusDtoActionSCAN
	confirm = gen.ChangeQRCodeStatusDtoActionCONFIRM
	cancel  = gen.ChangeQRCodeStatusDtoActionCANCEL
)

// listen opens a stream of a login QR code at a program, from after the event with the id last on.
func (p *program) listen(l *harness.Login, last string) *harness.Events {
	p.t.Helper()
	events, err := harness.OpenEvents(p.t.Context(), p.t, "http://"+p.addr, l.PollID, last)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(events.Close)
	return events
}

// heard checks the next event.
func heard(t *testing.T, e *harness.Events, want gen.QRCodeStatus) gen.CheckQRCodeStatusDataDto {
	t.Helper()
	status := e.Next().Status(t)
	if status.Status != want {
		t.Fatalf("the page is told %s, want %s", status.Status, want)
	}
	return status
}

// step takes one on the phone.
func (r *rig) step(p *harness.Person, action gen.ChangeQRCodeStatusDtoAction, l *harness.Login) {
	r.t.Helper()
	if answer := p.Act(action, l.ScanID); !harness.OutcomeOf(answer).Success() {
		r.t.Fatalf("%s: %s", action, answer.Body)
	}
}

// TestStreamOutlivesItsProcess: the process that a page listens at is killed (SIGKILL), twice, and the phone goes on meanwhile.
// The page says to another process what it was told last, and misses nothing.
func TestStreamOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.SignUp("alice")
	first, second, third := r.start(), r.start(), r.start()
	page := r.ShowQR(nil)
	events := first.listen(page, "")
	heard(t, events, gen.QRCodeStatusPENDING)
	first.kill()
	if event, err := events.Read(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("of the process that was killed: %+v %v", event, err)
	}
	r.step(alice, scan, page)
	events = second.listen(page, events.LastID)
	heard(t, events, gen.QRCodeStatusSCANNED)
	second.kill()
	r.step(alice, confirm, page)
	events = third.listen(page, events.LastID)
	ticket := heard(t, events, gen.QRCodeStatusAUTHORIZED).Ticket
	if rest := events.Rest(); len(rest) > 0 || ticket == nil || !harness.OutcomeOf(r.Exchange(*ticket)).Success() {
		t.Errorf("ticket %v; and then %+v", ticket, rest)
	}
	third.terminate()
	third.wait()
}

// listeners is a condition for the connections on which notifications arrive.
const listeners = `query LIKE 'LISTEN%'`

// TestNotificationsAreLost: the connection on which the database tells of changes is cut, and cannot be made anew. The page is
// told all the same within two seconds, by the look that is taken every second; and when the connection is back, by that.
func TestNotificationsAreLost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.SignUp("alice")
	p := r.start() // whose connection is the only one: the rig's own worker has stopped
	page, other := r.ShowQR(nil), r.ShowQR(nil)
	events, others := p.listen(page, ""), p.listen(other, "")
	heard(t, events, gen.QRCodeStatusPENDING)
	heard(t, others, gen.QRCodeStatusPENDING)
	listening := `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND ` + listeners
	harness.Eventually(t, "the connection for notifications", func() bool { return r.Count(listening) == 1 })
	connected, open := r.Bar(listeners)
	harness.Eventually(t, "the end of the connection", func() bool { return connected() == 0 })

	var slowest time.Duration
	for _, step := range []struct {
		action gen.ChangeQRCodeStatusDtoAction
		status gen.QRCodeStatus
	}{{scan, gen.QRCodeStatusSCANNED}, {confirm, gen.QRCodeStatusAUTHORIZED}} {
		r.step(alice, step.action, page)
		done := time.Now()
		heard(t, events, step.status)
		slowest = max(slowest, time.Since(done))
	}
	t.Attr("told_after", slowest.Round(time.Millisecond).String())
	if slowest > 2*time.Second {
		t.Errorf("without notifications the page is told after %v", slowest)
	}
	if n := connected(); n != 0 {
		t.Errorf("%d connections for notifications, so this shows nothing", n)
	}
	open()
	harness.Eventually(t, "the connection's return", func() bool { return connected() == 1 })
	r.step(alice, scan, other)
	heard(t, others, gen.QRCodeStatusSCANNED)
	p.terminate()
	p.wait()
}

// TestTerminatedWithStreams: a process that is to end (SIGTERM) ends its streams, those too whose clients never read, and does
// not wait for what they wait for. The pages go elsewhere and are told there what comes.
func TestTerminatedWithStreams(t *testing.T) {
	t.Parallel()
	const pages = 12
	r := newRig(t)
	alice := r.SignUp("alice")
	first, second := r.start(), r.start()
	var shown []*harness.Login
	var open []*harness.Events
	for n := range pages {
		shown = append(shown, r.ShowQR(nil))
		open = append(open, first.listen(shown[n], ""))
		heard(t, open[n], gen.QRCodeStatusPENDING)
		first.ignore(shown[n])
	}
	first.terminate()
	for _, events := range open {
		if rest := events.Rest(); len(rest) > 0 {
			t.Errorf("the end of the process is told as %+v", rest)
		}
	}
	first.wait()
	for n, events := range open {
		events = second.listen(shown[n], events.LastID)
		r.step(alice, scan, shown[n])
		heard(t, events, gen.QRCodeStatusSCANNED)
		r.step(alice, cancel, shown[n])
		heard(t, events, gen.QRCodeStatusCANCELLED)
		if rest := events.Rest(); len(rest) > 0 {
			t.Errorf("after the end: %+v", rest)
		}
	}
	second.terminate()
	second.wait()
}

// ignore opens a stream and never reads from it, not even what the machine would keep for a reader.
func (p *program) ignore(l *harness.Login) {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(1)
	if _, err := fmt.Fprintf(conn, "GET /api/v3/qrcode-events?qrcodeId=%s HTTP/1.1\r\nHost: %s\r\n\r\n", l.PollID, p.addr); err != nil {
		p.t.Fatal(err)
	}
}

// TestWhoNeverReadsBlocksNobody: of those who listen to one code all but one never read, and the one is told everything.
func TestWhoNeverReadsBlocksNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.SignUp("alice")
	p := r.start()
	page := r.ShowQR(nil)
	for range 2 { // as many as go on beside it
		p.ignore(page)
	}
	events := p.listen(page, "")
	heard(t, events, gen.QRCodeStatusPENDING)
	r.step(alice, scan, page)
	heard(t, events, gen.QRCodeStatusSCANNED)
	r.step(alice, confirm, page)
	heard(t, events, gen.QRCodeStatusAUTHORIZED)
	p.terminate()
	p.wait()
}
