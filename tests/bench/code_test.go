package bench

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// BenchmarkCodes measures what a login with a code by e-mail costs: asking for the code, for another address each time, while
// the mails go to a real SMTP server beside it; and signing in with it.
func BenchmarkCodes(b *testing.B) {
	m := harness.NewMailServer(b)
	h := harness.New(b, unlimited, m.Configure)
	b.Run("code-issue", func(b *testing.B) {
		people := newPeople(h, b.N)
		b.ResetTimer()
		var next atomic.Int64
		parallel(b, func(client *http.Client) error {
			return call(client, http.MethodPost, h.URL+"/api/v1/system/user/captcha",
				fmt.Sprintf(`{"type":"email","use":"login","account":%q}`, people[next.Add(1)-1]), nil)
		})
		b.StopTimer()
		if n := h.Count(`SELECT count(*) FROM outbox`); n != b.N {
			b.Errorf("%d messages for %d codes", n, b.N)
		}
		h.Exec(`DELETE FROM outbox`) // what is still on its way is not for the next job to deliver
	})
	b.Run("code-check", func(b *testing.B) {
		people := newPeople(h, b.N)
		bodies := make([]string, b.N)
		for i, to := range people {
			id := h.AskForCode(gen.CaptchaRequestTypeEmail, gen.CaptchaUseLogin, to)
			bodies[i] = fmt.Sprintf(`{"loginType":"email","account":%q,"codeID":%q,"code":%q}`, to, id, h.Digits.Last())
		}
		h.Exec(`DELETE FROM outbox`)
		b.ResetTimer()
		var next atomic.Int64
		parallel(b, func(client *http.Client) error {
			return call(client, http.MethodPost, h.URL+"/api/v1/system/user/login", bodies[next.Add(1)-1], nil)
		})
		b.StopTimer()
		if n := h.Count(`SELECT count(*) FROM sent_codes`); n > 0 {
			b.Errorf("%d codes were not used up", n)
		}
	})
}

// round tells the people of one run from those of the next.
var round atomic.Int64

// newPeople makes users without a password, and returns their e-mail addresses.
func newPeople(h *harness.Instance, n int) (addresses []string) {
	name := fmt.Sprintf("person-%d-", round.Add(1))
	h.Exec(`DELETE FROM sent_codes`)
	h.Exec(`
		INSERT INTO users (userpool_id, id, email, email_key, status, source, created_at, updated_at)
		SELECT $1, $2::text || n, $2 || n || '@example.com', $2 || n || '@example.com', 'Activated', 'register', now(), now()
		FROM generate_series(0, $3 - 1) n`, h.Credentials.UserpoolID, name, n)
	for i := range n {
		addresses = append(addresses, fmt.Sprintf("%s%d@example.com", name, i))
	}
	return addresses
}
