package fault

import (
	"fmt"
	"testing"

	"github.com/menshen-auth/menshen/tests/harness"
)

// TestKilledWhileDelivering: a process is killed (SIGKILL) in the middle of deliveries, and another one takes over when
// their leases have ended. What the mail server had not been told of arrives once. What it had the text of is not sent
// again, since nobody knows, and the audit log has it. An SMS is sent again under the same id, which the receiver knows.
func TestKilledWhileDelivering(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.start()
	r.mails.Fail(harness.AtEnd, harness.Hang)
	first.ask(email, "taken@example.com")
	harness.Eventually(t, "the end of the text", func() bool { return r.mails.Reached(harness.AtEnd) == 1 })
	r.mails.Fail(harness.AtHello, harness.Hang)
	first.ask(email, "begun@example.com")
	harness.Eventually(t, "another session", func() bool { return r.mails.Reached(harness.AtHello) == 2 })
	r.phones.Fail(harness.Hang)
	first.ask(sms, phone)
	harness.Eventually(t, "the SMS", func() bool { return len(r.phones.Requests()) == 1 })

	first.kill()
	r.mails.Recover()
	r.phones.Recover()
	r.eventually(3, `state = 'waiting' AND attempts = 1`)
	r.Exec(`UPDATE outbox SET due_at = now()`) // the end of the leases
	second := r.start()
	r.eventually(1, uncertain+` AND channel = 'email'`)
	r.eventually(1, delivered+` AND channel = 'email'`)
	r.eventually(1, delivered+` AND channel = 'phone'`)
	r.givenUp(1, "uncertain")
	r.received("taken@example.com", "begun@example.com")
	if n := r.mails.Reached(harness.AtEnd); n != 2 {
		t.Errorf("%d texts were sent, want 2", n)
	}
	if requests := r.phones.Requests(); len(r.phones.Messages()) != 1 || len(requests) != 2 || requests[0] != requests[1] {
		t.Errorf("%d SMS, requests %v", len(r.phones.Messages()), requests)
	}
	second.terminate()
	second.wait()
}

// TestTerminatedWithMessagesDue: a process that is to end (SIGTERM) delivers what is due before it does. What is not, since
// the mail server is away, the next process delivers.
func TestTerminatedWithMessagesDue(t *testing.T) {
	t.Parallel()
	const messages = 12 // three times as many as are delivered at a time
	r := newRig(t)
	first := r.start()
	r.mails.Fail(harness.AtGreeting, harness.Stall)
	var sent []string
	for n := range messages {
		sent = append(sent, fmt.Sprintf("due%d@example.com", n))
		first.ask(email, sent[n])
	}
	harness.Eventually(t, "deliveries", func() bool { return r.mails.Reached(harness.AtGreeting) > 0 })
	first.terminate()
	harness.Eventually(t, "the end of requests", first.shut)
	r.mails.Recover()
	first.wait()
	r.received(sent...)

	second := r.start()
	r.mails.Fail(harness.AtConnect, harness.Drop)
	sent = append(sent, "waiting@example.com")
	second.ask(email, "waiting@example.com")
	r.eventually(1, notTaken)
	second.terminate()
	second.wait()
	r.eventually(1, `state = 'waiting'`)
	r.mails.Recover()
	r.start()
	r.eventually(len(sent), delivered)
	r.received(sent...)
}
