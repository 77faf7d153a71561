package e2e

import (
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/impl/wechat"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
	"github.com/menshen-auth/menshen/tests/harness"
)

// wayIn prepares a sign-in at a door, by somebody who may have a session, and returns what tries it. It is tried twice.
type wayIn func(s *house) (try func() any)

// waysIn are the ways through every door of mfa_door_test.go, by operationId.
var waysIn = map[string][]wayIn{
	"loginUser":            {(*house).loginUser},
	"signIn":               {(*house).signIn},
	"signInWithMFA":        {(*house).signInWithMFA},
	"loginWithCaptcha":     {(*house).loginWithPassword, (*house).loginWithEmail, (*house).loginWithSMS, (*house).loginAndRegister},
	"loginWithMFA":         {(*house).loginWithMFA},
	"registerWithCode":     {(*house).register},
	"exchangeQRCodeTicket": {(*house).exchange, (*house).exchangeOfWechat},
	"redeemFastpass":       {(*house).redeem},
}

// noWayIn is why a door leads to no session of a user's.
var noWayIn = map[string]string{
	"getManagementToken": "the token is that of a program, and no user's",
	"getToken":           "the session was opened before",
}

// house is a service with hooks, and users of every kind.
type house struct {
	t      *testing.T
	h      *harness.Instance
	wechat *wechattest.Server
	alice  *harness.Person // has an authenticator
}

func newHouse(t *testing.T) *house {
	t.Helper()
	double := wechattest.New(t)
	h := harness.New(t, harness.NoLimits, harness.Wechat(double), func(c *app.Config) {
		if err := c.AutoRegister.UnmarshalText([]byte("true")); err != nil {
			t.Fatal(err)
		}
	})
	h.Clock.Freeze()
	h.CreateUser(everything())
	return &house{t: t, h: h, wechat: double, alice: h.SignUp("alice").EnrolTOTP()}
}

// TestEveryDoorAsksTheHooks walks the doors. Whoever comes through one of them is asked about first: a hook that refuses lets
// nobody in and uses nothing up, so that the same try succeeds when it lets pass; and of every session it is told, once.
func TestEveryDoorAsksTheHooks(t *testing.T) {
	t.Parallel()
	for id := range doors {
		if len(waysIn[id]) == 0 && noWayIn[id] == "" {
			t.Errorf("%s leads to a session: add the ways through it to waysIn in tests/e2e/hook_door_test.go", id)
		}
	}
	for id, ways := range waysIn {
		if _, ok := doors[id]; !ok {
			t.Errorf("%s is no door; remove it from waysIn", id)
		}
		for _, way := range ways {
			t.Run(id, func(t *testing.T) {
				t.Parallel()
				s := newHouse(t)
				try := way(s)
				pre, post := s.h.Hook(db.HookPre), s.h.Hook(db.HookPost)
				count := func() int { return s.h.Count(`SELECT count(*) FROM sessions`) }
				people := s.h.Count(`SELECT count(*) FROM users`)
				opened := count()
				pre.Answer(200, denial)
				r := try()
				refusal(t, "refused", r, 200)
				if o := harness.OutcomeOf(r); o.Success() || o.Text() != "暂停服务 until Monday." {
					t.Errorf("the hook does not decide: %s", o.Body)
				}
				if asked := len(pre.Events()); asked != 1 || count() != opened || s.h.Count(`SELECT count(*) FROM users`) != people {
					t.Errorf("asked %d times, and %d sessions were opened", asked, count()-opened)
				}
				pre.Answer(200, `{"decision":"allow"}`)
				wantSuccess(t, "let pass", try())
				if n := count() - opened; n != 1 {
					t.Errorf("%d sessions were opened, want 1", n)
				}
				event := told(t, s.h, post, 1)[0].Data
				if n := s.h.Count(`SELECT count(*) FROM sessions WHERE id = $1 AND user_id = $2`, event.SessionID, event.User.ID); n != 1 {
					t.Errorf("told of a session that there is not: %+v", event)
				}
				if last := pre.Events()[len(pre.Events())-1].Data; last.AttemptID != event.AttemptID || last.User.ID != event.User.ID || last.Method != event.Method {
					t.Errorf("asked about %+v, and told of %+v", last, event)
				}
			})
		}
	}
}

func (s *house) loginUser() func() any {
	return func() any { return s.alice.TryLogin(s.alice.Code()) }
}

func (s *house) signIn() func() any {
	return func() any {
		return must(s.h.Client.SignInWithResponse(s.t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Username: ptr("bob")})))(s.t)
	}
}

// signInWithMFA: what is finished was screened when it began, so that is where the hook refuses.
func (s *house) signInWithMFA() func() any {
	return func() any {
		r := must(s.h.Client.SignInWithResponse(s.t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})))(s.t)
		if r.JSON200 == nil || r.JSON200.MFATriggerData == nil {
			return r
		}
		return s.h.Finish(r.JSON200.MFATriggerData.MFAToken, s.alice.Code())
	}
}

func (s *house) loginWithPassword() func() any {
	return func() any { return captchaLogin(s.t, s.h, "bob", harness.Password) }
}

func (s *house) loginWithEmail() func() any {
	code := delivered(s.h, byEmail, gen.CaptchaUseLogin, emailOfBob, emailOfBob)
	return func() any { return code.login(s.t, s.h) }
}

func (s *house) loginWithSMS() func() any {
	code := delivered(s.h, byPhone, gen.CaptchaUseLogin, phoneOfBob, phoneOfBob)
	return func() any { return code.login(s.t, s.h) }
}

// loginAndRegister is a login with a code that makes the account which the address does not have.
func (s *house) loginAndRegister() func() any {
	code := prove(s.h, byEmail, gen.CaptchaUseLogin, "new@example.com")
	return func() any { return code.login(s.t, s.h) }
}

func (s *house) loginWithMFA() func() any {
	return func() any {
		r := captchaLogin(s.t, s.h, "alice", harness.Password)
		if r.JSON200 == nil || r.JSON200.MFAToken == nil {
			return r
		}
		return s.h.FinishInCodeDialect(*r.JSON200.MFAToken, s.alice.Code())
	}
}

func (s *house) register() func() any {
	code := prove(s.h, byEmail, gen.CaptchaUseRegister, "new@example.com")
	return func() any { return code.register(s.t, s.h, gen.CodeRegisterRequest{IsWithLogin: ptr(true)}) }
}

func (s *house) exchange() func() any {
	s.alice.Login(s.alice.Code())
	s.h.Clock.Advance(harness.Step)
	ticket := s.alice.Approve(s.h.ShowQR(nil))
	return func() any { return s.h.Exchange(ticket) }
}

// exchangeOfWechat is the ticket of somebody who has scanned with WeChat, and whom nobody vouches for.
func (s *house) exchangeOfWechat() func() any {
	connection, account := s.h.Official(true, wechat.Change{OneTap: ptr(true)})
	page := s.h.ShowQROf(gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeWechatOfficialAccount, ExtIdpConnID: &connection.ID})
	s.h.Push(account.Push(s.h.Clock.Now(), "", wechattest.Scan("carol", s.wechat.Scene(page.Payload), s.h.Clock.Now())))
	ticket := page.Ticket()
	return func() any { return s.h.Exchange(ticket) }
}

func (s *house) redeem() func() any {
	s.alice.Login(s.alice.Code())
	s.h.Clock.Advance(harness.Step)
	pass := s.alice.Fastpass(nil).QrcodeID
	return func() any { return s.h.Redeem(pass) }
}
