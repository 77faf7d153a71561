package notify

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// TestMessageIsOfItsTransaction: a message exists if and only if what it tells about was committed.
func TestMessageIsOfItsTransaction(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	errFailed := errors.New("the effect failed")
	err := r.store.InTx(t.Context(), func(q db.Queries) error {
		r.must(r.Post(t.Context(), q, r.anEmail()))
		r.round(message.Email) // what is not committed yet is not there for anybody
		return errFailed
	})
	if !errors.Is(err, errFailed) {
		t.Fatal(err)
	}
	r.round(message.Email)
	if len(r.rows()) != 0 || len(r.email.tries()) != 0 {
		t.Errorf("rolled back: rows %v, tries %v", r.rows(), r.email.tries())
	}
	r.post(r.anEmail())
	r.round(message.Email)
	r.wantTries("committed", r.email, 1)
}

// TestLetter: a channel is handed the address on file and the text in the language of who asked, under an id that stays
// the same; the row forgets all of it when the letter is taken.
func TestLetter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		channel message.Channel
		lang    lang.Lang
		life    time.Duration
		want    channel.Letter
	}{
		"e-mail": {message.Email, lang.English, 5 * time.Minute, channel.Letter{
			Subject: "Acme: your code is 271828", Minutes: 5, Text: "\n    271828\n\nIt is good for 5 minutes",
		}},
		"e-mail in Chinese": {message.Email, lang.Chinese, 10 * time.Minute, channel.Letter{
			Subject: "Acme：您的验证码是 271828", Minutes: 10, Text: "10 分钟内有效",
		}},
		"SMS": {message.Phone, lang.English, 90 * time.Second, channel.Letter{
			Minutes: 2, Text: "[Acme] 271828 is your verification code, good for 2 minutes.",
		}},
		"SMS in Chinese": {message.Phone, lang.Chinese, 3 * time.Minute, channel.Letter{
			Minutes: 3, Text: "【Acme】您的验证码为 271828，3 分钟内有效",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			m, c := r.anEmail(), r.email
			if test.channel == message.Phone {
				m, c = r.anSMS(), r.sms
			}
			m.Lang, m.ExpiresAt = test.lang, r.clock.Now().Add(test.life)
			r.post(m)
			before := r.only()
			r.clock.advance(time.Minute) // the life of a code is that of all of it, not what is left
			r.round(test.channel)
			r.wantTries("delivered", c, 1)
			l := c.tries()[0]
			if !strings.Contains(l.Text, test.want.Text) || !strings.HasSuffix(l.Text, "\n") || strings.Contains(l.Text, "\r") {
				t.Errorf("the text is %q, want %q in it", l.Text, test.want.Text)
			}
			want := test.want
			want.ID, want.To, want.Template, want.Lang, want.Code, want.Text = before.id, m.To, message.Code, test.lang, "271828", l.Text
			if l != want {
				t.Errorf("delivered %+v, want %+v", l, want)
			}
			r.wantState("delivered", db.OutboxDelivered)
			if !r.measured(fmt.Sprintf(`menshen_message_deliveries_total{channel=%q,outcome="delivered"} 1`, test.channel)) {
				t.Error("the delivery is not in the metrics")
			}
			r.clock.advance(time.Hour)
			r.round(test.channel)
			r.wantTries("an hour later", c, 1)
		})
	}
}

// TestNotice: a notice has no code, and lives as long as it makes sense.
func TestNotice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.anEmail()
	m.Template, m.Code, m.ExpiresAt = message.PasswordChanged, "", r.clock.Now().Add(24*time.Hour)
	r.post(m)
	r.clock.advance(23 * time.Hour)
	r.round(message.Email)
	r.wantTries("delivered", r.email, 1)
	if l := r.email.tries()[0]; l.Code != "" || l.Template != message.PasswordChanged || l.Subject != "Acme: your password was changed" {
		t.Errorf("delivered %+v", l)
	}
}

// TestWaitingMessageIsSealed (C5): a row that waits shows neither address nor code nor text, in no way of writing them; and
// what is sealed in one row cannot be opened in another, so that nobody can have a message sent again.
func TestWaitingMessageIsSealed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.anEmail()
	other.To = "bob@example.com"
	r.post(r.anEmail(), other)
	var text string
	r.must(r.raw.QueryRowContext(t.Context(), "SELECT string_agg(o::text, ' ') FROM outbox o").Scan(&text))
	for _, o := range r.rows() {
		text += string(o.sealed)
	}
	for _, secret := range []string{"alice", "bob@", "example.com", "271828", "verification"} {
		if strings.Contains(text, secret) || strings.Contains(text, hex.EncodeToString([]byte(secret))) {
			t.Errorf("%q shows in a row: %s", secret, text)
		}
	}
	rows := r.rows()
	if bytes.Equal(rows[0].sealed, rows[1].sealed) {
		t.Error("two messages are sealed alike")
	}
	_, err := r.raw.ExecContext(t.Context(), "UPDATE outbox SET message_sealed = $1", rows[0].sealed)
	r.must(err)
	r.round(message.Email)
	tries := r.email.tries()
	if len(tries) != 1 || tries[0].ID != rows[0].id {
		t.Errorf("delivered %+v, want the message in its own row only", tries)
	}
	if o := r.rows()[1]; o.state != "waiting" || o.attempts != 1 {
		t.Errorf("the row with another's message: %+v", o)
	}
}

// TestLogTellsNoSecret (C5): whatever becomes of a message, the log names it by its id.
func TestLogTellsNoSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	decoy := r.anEmail()
	decoy.Decoy = true
	r.post(decoy, r.anEmail())
	for _, do := range []delivery{fails(errBusy), fails(channel.ErrRefused)} {
		r.email.set(do)
		r.round(message.Email)
		r.clock.advance(time.Minute)
	}
	log := r.log.String()
	for _, want := range []string{r.rows()[0].id, r.rows()[1].id, "suppressed", "refused", "carrier", errBusy.Error()} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	for _, secret := range []string{"alice", "example.com", "271828"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log says %q:\n%s", secret, log)
		}
	}
}

// TestDecoy (C6): a message to nobody is kept like any other, and never reaches a channel.
func TestDecoy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.anEmail()
	m.Decoy = true
	r.post(m)
	if o := r.only(); o.state != "waiting" || o.attempts != 0 || o.sealed == nil {
		t.Errorf("kept as %+v", o)
	}
	r.round(message.Email)
	r.wantTries("a decoy", r.email, 0)
	r.wantState("a decoy", db.OutboxSuppressed)
	if !r.measured(`menshen_message_deliveries_total{channel="email",outcome="suppressed"} 1`) {
		t.Error("the decoy is not in the metrics")
	}
}

// TestReady: what has no channel cannot be sent, and is refused before there is a row; nobody waits for it either.
func TestReady(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	delete(r.channels, message.Phone)
	delete(r.kicks, message.Phone)
	if !r.Ready(message.Email) || r.Ready(message.Phone) || r.Ready("pigeon") {
		t.Errorf("ready: e-mail %v, SMS %v, pigeon %v", r.Ready(message.Email), r.Ready(message.Phone), r.Ready("pigeon"))
	}
	if err := r.Post(t.Context(), r.store.Queries, r.anSMS()); err == nil {
		t.Error("a message without a channel was posted")
	}
	if len(r.rows()) != 0 {
		t.Errorf("rows %+v", r.rows())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Kick(message.Phone)
		for range 3 {
			r.Kick(message.Email) // nobody works, and nobody waits
		}
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("Kick waits for a worker")
	}
}
