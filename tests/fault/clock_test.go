package fault

import (
	"strconv"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestClockJumps (T4, T8): the clock of the machine jumps, backward and forward and there and back. What was used stays used, and
// what has come to its end is no good for anything that it was used for. While the clock is more than 3 s from the database's
// the service is not ready.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	jumps := [][]time.Duration{
		{-30 * time.Second},
		{-time.Hour},
		{-365 * 24 * time.Hour},
		{30 * time.Second},
		{time.Hour},
		{365 * 24 * time.Hour},
		{time.Hour, -time.Hour},
		{-time.Hour, time.Hour},
		{25 * time.Hour, -26 * time.Hour},
	}
	tries := 0
	r := newRig(t)
	for n, jump := range jumps {
		began := time.Now()
		right := r.Clock.Now()
		used := r.useUp(n)
		for _, by := range jump {
			r.Clock.Advance(by)
			for what, again := range used {
				tries++
				if o := again(); o.Success() {
					t.Errorf("the clock jumps by %v: %s is good again: %s", jump, what, o.Body)
				}
			}
		}
		r.Clock.Advance(right.Add(time.Since(began)).Sub(r.Clock.Now()))
		r.wantReady("with the right time", 200)
		for _, skew := range []time.Duration{4 * time.Second, -4 * time.Second} {
			r.Clock.Advance(skew)
			r.wantReady("with a clock that is off by "+skew.String(), 503)
			r.Clock.Advance(-skew)
		}
		r.wantReady("with the right time again", 200)
	}
	t.Attr("jumps", strconv.Itoa(len(jumps)))
	t.Attr("tries", strconv.Itoa(tries))
	t.Attr("used_twice", "0")
}

func (r *rig) wantReady(what string, status int) {
	r.t.Helper()
	if ready := harness.Must(r.Client.GetReadinessWithResponse(r.t.Context()))(r.t); ready.StatusCode() != status {
		r.t.Errorf("ready %s: HTTP %d %s", what, ready.StatusCode(), ready.Body)
	}
}

// useUp uses all that is good once, and returns how to use each again.
func (r *rig) useUp(n int) map[string]func() harness.Outcome {
	r.t.Helper()
	good := func(what string, again func() harness.Outcome) func() harness.Outcome {
		r.t.Helper()
		if o := again(); !o.Success() {
			r.t.Fatalf("%s: %s", what, o.Body)
		}
		return again
	}
	alice := r.SignUp("alice" + strconv.Itoa(n))
	ticket := alice.Approve(r.ShowQR(nil))
	refresh := alice.RefreshToken
	alice.EnrolTOTP()
	code := alice.Code()
	name := "bob" + strconv.Itoa(n)
	mail := name + "@example.com"
	r.CreateUser(gen.CreateUserReqDto{Username: &name, Email: &mail})
	id := r.AskForCode(email, gen.CaptchaUseLogin, mail)
	sent := r.mails.WaitForCode(r.t, mail)
	return map[string]func() harness.Outcome{
		"a ticket": good("ticket", func() harness.Outcome { return harness.OutcomeOf(r.Exchange(ticket)) }),
		"a code":   good("code", func() harness.Outcome { return harness.OutcomeOf(alice.TryLogin(code)) }),
		"a sent code": good("sent code", func() harness.Outcome {
			return harness.OutcomeOf(harness.Must(r.Client.LoginWithCaptchaWithResponse(r.t.Context(), nil, gen.CaptchaLoginRequest{
				Account: mail, LoginType: gen.CaptchaLoginRequestLoginTypeEmail, CodeID: &id, Code: &sent,
			}))(r.t))
		}),
		"a refresh token": r.renew(refresh),
	}
}

// renew uses a refresh token, and the next as well: from then on the first is no good, whatever time it is.
func (r *rig) renew(token string) (again func() harness.Outcome) {
	r.t.Helper()
	use := func(token string) *gen.GetTokenResult {
		return harness.Must(r.Client.GetTokenWithFormdataBodyWithResponse(r.t.Context(), nil, gen.TokenRequest{
			GrantType: "refresh_token", RefreshToken: &token, ClientID: &r.Credentials.AppID, ClientSecret: &r.Credentials.AppSecret,
		}))(r.t)
	}
	next := use(token)
	if next.JSON200 == nil || next.JSON200.RefreshToken == nil {
		r.t.Fatalf("refresh token: %s", next.Body)
	}
	if last := use(*next.JSON200.RefreshToken); !harness.OutcomeOf(last).Success() {
		r.t.Fatalf("the next refresh token: %s", last.Body)
	}
	return func() harness.Outcome { return harness.OutcomeOf(use(token)) }
}
