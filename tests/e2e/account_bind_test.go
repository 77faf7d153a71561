package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestBindAccount: a signed-in user makes an address that it has proved its own, and can sign in with it from then on. What
// it replaces opens nothing any more. The user is told by e-mail, at the address of before.
func TestBindAccount(t *testing.T) {
	t.Parallel()
	m, s := harness.NewMailServer(t), harness.NewSMSReceiver(t)
	h := harness.New(t, harness.NoLimits, m.Configure, s.Configure)
	alice := h.SignUp("alice")
	byMail := func(use gen.CaptchaUse, to string, editors ...gen.RequestEditorFn) proof {
		return proof{"email", to, h.AskForCode(byEmail, use, to, editors...), m.WaitFor(t, to).Code}
	}
	byText := func(by gen.CaptchaRequestType, use gen.CaptchaUse, to string) proof {
		return proof{string(by), to, h.AskForCode(by, use, to), s.WaitFor(t, to).Code}
	}
	const first, second, phone, other = "alice@example.com", "alice@example.net", "+8613900139000", "+8613900139001"

	wantSuccess(t, "a first address", byMail(gen.CaptchaUseBindAccount, first).bind(t, h, alice.AccessToken))
	wantSuccess(t, "a first number", byText(byPhone, gen.CaptchaUseBindAccount, phone).bind(t, h, alice.AccessToken))
	wantText(t, m.WaitFor(t, first).Subject, "your account has another phone number")
	if u := h.User(alice.ID); *u.Email != first || *u.PhoneCountryCode+*u.Phone != phone || !u.EmailVerified || !u.PhoneVerified {
		t.Errorf("bound: %+v", *u)
	}
	wantEvents(t, h, alice.ID, "user.bind success", "user.bind success")
	wantSuccess(t, "login by e-mail", byMail(gen.CaptchaUseLogin, first).login(t, h))
	wantSuccess(t, "login by SMS", byText(bySMS, gen.CaptchaUseLogin, phone).login(t, h))
	wantSuccess(t, "the same address again", byMail(gen.CaptchaUseBindAccount, first).bind(t, h, alice.AccessToken))
	h.Settle()
	if n := len(m.Messages()); n != 4 {
		t.Errorf("%d mails, want three codes and a notice: nothing has changed since", n)
	}

	wantSuccess(t, "another address", byMail(gen.CaptchaUseBindAccount, second).bind(t, h, alice.AccessToken, in("zh")))
	wantText(t, m.WaitFor(t, first).Subject, "您的邮箱已更换")
	wantSuccess(t, "another number", byText(bySMS, gen.CaptchaUseBindAccount, other).bind(t, h, alice.AccessToken))
	wantText(t, m.WaitFor(t, second).Subject, "your account has another phone number")
	if u := h.User(alice.ID); *u.Email != second || *u.PhoneCountryCode+*u.Phone != other {
		t.Errorf("bound: %+v", *u)
	}
	wantSuccess(t, "login by the new address", byMail(gen.CaptchaUseLogin, second).login(t, h))
	wantSuccess(t, "login by the new number", byText(byPhone, gen.CaptchaUseLogin, other).login(t, h))
	sent := h.Count(`SELECT count(*) FROM outbox WHERE state = 'suppressed'`)
	wantCode(t, "login by the old address", prove(h, byEmail, gen.CaptchaUseLogin, first).login(t, h), 1000003)
	wantCode(t, "login by the old number", prove(h, byPhone, gen.CaptchaUseLogin, phone).login(t, h), 1000003)
	h.Settle()
	if n := h.Count(`SELECT count(*) FROM outbox WHERE state = 'suppressed'`) - sent; n != 2 {
		t.Errorf("%d messages were suppressed, want those to the old address and the old number", n)
	}
	if !h.Alive(alice.AccessToken) {
		t.Error("the session has ended")
	}
}

// TestBindWhatSomebodyHas: the code proves who the address belongs to outside, not that it is free here. Nothing changes, and
// the owner's login with it is none the worse.
func TestBindWhatSomebodyHas(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	bob, alice := newBob(h), h.SignUp("alice")
	email := delivered(h, byEmail, gen.CaptchaUseBindAccount, emailOfBob, emailOfBob)
	phone := delivered(h, byPhone, gen.CaptchaUseBindAccount, phoneOfBob, phoneOfBob)
	for range 2 { // what is refused costs no code
		wantCode(t, "an e-mail address", email.bind(t, h, alice.AccessToken), 1000031)
		wantCode(t, "a phone number", phone.bind(t, h, alice.AccessToken), 1000002)
	}
	if u := h.User(alice.ID); u.Email != nil || u.Phone != nil {
		t.Errorf("alice has %+v", *u)
	}
	token := tokenOf(t, "login", delivered(h, byEmail, gen.CaptchaUseLogin, emailOfBob, emailOfBob).login(t, h))
	wantSuccess(t, "its owner", email.bind(t, h, token))
	wantSuccess(t, "its owner, once more", phone.bind(t, h, token))
	if u := h.User(bob.UserID); !u.EmailVerified || !u.PhoneVerified {
		t.Errorf("bob has %+v", *u)
	}
}

// TestBindIsForTheSignedIn: without a token, or with one that has ended, no code helps, and none is used up.
func TestBindIsForTheSignedIn(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	alice := h.SignUp("alice")
	code := delivered(h, byEmail, gen.CaptchaUseBindAccount, "alice@example.com", "alice@example.com")
	for token, number := range map[string]int{"": 1000007, "x.y.z": 100005, h.ManagementToken(): 100005} {
		if o := wantGate(t, "the token "+token, code.bind(t, h, token), http.StatusUnauthorized); *o.Code != number {
			t.Errorf("the token %s: %s", token, o.Body)
		}
	}
	wantSuccess(t, "signed in", code.bind(t, h, alice.AccessToken))
}

// TestChangesNeedAFreshSession: whoever finds a session that was opened a while ago cannot keep the account: to change what
// opens it takes signing in again, or the old password. The code is not used up.
func TestChangesNeedAFreshSession(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	alice := h.SignUp("alice")
	wantSuccess(t, "a fresh session", prove(h, byEmail, gen.CaptchaUseBindAccount, "alice@example.com").bind(t, h, alice.AccessToken))
	h.Clock.Advance(15*time.Minute + time.Second)
	alice.Adopt(renewed(t, info(t, h, "", alice.RefreshToken)))
	if !h.Alive(alice.AccessToken) {
		t.Fatal("the session was not renewed")
	}
	number := prove(h, byPhone, gen.CaptchaUseBindAccount, "13900139000")
	password := prove(h, byEmail, gen.CaptchaUseChangePwd, "alice@example.com")
	for what, r := range map[string]any{"bind-account": number.bind(t, h, alice.AccessToken), "change-pwd": password.change(t, h, alice.AccessToken, newPassword)} {
		if o := wantGate(t, what, r, http.StatusUnauthorized); *o.Code != 1000007 {
			t.Errorf("%s: %s", what, o.Body)
		}
	}
	again := h.SignIn("alice")
	wantSuccess(t, "bind-account, signed in again", number.bind(t, h, again.AccessToken))
	wantSuccess(t, "change-pwd, signed in again", password.change(t, h, again.AccessToken, newPassword))

	carol := h.SignUp("carol")
	h.Clock.Advance(15*time.Minute + time.Second)
	carol.Adopt(renewed(t, info(t, h, "", carol.RefreshToken)))
	wantSuccess(t, "change-pwd, with the old password", changeWithPassword(t, h, carol.AccessToken, harness.Password, newPassword))
}
