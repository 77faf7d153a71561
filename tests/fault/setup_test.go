package fault

import (
	"fmt"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

const (
	email = gen.CaptchaRequestTypeEmail
	sms   = gen.CaptchaRequestTypePhone

	phone = "+8613800138000"
)

// rig is an instance, and where its messages go.
type rig struct {
	*harness.Instance
	mails  *harness.MailServer
	phones *harness.SMSReceiver
	t      *testing.T
}

// newRig starts an instance that sends as many codes as it is asked for.
func newRig(t *testing.T, configure ...func(*app.Config)) *rig {
	t.Helper()
	r := &rig{mails: harness.NewMailServer(t), phones: harness.NewSMSReceiver(t), t: t}
	r.Instance = harness.New(t, append(configure, r.mails.Configure, r.phones.Configure, harness.NoLimits)...)
	return r
}

// mail asks for a code by e-mail, to an address of its own.
func (r *rig) mail(name string) (to string) {
	r.t.Helper()
	to = strings.ToLower(name) + "@example.com"
	r.AskForCode(email, gen.CaptchaUseRegister, to)
	return to
}

// text asks for a code by SMS.
func (r *rig) text() {
	r.t.Helper()
	r.AskForCode(sms, gen.CaptchaUseRegister, phone)
}

// eventually waits until as many messages as wanted are of a kind: a condition on the table outbox.
func (r *rig) eventually(messages int, of string) {
	r.t.Helper()
	query := `SELECT count(*) FROM outbox WHERE ` + of
	harness.Eventually(r.t, fmt.Sprintf("%d messages with %s; they are\n%s", messages, of, r.outbox()), func() bool { return r.Count(query) == messages })
}

// outbox shows the messages.
func (r *rig) outbox() string {
	_, rows, _ := strings.Cut(r.Dump(), "-- outbox\n")
	rows, _, _ = strings.Cut(rows, "-- ")
	return rows
}

// givenUp checks that all messages that were given up are in the audit log, and that as many as wanted were.
func (r *rig) givenUp(messages int, state string) {
	r.t.Helper()
	const query = `
		SELECT count(*) FROM outbox o JOIN audit_log a ON a.target = 'message:' || o.id AND a.userpool_id = o.userpool_id
		WHERE o.state = $1 AND a.action = 'message.' || o.state AND a.actor = 'system' AND a.outcome = 'refused'`
	if n := r.Count(query, state); n != messages {
		r.t.Errorf("%d messages are %s and in the audit log, want %d", n, state, messages)
	}
	if n := r.Count(`SELECT count(*) FROM audit_log WHERE action = 'message.' || $1`, state); n != messages {
		r.t.Errorf("%d events in the audit log, want %d", n, messages)
	}
}

// received checks that the mail server has got one mail to each address, and none else.
func (r *rig) received(to ...string) {
	r.t.Helper()
	got := map[string]int{}
	for _, mail := range r.mails.Messages() {
		got[mail.To]++
	}
	for _, address := range to {
		if got[address] != 1 {
			r.t.Errorf("%d mails to %s", got[address], address)
		}
		delete(got, address)
	}
	if len(got) > 0 {
		r.t.Errorf("mails that nobody asked for: %v", got)
	}
}
