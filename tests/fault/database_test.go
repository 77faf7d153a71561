package fault

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// cut ends connections of the service to PostgreSQL, as far as a condition on pg_stat_activity holds for them.
func (r *rig) cut(condition string) int {
	r.t.Helper()
	return r.Count(`
		SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND ` + condition)
}

// blocked is a condition for connections with a statement that waits for a lock, by a part of its text.
func blocked(statement string) string {
	return fmt.Sprintf(`wait_event_type = 'Lock' AND query LIKE '%%%s%%'`, statement)
}

// pass lets the time pass after which nobody has a message any more.
func (r *rig) pass() { r.Clock.Advance(31 * time.Second) }

// TestDatabaseIsCutBeforeHandingOver: the connection is lost while the database is told that the text is about to be
// handed over. Then it is not, and the mail arrives once, later.
func TestDatabaseIsCutBeforeHandingOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.mails.Fail(harness.AtHello, harness.Stall)
	mail := r.mail("alice")
	harness.Eventually(t, "a session", func() bool { return r.mails.Reached(harness.AtHello) == 1 })
	release := r.Hold("outbox")
	r.mails.Recover()
	harness.Eventually(t, "the statement", func() bool { return r.cut(blocked("handed_over_at = $4")) > 0 })
	release(0)
	r.pass() // if that could not be written down either
	r.eventually(1, delivered)
	r.received(mail)
	if n := r.mails.Reached(harness.AtEnd); n != 1 {
		t.Errorf("the text was sent %d times", n)
	}
}

// TestDatabaseIsCutAfterDelivery: the connection is lost while it is written down that a mail was taken. It is not sent a
// second time, whether or not anybody remembers.
func TestDatabaseIsCutAfterDelivery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.mails.Fail(harness.AtEnd, harness.Stall)
	mail := r.mail("alice")
	harness.Eventually(t, "the end of the text", func() bool { return r.mails.Reached(harness.AtEnd) == 1 })
	release := r.Hold("outbox")
	r.mails.Recover()
	harness.Eventually(t, "the statement", func() bool {
		return r.cut(blocked("settled_at = $5")) > 0 || strings.Contains(r.Log.String(), "could not be written down") // it has not waited
	})
	release(0)
	r.pass()
	r.eventually(1, `state IN ('delivered', 'uncertain')`)
	r.givenUp(r.Count(`SELECT count(*) FROM outbox WHERE state = 'uncertain'`), "uncertain")
	r.received(mail)
	if n := r.mails.Reached(harness.AtEnd); n != 1 {
		t.Errorf("the text was sent %d times", n)
	}
}

// TestDatabaseIsCutAgainAndAgain: all connections are lost, many times, while codes are asked for and delivered. Whoever
// was told that a code is on its way gets it, and nobody gets it twice. A mail can be lost for one reason only, which the
// audit log has: that nobody knows whether it was taken.
func TestDatabaseIsCutAgainAndAgain(t *testing.T) {
	t.Parallel()
	const messages = 60
	r := newRig(t)
	asked := make(chan map[string]bool, 1)
	go func() {
		promised := map[string]bool{}
		for n := range messages {
			by, to := email, fmt.Sprintf("alice%d@example.com", n)
			if n%2 == 0 {
				by, to = sms, fmt.Sprintf("+861380013%04d", n)
			}
			for !promised[to] && t.Context().Err() == nil { // who got no answer asks again
				answer, err := r.TryAskForCode(by, gen.CaptchaUseRegister, to)
				promised[to] = err == nil && harness.OutcomeOf(answer).Success()
			}
		}
		asked <- promised
	}()
	for range 20 {
		r.cut(`true`)
		time.Sleep(50 * time.Millisecond) // for some of them to get somewhere
	}
	promised := <-asked
	r.pass()
	r.eventually(0, `state = 'waiting'`)
	sent := map[string]int{}
	for _, mail := range r.mails.Messages() {
		sent[mail.MessageID]++
		delete(promised, mail.To)
	}
	for _, sms := range r.phones.Messages() {
		delete(promised, sms.To)
	}
	for id, times := range sent {
		if times != 1 {
			t.Errorf("%s was sent %d times", id, times)
		}
	}
	unknown := r.Count(`SELECT count(*) FROM outbox WHERE state = 'uncertain'`)
	r.givenUp(unknown, "uncertain")
	if len(promised) > unknown || r.Count(`SELECT count(*) FROM outbox WHERE state NOT IN ('delivered', 'uncertain')`) > 0 {
		t.Errorf("lost: %v; %d are uncertain:\n%s", promised, unknown, r.outbox())
	}
}
