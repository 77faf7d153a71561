package race

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestEveryMessageIsSentOnce: the workers of three replicas find many messages due at one moment, those that could not be
// delivered while the mail server was away. Each is delivered once, by one of them, with the second try.
func TestEveryMessageIsSentOnce(t *testing.T) {
	const messages = 120
	m := harness.NewMailServer(t)
	f := newFleet(t, m.Configure)
	rounds(t, fair, func(t *testing.T) {
		f[0].Exec(`DELETE FROM outbox`)
		before := len(m.Messages())
		m.Fail(harness.AtConnect, harness.Drop)
		for n := range messages {
			f[n%len(f)].AskForCode(email, gen.CaptchaUseRegister, manyMailboxes(n))
		}
		// Whoever has tried is to try again later, and the clock stands still.
		harness.Eventually(t, "a first try of every message", func() bool {
			return f[0].Count(`SELECT count(*) FROM outbox WHERE attempts = 1 AND due_at > $1 AND due_at < $2`,
				f[0].Clock.Now(), f[0].Clock.Now().Add(2*time.Second)) == messages
		})
		m.Recover()
		release := f[0].Hold("outbox")
		f[0].Clock.Advance(2 * time.Second)
		release(len(f)) // all workers look for messages
		settled(t, f)
		got := map[string]int{}
		for _, mail := range m.Messages()[before:] {
			got[mail.MessageID]++
			got[mail.To]++
		}
		for what, times := range got {
			if times != 1 {
				t.Errorf("%s was sent %d times", what, times)
			}
		}
		if n := f[0].Count(`SELECT count(*) FROM outbox WHERE state = 'delivered' AND attempts = 2`); n != messages || len(got) != 2*messages {
			t.Errorf("%d messages were delivered, and %d addresses and ids received; want %d and %d", n, len(got), messages, 2*messages)
		}
	})
}
