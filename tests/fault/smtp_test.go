package fault

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/tests/harness"
)

// States of messages, as conditions.
const (
	delivered = `state = 'delivered'`
	uncertain = `state = 'uncertain' AND message_sealed IS NULL`
	refused   = `state = 'refused' AND message_sealed IS NULL`
	expired   = `state = 'expired' AND message_sealed IS NULL`
	notTaken  = `state = 'waiting' AND attempts > 0 AND handed_over_at IS NULL AND due_at < now() + interval '20 seconds'` // more is a lease
)

// beforeTheText are the stages where a server has not got the text yet.
var beforeTheText = []harness.Stage{
	harness.AtConnect, harness.AtGreeting, harness.AtHello, harness.AtMail, harness.AtRcpt, harness.AtData,
}

// TestServerIsAway: while nobody listens, or the connection is closed before the text, a mail waits. It arrives once when
// the server is back.
func TestServerIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var sent []string
	for _, stage := range beforeTheText {
		r.mails.Fail(stage, harness.Drop)
		sent = append(sent, r.mail(string(stage)))
		r.eventually(1, notTaken)
		r.mails.Recover()
		r.eventually(len(sent), delivered)
	}
	r.received(sent...)
}

// TestServerIsBusy: a temporary refusal (4yz), wherever it comes, is no end: the mail arrives once when the server is well
// again.
func TestServerIsBusy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var sent []string
	for _, stage := range append(beforeTheText[1:], harness.AtEnd) {
		r.mails.Fail(stage, 451)
		name := string(stage)
		if stage == harness.AtEnd {
			name = "end"
		}
		sent = append(sent, r.mail(name))
		r.eventually(1, notTaken)
		r.mails.Recover()
		r.eventually(len(sent), delivered)
	}
	r.received(sent...)
}

// TestServerRefuses: a permanent refusal (5yz) of recipient or text is the end, and in the audit log. One of everything is
// about us, and can be repaired: the mail waits for that.
func TestServerRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for n, stage := range []harness.Stage{harness.AtRcpt, harness.AtData, harness.AtEnd} {
		r.mails.Fail(stage, 550)
		r.mail("refused")
		r.eventually(n+1, refused)
		r.mails.Recover()
		if reached := r.mails.Reached(stage); reached != 1 {
			t.Errorf("came to %q %d times", stage, reached)
		}
	}
	r.givenUp(3, "refused")
	r.mails.Fail(harness.AtMail, 550)
	repaired := r.mail("repaired")
	r.eventually(1, notTaken)
	r.mails.Recover()
	r.eventually(1, delivered)
	r.received(repaired)
}

// TestAnswerIsLost: the server has the text, and the connection is closed before it says so. Nobody knows whether the mail
// was taken, so it is not sent again, and the audit log has it. An SMS is sent again under the same id, which the receiver
// knows.
func TestAnswerIsLost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.mails.Fail(harness.AtEnd, harness.Drop)
	r.phones.Fail(harness.Drop)
	mail := r.mail("alice")
	r.text()
	r.eventually(1, uncertain)
	r.eventually(1, notTaken+` AND channel = 'phone'`)
	r.mails.Recover()
	r.phones.Recover()
	r.eventually(1, delivered+` AND channel = 'phone'`)
	r.givenUp(1, "uncertain")
	r.received(mail)
	if n := r.mails.Reached(harness.AtEnd); n != 1 {
		t.Errorf("the text was sent %d times", n)
	}
	if requests := r.phones.Requests(); len(r.phones.Messages()) != 1 || len(requests) < 2 || requests[0] != requests[len(requests)-1] {
		t.Errorf("%d SMS, requests %v", len(r.phones.Messages()), requests)
	}
}

// TestMessagesGetOld: a mail that could not be delivered while its code was good is given up.
func TestMessagesGetOld(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.mails.Fail(harness.AtConnect, harness.Drop)
	r.mail("alice")
	r.eventually(1, notTaken)
	r.Clock.Advance(5 * time.Minute)
	r.eventually(1, expired)
	r.mails.Recover()
	r.givenUp(1, "expired")
	r.received()
}

// TestServerHangs: a server that says no more is left alone after a while: before the text to try again, after it for good.
// Meanwhile SMS go out.
func TestServerHangs(t *testing.T) {
	t.Parallel()
	stages := append(beforeTheText[1:], harness.AtEnd)
	var rigs []*rig
	for _, stage := range stages { // all at once: each delivery takes 15 seconds of patience
		r := newRig(t)
		r.mails.Fail(stage, harness.Hang)
		r.mail("alice")
		rigs = append(rigs, r)
	}
	for n, r := range rigs {
		harness.Eventually(t, "a session that hangs", func() bool { return r.mails.Reached(stages[n]) > 0 })
		r.text()
		r.phones.WaitFor(t, phone)
	}
	for n, r := range rigs {
		state := delivered
		if stages[n] == harness.AtEnd {
			state = uncertain
		} else {
			r.eventually(1, `channel = 'email' AND attempts > 1`)
			r.mails.Recover()
		}
		r.eventually(1, state+` AND channel = 'email'`)
		if state == uncertain {
			r.givenUp(1, "uncertain")
		}
		r.received("alice@example.com")
		if reached := r.mails.Reached(harness.AtEnd); reached != 1 {
			t.Errorf("%s: the text was sent %d times", stages[n], reached)
		}
	}
}
