package race

import (
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// gathering is a pre hook that is slow: it lets all pass at one moment, when so many have come.
func gathering(t *testing.T, p *harness.Program, n int) {
	var mu sync.Mutex
	here, all := 0, make(chan struct{})
	p.AnswerWith(func(harness.Call) (int, string) {
		mu.Lock()
		if here++; here == n {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-time.After(time.Minute):
			t.Error("not all have come to the hook")
		}
		return 200, `{"decision":"allow"}`
	})
}

// atOnce makes as many calls as come to the hook, in turn on each instance, and returns the answers.
func atOnce[T any](t *testing.T, f fleet, call func(c *gen.ClientWithResponses) (T, error)) []T {
	t.Helper()
	answers, errs, done := make([]T, calls), make([]error, calls), sync.WaitGroup{}
	for i := range calls {
		done.Go(func() { answers[i], errs[i] = call(f[i%len(f)].Client) })
	}
	done.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	score.calls += calls
	score.won += len(winners(answers))
	return answers
}

// TestSlowHookAndOneUse (Q4, Q7): while a hook takes its time, more requests about the same ticket or fastpass are let pass than
// there are connections to the database, so none is held; one of them opens a session, and the post hook is told once.
func TestSlowHookAndOneUse(t *testing.T) {
	f := newFleet(t, func(c *app.Config) { c.MaxConns = calls / instances / 3 })
	alice := f[0].SignUp("alice")
	own := f[0].Credentials
	pre, post := f[0].Hook(db.HookPre), f[0].Hook(db.HookPost)
	sessions := func() int { return f[0].Count(`SELECT count(*) FROM sessions`) }
	events := 0
	check := func(what string, won, before int) {
		t.Helper()
		f[0].Settle()
		events++
		if opened := sessions() - before; won != 1 || opened != 1 || len(post.Events()) != events {
			t.Errorf("%s: %d won, %d sessions were opened, %d events, want 1, 1 and %d", what, won, opened, len(post.Events()), events)
		}
	}
	rounds(t, fair, func(t *testing.T) {
		ticket, before := alice.Approve(f[0].MakeQR()), sessions()
		gathering(t, pre, calls)
		exchanged := atOnce(t, f, func(c *gen.ClientWithResponses) (*gen.ExchangeQRCodeTicketResult, error) {
			return c.ExchangeQRCodeTicketWithResponse(t.Context(), nil, gen.ExchangeTokenSetWithQRcodeTicketDto{
				Ticket: ticket, ClientID: &own.AppID, ClientSecret: &own.AppSecret,
			})
		})
		check("exchanges", len(winners(exchanged)), before)

		code, before := alice.Fastpass(nil).QrcodeID, sessions()
		gathering(t, pre, calls)
		redeemed := atOnce(t, f, func(c *gen.ClientWithResponses) (*gen.RedeemFastpassResult, error) {
			return c.RedeemFastpassWithResponse(t.Context(), nil, gen.QRCodeAppLoginDto{Action: gen.QRCodeAppLoginDtoActionAppLogin, QrcodeID: code})
		})
		check("redemptions", len(winners(redeemed)), before)
	})
}

// TestOneDeliveryAtATime: of several replicas one has an event at a time, so a program that takes it at once is told once.
func TestOneDeliveryAtATime(t *testing.T) {
	f := newFleet(t)
	f[0].SignUp("alice")
	post := f[0].Hook(db.HookPost)
	post.AnswerWith(func(harness.Call) (int, string) {
		time.Sleep(50 * time.Millisecond) // long enough for others to claim what is under way, if they could
		return 200, ""
	})
	const logins = 24
	var all sync.WaitGroup
	for i := range logins {
		all.Go(func() {
			r, err := f[i%len(f)].Client.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: "alice", Password: harness.Password})
			if err != nil || !harness.OutcomeOf(r).Success() {
				t.Errorf("login: %v", err)
			}
		})
	}
	all.Wait()
	f[0].Settle()
	ids, sessions := map[string]int{}, map[string]int{}
	for _, e := range post.Events() {
		ids[e.WebhookID]++
		sessions[e.Data.SessionID]++
	}
	if len(post.Events()) != logins || len(ids) != logins || len(sessions) != logins {
		t.Errorf("%d events, %d ids, %d sessions, want %d each", len(post.Events()), len(ids), len(sessions), logins)
	}
}
