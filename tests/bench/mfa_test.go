package bench

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// BenchmarkAuthenticators measures the jobs of the second factor, each for another person: signing in with password and code,
// where the password costs most; showing a code within a session; enrolling a further authenticator, picture and all; and
// looking its secret up.
func BenchmarkAuthenticators(b *testing.B) {
	h := harness.New(b, unlimited)
	h.SignUp("template") // whose password the others have
	key := "Bearer " + managementToken(b, h)
	b.Run("totp-login", func(b *testing.B) {
		crowd := newCrowd(b, h, b.N)
		b.ResetTimer()
		crowd.parallel(b, func(client *http.Client, i int) error {
			body := fmt.Sprintf(`{"username":%q,"password":%q,"code":%q}`, crowd.names[i], harness.Password, crowd.code())
			return call(client, http.MethodPost, h.URL+"/user/login", body, nil)
		})
		if n := h.Count(`SELECT count(*) FROM sessions WHERE 'mfa' = ANY (amr)`); n < b.N {
			b.Errorf("%d sessions for %d logins", n, b.N)
		}
	})
	b.Run("totp-check", func(b *testing.B) {
		crowd := newCrowd(b, h, b.N)
		crowd.signIn(b)
		b.ResetTimer()
		crowd.parallel(b, func(client *http.Client, i int) error {
			return call(client, http.MethodPost, h.URL+"/auth/mfa/verify", `{"code":"`+crowd.code()+`"}`, crowd.as(i))
		})
	})
	b.Run("totp-enrol", func(b *testing.B) {
		crowd := newCrowd(b, h, b.N)
		crowd.signIn(b)
		b.ResetTimer()
		crowd.parallel(b, func(client *http.Client, i int) error {
			return call(client, http.MethodPost, h.URL+"/api/v3/send-enroll-factor-request", `{"factorType":"OTP","profile":{}}`, crowd.as(i))
		})
		b.StopTimer()
		if n := h.Count(`SELECT count(*) FROM mfa_pending`); n < b.N {
			b.Errorf("%d secrets wait after %d enrolments", n, b.N)
		}
	})
	b.Run("totp-secret", func(b *testing.B) {
		crowd := newCrowd(b, h, b.N)
		b.ResetTimer()
		crowd.parallel(b, func(client *http.Client, i int) error {
			url := h.URL + "/api/v3/get-otp-secret-by-user?userIdType=username&userId=" + crowd.names[i]
			return call(client, http.MethodGet, url, "", map[string]string{"Authorization": key})
		})
	})
}

// theSecret is everybody's: what differs is who they are.
const theSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

// crowd is people with an authenticator.
type crowd struct {
	h      *harness.Instance
	names  []string
	tokens []string
	next   atomic.Int64
}

// newCrowd makes n people with a password and an authenticator. A password is not hashed for each: that would take longer than
// what is measured.
func newCrowd(b *testing.B, h *harness.Instance, n int) *crowd {
	b.Helper()
	c := &crowd{h: h}
	prefix, client := fmt.Sprintf("authenticated-%d-", round.Add(1)), h.Management()
	for i := range n {
		name := fmt.Sprintf("%s%d", prefix, i)
		r, err := client.CreateUserWithResponse(context.Background(), gen.CreateUserReqDto{
			Username: &name, OTP: &gen.UserOTPDto{Secret: theSecret},
		})
		if err != nil || r.JSON200 == nil || r.JSON200.Data == nil {
			b.Fatalf("create user: %v %s", err, r.Body)
		}
		c.names = append(c.names, name)
	}
	h.Exec(`UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE username = 'template') WHERE password_hash IS NULL`)
	h.Clock.Freeze()
	return c
}

func (c *crowd) code() string { return c.h.Phone(theSecret).Code() }

// signIn gives everybody a session, and moves the clock to the next code.
func (c *crowd) signIn(b *testing.B) {
	b.Helper()
	c.tokens = make([]string, len(c.names))
	code := c.code()
	for i, name := range c.names {
		r, err := c.h.Client.LoginUserWithResponse(context.Background(), gen.LoginRequest{Username: name, Password: harness.Password, Code: &code})
		if err != nil || r.HTTPResponse.Header.Get("Access-Token") == "" {
			b.Fatalf("login: %v %s", err, r.Body)
		}
		c.tokens[i] = r.HTTPResponse.Header.Get("Access-Token")
	}
	c.h.Clock.Advance(harness.Step)
}

func (c *crowd) as(i int) map[string]string {
	return map[string]string{"Access-Token": c.tokens[i], "Authorization": c.tokens[i]}
}

// parallel runs a job for each of the people once.
func (c *crowd) parallel(b *testing.B, job func(client *http.Client, i int) error) {
	b.Helper()
	parallel(b, func(client *http.Client) error { return job(client, int(c.next.Add(1)-1)) })
}
