package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

const newPassword = "purple guards at every door"

// passwordIs: this is the password of the account, and the other is not.
func passwordIs(t *testing.T, h *harness.Instance, account, right, wrong string) {
	t.Helper()
	wantSuccess(t, account+" with the right password", captchaLogin(t, h, account, right))
	wantCode(t, account+" with the wrong password", captchaLogin(t, h, account, wrong), 1000004)
}

// changeWithPassword changes the password of who holds the token, with the old one.
func changeWithPassword(t *testing.T, h *harness.Instance, token, old, password string, answer ...string) *gen.ChangePasswordResult {
	t.Helper()
	body := gen.ChangePasswordRequest{Type: gen.ChangePasswordRequestTypePwd, OldPassword: &old, Password: password}
	if len(answer) > 0 {
		body.CodeID, body.Code = &answer[0], &answer[1]
	}
	return must(h.Client.ChangePasswordWithResponse(t.Context(), nil, body, as(token)))(t)
}

// wantEvents: the audit log tells of the user's newest actions, newest first, as "action outcome".
func wantEvents(t *testing.T, h *harness.Instance, userID string, want ...string) {
	t.Helper()
	events := must(h.Store.Audit().Of(t.Context(), h.Credentials.UserpoolID, "user:"+userID, len(want)))(t)
	var got []string
	for _, e := range events {
		got = append(got, e.Action+" "+e.Outcome)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("the audit log has %v, want %v", got, want)
	}
}

// TestForgottenPassword: the owner of an address sets the password anew. From that moment the old one is worth nothing, nor
// is any session, and the owner is told by e-mail, whichever way the code came. Other people stay where they are.
func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	m, s := harness.NewMailServer(t), harness.NewSMSReceiver(t)
	h := harness.New(t, harness.NoLimits, m.Configure, s.Configure)
	id := newBob(h).UserID
	alice := h.SignUp("alice")
	old, current := harness.Password, newPassword
	for _, c := range []struct {
		by             gen.CaptchaRequestType
		to             string
		code           func() string
		language, says string
	}{
		{byEmail, emailOfBob, func() string { return m.WaitFor(t, emailOfBob).Code }, "en", "your password was changed"},
		{byPhone, "13800138000", func() string { return s.WaitFor(t, phoneOfBob).Code }, "zh", "您的密码已修改"},
		{bySMS, phoneOfBob, func() string { return s.WaitFor(t, phoneOfBob).Code }, "en", "your password was changed"},
	} {
		session := tokenOf(t, "login", captchaLogin(t, h, "bob", old))
		set := must(h.Client.SignInWithResponse(t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Username: ptr("bob"), Password: old})))(t)
		wantSuccess(t, "sign-in", set)
		code := proof{by: string(c.by), to: c.to, id: h.AskForCode(c.by, gen.CaptchaUseForgetPwd, c.to), code: c.code()}
		wantCode(t, "a password that everybody guesses", code.reset(t, h, "password1"), 1000025)
		wantCode(t, "one's own name", code.reset(t, h, "bob@example.com"), 1000025)
		if !h.Alive(session) {
			t.Error("a refusal has ended the session")
		}
		wantSuccess(t, "forget-pwd", code.reset(t, h, current, in(c.language)))
		if mail := m.WaitFor(t, emailOfBob); !strings.Contains(mail.Subject, c.says) || mail.Code != "" || strings.Contains(mail.Text, current) {
			t.Errorf("%s: the notice is %+v", c.by, mail)
		}
		if h.Alive(session) || h.Alive(*set.JSON200.Data.AccessToken) {
			t.Errorf("%s: a session outlived the password", c.by)
		}
		wantRefused(t, "its refresh token", info(t, h, "", *set.JSON200.Data.RefreshToken), "sign in")
		wantCode(t, "the code once more", code.reset(t, h, old), 1000005)
		wantEvents(t, h, id, "user.password_reset success")
		passwordIs(t, h, "bob", current, old)
		old, current = current, current+"s"
	}
	if u := h.User(id); !u.EmailVerified || !u.PhoneVerified {
		t.Errorf("the addresses are proved: e-mail %t, phone %t", u.EmailVerified, u.PhoneVerified)
	}
	if !h.Alive(alice.AccessToken) {
		t.Error("the session of somebody else was ended")
	}
}

// TestNewPasswordDoesNotReplaceAuthenticator: a mailbox in the wrong hands is not enough where there is a second factor.
func TestNewPasswordDoesNotReplaceAuthenticator(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	alice := h.SignUp("alice").EnrolTOTP()
	alice.Login(alice.Code())
	h.Clock.Advance(30 * time.Second)
	wantSuccess(t, "bind", prove(h, byEmail, gen.CaptchaUseBindAccount, "alice@example.com").bind(t, h, alice.AccessToken))
	wantSuccess(t, "forget-pwd", prove(h, byEmail, gen.CaptchaUseForgetPwd, "alice@example.com").reset(t, h, newPassword))
	login := func(code *string) *gen.LoginUserResult {
		return must(h.Client.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: "alice", Password: newPassword, Code: code}))(t)
	}
	wantRefused(t, "without the authenticator", login(nil), "code of the authenticator is required")
	wantSuccess(t, "with it", login(ptr(alice.Code())))
}

// TestChangePassword: who is signed in and knows the old password sets another, and signs in anew everywhere: this session
// has ended, too (401, which clients of the document wait for).
func TestChangePassword(t *testing.T) {
	t.Parallel()
	m := harness.NewMailServer(t)
	h := harness.New(t, m.Configure, func(c *app.Config) { c.LimitSignInFree.Max = 0 })
	id := newBob(h).UserID
	token, other := tokenOf(t, "login", captchaLogin(t, h, "bob", harness.Password)), h.SignIn("bob")
	wantCode(t, "a wrong old password", changeWithPassword(t, h, token, "wrong password", newPassword), 1000004)
	none := must(h.Client.ChangePasswordWithResponse(t.Context(), nil, gen.ChangePasswordRequest{Type: "pwd", Password: newPassword}, as(token)))(t)
	wantCode(t, "no old password", none, 1000004)
	wantCode(t, "a password that everybody guesses", changeWithPassword(t, h, token, harness.Password, "password1"), 1000025)
	wantGate(t, "a short password", changeWithPassword(t, h, token, harness.Password, "short"), http.StatusBadRequest)
	wantEvents(t, h, id, "user.password_change refused", "user.password_change refused")
	if !h.Alive(token) || !h.Alive(other.AccessToken) || len(m.Messages()) != 0 {
		t.Error("a refusal has ended a session, or told somebody something")
	}

	wantSuccess(t, "the old password", changeWithPassword(t, h, token, harness.Password, newPassword))
	wantText(t, m.WaitFor(t, emailOfBob).Text, "The password of your account at Menshen has just been changed")
	if h.Alive(token) || h.Alive(other.AccessToken) {
		t.Error("a session outlived the password")
	}
	o := wantGate(t, "this session", changeWithPassword(t, h, token, newPassword, harness.Password), http.StatusUnauthorized)
	if *o.Code != 100005 {
		t.Errorf("this session: %s", o.Body)
	}
	wantEvents(t, h, id, "user.password_change success")
	passwordIs(t, h, "bob", newPassword, harness.Password)
	nobody := must(h.Client.ChangePasswordWithResponse(t.Context(), nil, gen.ChangePasswordRequest{Type: "pwd", Password: newPassword}))(t)
	wantGate(t, "nobody", nobody, http.StatusUnauthorized)
}

// TestChangePasswordWithCode: a code proves a user that has forgotten the old password, or never had one, if it was sent to
// the user's own address. The address in the request may be left out, and cannot be another.
func TestChangePasswordWithCode(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	newBob(h)
	alice := h.SignUp("alice")
	old := harness.Password
	for _, c := range []struct {
		by            gen.CaptchaRequestType
		to, at, other string
		account       *string // as sent along
	}{
		{byEmail, "BOB@example.com", emailOfBob, "carol@example.com", ptr("BOB@EXAMPLE.com")},
		{byPhone, "138 0013 8000", phoneOfBob, "13900139000", nil},
		{bySMS, phoneOfBob, phoneOfBob, "13900139000", ptr("")},
	} {
		token := tokenOf(t, "login", captchaLogin(t, h, "bob", old))
		with := func(token string, account *string, p proof, password string) *gen.ChangePasswordResult {
			return must(h.Client.ChangePasswordWithResponse(t.Context(), nil, gen.ChangePasswordRequest{
				Type: gen.ChangePasswordRequestType(c.by), Account: account, Code: &p.code, CodeID: &p.id, Password: password,
			}, as(token)))(t)
		}
		wantCode(t, "a code for another address", with(token, nil, prove(h, c.by, gen.CaptchaUseChangePwd, c.other), newPassword), 1000005)
		code := delivered(h, c.by, gen.CaptchaUseChangePwd, c.to, c.at)
		wantCode(t, "another address", with(token, &c.other, code, newPassword), 1000033)
		wantCode(t, "no address at all", with(token, ptr("bob"), code, newPassword), 1000033)
		wantCode(t, "somebody without an address", with(alice.AccessToken, nil, code, newPassword), 1000033)
		wantCode(t, "somebody without that address", with(alice.AccessToken, &c.to, code, newPassword), 1000033)
		current := newPassword + string(c.by)
		wantSuccess(t, string(c.by), with(token, c.account, code, current))
		if h.Alive(token) {
			t.Errorf("%s: the session outlived the password", c.by)
		}
		passwordIs(t, h, "bob", current, old)
		old = current
	}
	if !h.Alive(alice.AccessToken) {
		t.Error("the session of somebody else was ended")
	}

	r := prove(h, byEmail, gen.CaptchaUseRegister, "carol@example.com").register(t, h, gen.CodeRegisterRequest{IsWithLogin: ptr(true)})
	token := r.JSON200.Data.Token.AccessToken
	wantCode(t, "who has no password has no old one", changeWithPassword(t, h, token, "anything at all", newPassword), 1000004)
	wantSuccess(t, "a first password", prove(h, byEmail, gen.CaptchaUseChangePwd, "carol@example.com").change(t, h, token, newPassword))
	passwordIs(t, h, "carol@example.com", newPassword, old)
}

// TestFailedPasswordsNeedCaptcha: three tries on an account are free; the fourth needs an image captcha, however right the
// password, and a success makes them free again. Other accounts are not touched.
func TestFailedPasswordsNeedCaptcha(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	h.SignUp("alice")
	h.SignUp("carol")
	login := func(account, password string) *gen.LoginWithCaptchaResult {
		return must(h.Client.LoginWithCaptchaWithResponse(t.Context(), nil, gen.CaptchaLoginRequest{
			Account: account, LoginType: gen.CaptchaLoginRequestLoginTypePwd, Password: &password,
		}))(t)
	}
	for range 2 {
		for _, account := range []string{"alice", "ALICE", "ａｌｉｃｅ"} {
			wantCode(t, "a guess at "+account, login(account, "wrong password"), 1000004)
		}
		wantCode(t, "the fourth try", login("alice", harness.Password), 1000034)
		wantSame(t, "an account and none", login("alice", "wrong password"), login("alice", harness.Password))
		wantSuccess(t, "another account", login("carol", harness.Password))
		id, answer := h.Captcha(gen.CaptchaUseLogin)
		wantCode(t, "a wrong answer", checkCaptcha(t, h, "alice", harness.Password, id, "000000"), 1000005)
		wantCode(t, "the right answer after a wrong one", checkCaptcha(t, h, "alice", harness.Password, id, answer), 1000005)
		wantSuccess(t, "with an image captcha", captchaLogin(t, h, "alice", harness.Password))
		wantSuccess(t, "after a success", login("alice", harness.Password))
		h.Clock.Advance(5 * time.Minute)
	}
	nobody := func(password string) *gen.LoginWithCaptchaResult { return login("nobody", password) }
	for range 3 {
		wantCode(t, "a guess at nobody", nobody("wrong password"), 1000004)
	}
	wantCode(t, "the fourth at nobody", nobody("wrong password"), 1000034)
	h.Clock.Advance(100 * time.Second)
	wantCode(t, "a while later", nobody("wrong password"), 1000004)
}

// TestFailedPasswordsOfAnAddressNeedCaptcha: whoever goes through many accounts from one address needs an image captcha for
// all of them.
func TestFailedPasswordsOfAnAddressNeedCaptcha(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitFreeIP.Max = 3 })
	h.Clock.Freeze()
	h.SignUp("alice")
	for i, account := range []string{"a", "b", "c", "alice"} {
		r := must(h.Client.LoginWithCaptchaWithResponse(t.Context(), nil, gen.CaptchaLoginRequest{
			Account: account, LoginType: gen.CaptchaLoginRequestLoginTypePwd, Password: ptr(harness.Password),
		}))(t)
		wantCode(t, account, r, map[bool]int{true: 1000034, false: 1000004}[i == 3])
	}
	wantSuccess(t, "with an image captcha", captchaLogin(t, h, "alice", harness.Password))
}

// TestFailedOldPasswordsNeedCaptcha: a session in the wrong hands is not enough to guess the password with.
func TestFailedOldPasswordsNeedCaptcha(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	for range 3 {
		wantCode(t, "a guess", changeWithPassword(t, h, alice.AccessToken, "wrong password", newPassword), 1000004)
	}
	wantCode(t, "the fourth try", changeWithPassword(t, h, alice.AccessToken, harness.Password, newPassword), 1000034)
	id, answer := h.Captcha(gen.CaptchaUseLogin)
	wantCode(t, "an image captcha of another use", changeWithPassword(t, h, alice.AccessToken, harness.Password, newPassword, id, answer), 1000005)
	id, answer = h.Captcha(gen.CaptchaUseChangePwd)
	wantSuccess(t, "an image captcha", changeWithPassword(t, h, alice.AccessToken, harness.Password, newPassword, id, answer))
	passwordIs(t, h, "alice", newPassword, harness.Password)
}
