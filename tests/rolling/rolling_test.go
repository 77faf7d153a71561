package rolling

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest/port"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestRollingRestart: three replicas behind HAProxy are restarted one after the other, with SIGTERM, while clients that keep
// their connections go on: images, accounts, logins, codes by e-mail, OTP lookups, and QR logins with polls and streams. No
// request fails, and what was answered holds: accounts are there, tickets are spent, each code arrives, and once.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	mails := harness.NewMailServer(t)
	h := harness.New(t, mails.Configure, harness.NoLimits)
	h.Stop()
	alice, bob := h.SignUp("alice"), h.SignUp("bob").EnrolTOTP()
	replicas := make([]*replica, len(names))
	for n := range names {
		replicas[n] = newReplica(t, port.Must(t), harness.NoLimitsEnviron(), h.Environ(), mails.Environ())
		replicas[n].start(t)
	}
	door := startProxy(t, replicas)
	for _, name := range names {
		door.await(name)
	}

	l := newLoad(t, door.url)
	l.run(1, 50*time.Millisecond, l.captcha)
	l.run(1, 300*time.Millisecond, l.register)
	l.run(1, 200*time.Millisecond, l.login("alice"))
	l.run(1, 100*time.Millisecond, l.askForCode)
	l.run(1, 50*time.Millisecond, l.lookUp(bob, h.ManagementToken()))
	l.run(4, 2*time.Millisecond, l.poll(h.ShowQR(nil).PollID))
	for slow, clients := range map[bool]int{false: 2, true: 6} {
		l.run(clients, 200*time.Millisecond, l.page(alice, h.Credentials.AppID, h.Credentials.AppSecret, slow))
	}
	restarts := 0
	for range rounds(t) {
		for n, name := range names {
			replicas[n].stop()
			replicas[n].start(t)
			door.await(name)
			restarts++
		}
	}
	l.stop()

	l.holds(h, mails)
	figures := []struct {
		name  string
		value int64
	}{
		{"requests", l.requests.Load()},
		{"failed", l.failed.Load()},
		{"restarts", int64(restarts)},
		{"streams_resumed", l.resumed.Load()},
		{"accounts", int64(len(l.accounts))},
		{"codes", int64(len(l.asked))},
		{"tickets", int64(len(l.tickets))},
	}
	for _, figure := range figures {
		t.Attr(figure.name, strconv.FormatInt(figure.value, 10))
		if figure.value == 0 && figure.name != "failed" {
			t.Errorf("no %s: this is not what the test is about", figure.name)
		}
	}
}

// holds checks what was answered.
func (l *load) holds(h *harness.Instance, mails *harness.MailServer) {
	for _, name := range l.accounts {
		l.login(name)(l.t.Context(), h.Client, 0)
	}
	for _, ticket := range l.tickets {
		if harness.OutcomeOf(h.Exchange(ticket)).Success() {
			l.t.Error("a ticket is good twice")
		}
	}
	h.Settle()
	arrived := map[string]int{}
	for _, mail := range mails.Messages() {
		arrived[mail.To]++
	}
	for _, to := range l.asked {
		if arrived[to] != 1 {
			l.t.Errorf("%d codes arrived at %s", arrived[to], to)
		}
	}
}

// rounds are how often every replica is restarted.
func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("MENSHEN_TEST_ROUNDS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("MENSHEN_TEST_ROUNDS is %q", text)
	}
	return n
}
