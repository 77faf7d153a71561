package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestRegisterWithCode: an address that was proved, a password and a user name make an account that can sign in with each of
// them, at every door.
func TestRegisterWithCode(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	code := delivered(h, byEmail, gen.CaptchaUseRegister, "Bob@Example.com", emailOfBob)
	info := gen.CodeRegisterInfo{UserName: ptr("bob"), NickName: ptr("Bobby"), HeadImg: ptr("https://example.com/bob.png")}
	r := code.register(t, h, gen.CodeRegisterRequest{Password: ptr(harness.Password), Info: &info})
	if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.Token != nil {
		t.Fatalf("register: %s", r.Body)
	}
	want := gen.CaptchaLoginUser{
		UserID: r.JSON200.Data.Info.UserID, UserName: "bob", Email: emailOfBob, NickName: "Bobby", HeadImg: "https://example.com/bob.png",
	}
	if r.JSON200.Data.Info != want || want.UserID == "" {
		t.Errorf("registered %+v, want %+v", r.JSON200.Data.Info, want)
	}
	u := h.User(want.UserID)
	if !u.EmailVerified || u.PhoneVerified || u.Status != gen.UserStatusActivated || u.UserSourceType != gen.UserDtoUserSourceTypeRegister {
		t.Errorf("the user is %+v", *u)
	}
	for _, account := range []string{"bob", emailOfBob} {
		wantSuccess(t, "login of "+account, captchaLogin(t, h, account, harness.Password))
		wantSuccess(t, "sign-in of "+account, must(h.Client.SignInWithResponse(t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Account: &account})))(t))
	}
	h.SignIn("bob")
	wantCode(t, "the code once more", code.register(t, h, gen.CodeRegisterRequest{}), 1000005)
}

// TestRegisterAndSignInAtOnce: with a phone number and nothing else, and with isWithLogin, the answer has a token. Without a
// password there is no login with one.
func TestRegisterAndSignInAtOnce(t *testing.T) {
	t.Parallel()
	for _, by := range []gen.CaptchaRequestType{byPhone, bySMS} {
		h := harness.New(t, harness.NoLimits)
		h.Clock.Freeze()
		r := delivered(h, by, gen.CaptchaUseRegister, "13800138000", phoneOfBob).register(t, h, gen.CodeRegisterRequest{IsWithLogin: ptr(true)})
		if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.Token == nil {
			t.Fatalf("register: %s", r.Body)
		}
		user, token := r.JSON200.Data.Info, *r.JSON200.Data.Token
		if user.Phone != phoneOfBob || user.Email != "" || user.UserName != "" || !h.User(user.UserID).PhoneVerified {
			t.Errorf("registered %+v", user)
		}
		if now := h.Clock.Now().Unix(); token.AccessExpire != fmt.Sprint(now+900) || token.RefreshAfter != fmt.Sprint(now+450) || !h.Alive(token.AccessToken) {
			t.Errorf("token %+v at %d", token, now)
		}
		if n := h.Count(`SELECT count(*) FROM sessions WHERE amr = $1`, pq.Array([]string{"sms"})); n != 1 { // RFC 8176
			t.Errorf("%d sessions were proved by SMS", n)
		}
		wantCode(t, "a password", captchaLogin(t, h, phoneOfBob, harness.Password), 1000004)
		wantSuccess(t, "a code", delivered(h, by, gen.CaptchaUseLogin, phoneOfBob, phoneOfBob).login(t, h))
	}
}

// TestRegistrationThatIsRefused costs no code: what is wrong can be put right. Of an address that somebody has by then,
// the account stays whose it is.
func TestRegistrationThatIsRefused(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.SignUp("alice")
	code := delivered(h, byEmail, gen.CaptchaUseRegister, emailOfBob, emailOfBob)
	named := func(name string) gen.CodeRegisterRequest {
		return gen.CodeRegisterRequest{Info: &gen.CodeRegisterInfo{UserName: &name}}
	}
	wantCode(t, "a user name that is taken", code.register(t, h, named("ALICE")), 1000001)
	wantCode(t, "an e-mail address for a user name", code.register(t, h, named("bob@example.net")), 1000027)
	wantCode(t, "a password that everybody guesses", code.register(t, h, gen.CodeRegisterRequest{Password: ptr("password1")}), 1000025)
	wantGate(t, "a short password", code.register(t, h, gen.CodeRegisterRequest{Password: ptr("short")}), http.StatusBadRequest)

	newBob(h)
	wantCode(t, "an address that is taken by now", code.register(t, h, gen.CodeRegisterRequest{}), 1000031)
	h.Exec(`DELETE FROM identities`)
	h.Exec(`DELETE FROM users WHERE username = 'bob'`)
	phone := delivered(h, byPhone, gen.CaptchaUseRegister, phoneOfBob, phoneOfBob)
	newBob(h)
	wantCode(t, "a number that is taken by now", phone.register(t, h, gen.CodeRegisterRequest{}), 1000002)
	if n := h.Count(`SELECT count(*) FROM users`); n != 2 {
		t.Errorf("%d users", n)
	}
}

// TestOwnerIsToldOfRegistration (C6): who asks for a code to register with an address that has an account gets the answer of
// everybody else; the owner of the address is told of the account instead of a code, by either channel.
func TestOwnerIsToldOfRegistration(t *testing.T) {
	t.Parallel()
	m, s := harness.NewMailServer(t), harness.NewSMSReceiver(t)
	h := harness.New(t, harness.NoLimits, m.Configure, s.Configure)
	newBob(h)
	for language, says := range map[string][2]string{
		"en": {"There is an account with this address already", "There is an account with this number already"},
		"zh": {"此邮箱已经注册过账号", "此手机号已经注册过账号"},
	} {
		for by, to := range map[gen.CaptchaRequestType]string{byEmail: emailOfBob, byPhone: phoneOfBob} {
			untold := prove(h, by, gen.CaptchaUseRegister, to, in(language))
			wantCode(t, "the code that nobody was told", untold.register(t, h, gen.CodeRegisterRequest{}), map[gen.CaptchaRequestType]int{byEmail: 1000031, byPhone: 1000002}[by])
		}
		wantText(t, m.WaitFor(t, "Bob@example.com").Text, says[0])
		sms := s.WaitFor(t, phoneOfBob)
		wantText(t, sms.Text, says[1])
		if sms.Template != "registered" || sms.Code != "" || sms.Minutes != 0 {
			t.Errorf("the SMS is %+v", sms)
		}
	}
	for _, mail := range m.Messages() {
		if mail.Code != "" {
			t.Errorf("a code in %+v", mail)
		}
	}
}

// TestLoginWithCode: a code by e-mail or SMS opens a session. Who repeats it has proved the address, which an operator had
// only written down.
func TestLoginWithCode(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	id := newBob(h).UserID
	for _, c := range []struct {
		by     gen.CaptchaRequestType
		to, at string
		amr    string
	}{
		{byEmail, "BOB@example.com", emailOfBob, "otp"}, {byPhone, "13800138000", phoneOfBob, "sms"}, {bySMS, "+86 13800138000", phoneOfBob, "sms"},
	} {
		code := delivered(h, c.by, gen.CaptchaUseLogin, c.to, c.at)
		r := code.login(t, h)
		token := tokenOf(t, c.to, r)
		info := r.JSON200.Data.Info
		if info.UserID != id || info.Email != "Bob@example.com" || info.Phone != phoneOfBob || len(r.JSON200.Data.Roles) != 0 || !h.Alive(token) {
			t.Errorf("%s: %+v", c.to, *r.JSON200.Data)
		}
		if n := h.Count(`SELECT count(*) FROM sessions WHERE amr = $1 AND id = $2`, pq.Array([]string{c.amr}), sessionOf(t, token)); n != 1 {
			t.Errorf("%s: the session was not proved by %s", c.to, c.amr)
		}
		wantCode(t, c.to+", the code once more", code.login(t, h), 1000005)
		u := h.User(id)
		if !u.EmailVerified || u.PhoneVerified != (c.by != byEmail) {
			t.Errorf("%s: verified: e-mail %t, phone %t", c.to, u.EmailVerified, u.PhoneVerified)
		}
	}
	if n := h.Count(`SELECT count(*) FROM refresh_tokens`); n != 0 {
		t.Errorf("%d refresh tokens, which nobody was told", n)
	}

	code := delivered(h, byEmail, gen.CaptchaUseLogin, emailOfBob, emailOfBob)
	h.Clock.Advance(5 * time.Minute) // C2
	wantCode(t, "after five minutes", code.login(t, h), 1000005)
	code = delivered(h, byEmail, gen.CaptchaUseLogin, emailOfBob, emailOfBob)
	h.Clock.Advance(5*time.Minute - time.Millisecond)
	wantSuccess(t, "right before", code.login(t, h))
}

// TestCodeMakesAccounts, where a userpool is configured so: a login with a code for an address that nobody has makes the
// account. Elsewhere nothing is sent to such an address.
func TestCodeMakesAccounts(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits, func(c *app.Config) {
		if err := c.AutoRegister.UnmarshalText([]byte("false,second-userpool=true")); err != nil {
			t.Fatal(err)
		}
	})
	pool, _ := secondPool(t, h)
	r := delivered(h, byEmail, gen.CaptchaUseLogin, emailOfBob, emailOfBob, of(pool)).login(t, h, of(pool))
	token := tokenOf(t, "where accounts are made", r)
	if info := r.JSON200.Data.Info; info.Email != emailOfBob || info.UserID == "" || !h.Alive(token) {
		t.Errorf("the account is %+v", info)
	}
	again := delivered(h, byEmail, gen.CaptchaUseLogin, emailOfBob, emailOfBob, of(pool)).login(t, h, of(pool))
	if tokenOf(t, "the second time", again); again.JSON200.Data.Info != r.JSON200.Data.Info {
		t.Errorf("the second time it is %+v", again.JSON200.Data.Info)
	}
	sent := len(h.Letters(emailOfBob))
	wantCode(t, "where no accounts are made", prove(h, byEmail, gen.CaptchaUseLogin, emailOfBob).login(t, h), 1000003)
	if n := len(h.Letters(emailOfBob)) - sent; n != 0 {
		t.Errorf("%d messages were sent where nobody has the address", n)
	}
	if n := h.Count(`SELECT count(*) FROM users`); n != 1 {
		t.Errorf("%d users", n)
	}
}

// TestCodeDoesNotReplaceAuthenticator (doc of mfa: every door asks): there is no field for the authenticator's code here, so
// an account with one cannot sign in, however right the code that was sent. Nor can one that is disabled, which is not even
// sent a code.
func TestCodeDoesNotReplaceAuthenticator(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	alice := h.SignUp("alice").EnrolTOTP()
	wantSuccess(t, "bind", delivered(h, byEmail, gen.CaptchaUseBindAccount, "alice@example.com", "alice@example.com").bind(t, h, alice.AccessToken))
	code := delivered(h, byEmail, gen.CaptchaUseLogin, "alice@example.com", "alice@example.com")
	wantCode(t, "an account with an authenticator", code.login(t, h), 1000201)
	wantCode(t, "a wrong code", code.wrong().login(t, h), 1000005)

	newBob(h)
	code = delivered(h, byEmail, gen.CaptchaUseLogin, emailOfBob, emailOfBob)
	h.Exec(`UPDATE users SET status = 'Suspended' WHERE username = 'bob'`)
	wantCode(t, "an account that is disabled", code.login(t, h), 1000030)
	sent := len(h.Letters(emailOfBob))
	for _, use := range []gen.CaptchaUse{gen.CaptchaUseLogin, gen.CaptchaUseForgetPwd, gen.CaptchaUseChangePwd} {
		h.AskForCode(byEmail, use, emailOfBob)
	}
	if n := len(h.Letters(emailOfBob)) - sent; n != 0 {
		t.Errorf("%d messages were sent to who is disabled", n)
	}
}
