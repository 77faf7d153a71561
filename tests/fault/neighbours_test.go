package fault

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/tests/harness"
)

// TestNeighboursDoNotWait: while somebody floods the service with passwords, and while the mail server hangs, the page of somebody
// else polls the status of its QR code as usual. In turn, in one run, since the machine is not always as fast.
func TestNeighboursDoNotWait(t *testing.T) {
	const window, attackers, codes = 400 * time.Millisecond, 64, 8
	r := newRig(t)
	p := r.start("MENSHEN_LOG_LEVEL=warn")
	poll := newGenerator(t, p.addr, "/api/v3/get-qrcode-status?qrcodeId="+r.ShowQR(nil).PollID, "")
	passwords := newGenerator(t, p.addr, "/user/login", `{"username":"nobody","password":"correct horse battery staple"}`)
	poll.closed(1, window)
	flood := &tally{}
	all := map[string]*tally{"alone": {}, "flooded": {}, "hanging": {}}
	measure := func(as string) { all[as].add(poll.closed(1, window)) }
	mails := 0
	for range rounds(4, 25) {
		measure("alone")

		var attack sync.WaitGroup
		attack.Go(func() { flood.add(passwords.closed(attackers, window+window/2)) })
		time.Sleep(window / 4) // it is under way
		measure("flooded")
		attack.Wait()

		r.mails.Fail(harness.AtGreeting, harness.Hang)
		for range codes { // more than are delivered at a time
			mails++
			p.ask(email, "hanging"+strconv.Itoa(mails)+"@example.com")
		}
		measure("hanging")
		r.mails.Recover()
	}
	usually := all["alone"].median()
	for _, as := range []string{"alone", "flooded", "hanging"} {
		y := all[as]
		t.Attr("p50_"+as, y.median().Round(time.Microsecond).String())
		t.Attr("p99_"+as, y.p99().Round(time.Microsecond*10).String())
		if y.odd+y.broken+y.refused > 0 || y.accepted == 0 {
			t.Errorf("polls, %s: %v", as, y)
		}
		if y.median() > usually+oneHash {
			t.Errorf("polls, %s: %v, usually %v", as, y.median(), usually)
		}
	}
	if flood.accepted == 0 || flood.odd+flood.broken > 0 {
		t.Errorf("the flood: %v", flood)
	}
	t.Attr("passwords", strconv.Itoa(flood.accepted))
	t.Attr("passwords_refused", strconv.Itoa(flood.refused))
	p.terminate()
	p.wait()
}

// oneHash is how long argon2id takes, about. Whoever waited behind another's password would wait for that at least.
const oneHash = 25 * time.Millisecond

// median is that of the latencies.
func (y *tally) median() time.Duration {
	slices.Sort(y.latencies)
	return y.latencies[len(y.latencies)/2]
}
