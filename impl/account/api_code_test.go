package account

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// signedIn is a request of a user who has just signed in.
func (r *rig) signedIn(u db.User) context.Context {
	r.t.Helper()
	caller := r.caller(u)
	return authn.With(r.t.Context(), authn.Principal{User: &caller})
}

// TestLoginOperation: one operation for passwords, with an image or without, and for codes by e-mail and SMS, under either
// name; the answer has the user and a token with its times.
func TestLoginOperation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api, alice := NewAPI(r.Service), r.both("alice", "13800138000")
	email := r.code("login", message.Email, "alice@example.com")
	phone, sms := r.code("login", message.Phone, "+8613800138000"), r.code("login", message.Phone, "+8613800138000")
	for name, body := range map[string]gen.CaptchaLoginRequest{
		"password":                {LoginType: "pwd", Account: "alice", Password: optional.Of(password)},
		"password, by e-mail":     {LoginType: "pwd", Account: "alice@example.com", Password: optional.Of(password)},
		"password, by phone":      {LoginType: "pwd", Account: "138 0013 8000", Password: optional.Of(password)},
		"password, with an image": {LoginType: "pwd", Account: "alice", Password: optional.Of(password), CodeID: optional.Of("login"), Code: optional.Of("right")},
		"e-mail":                  {LoginType: "email", Account: email.Account, CodeID: &email.ID, Code: &email.Answer},
		"phone":                   {LoginType: "phone", Account: phone.Account, CodeID: &phone.ID, Code: &phone.Answer},
		"sms":                     {LoginType: "sms", Account: sms.Account, CodeID: &sms.ID, Code: &sms.Answer},
	} {
		answer, err := api.LoginWithCaptcha(t.Context(), gen.LoginWithCaptchaRequestObject{Body: &body})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		data := answer.(gen.LoginWithCaptcha200JSONResponse).Data
		end := r.clock.now.Add(15 * time.Minute)
		if data.Token.AccessExpire != strconv.FormatInt(end.Unix(), 10) || data.Token.RefreshAfter != strconv.FormatInt(end.Add(-450*time.Second).Unix(), 10) || data.Roles == nil {
			t.Errorf("%s: %+v", name, data)
		}
		if caller, err := r.VerifyAccess(t.Context(), data.Token.AccessToken); err != nil || caller.ID != alice.ID {
			t.Errorf("%s: the token is %+v's, %v", name, caller, err)
		}
	}
	for name, test := range map[string]struct {
		body gen.CaptchaLoginRequest
		want error
	}{
		"wrong password":    {gen.CaptchaLoginRequest{LoginType: "pwd", Account: "alice"}, ErrCredentials},
		"wrong image":       {gen.CaptchaLoginRequest{LoginType: "pwd", Account: "alice", Password: optional.Of(password), CodeID: optional.Of("x")}, errCode},
		"a spent code":      {gen.CaptchaLoginRequest{LoginType: "email", Account: email.Account, CodeID: &email.ID, Code: &email.Answer}, errCode},
		"nothing but a way": {gen.CaptchaLoginRequest{LoginType: "phone"}, errCode},
	} {
		_, err := api.LoginWithCaptcha(t.Context(), gen.LoginWithCaptchaRequestObject{Body: &test.body})
		r.want(name, err, test.want)
	}
}

// TestRegisterOperation: the operation makes an account with what the body has, and answers a token to who wants to be
// signed in, and to nobody else.
func TestRegisterOperation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api := NewAPI(r.Service)
	for i, test := range []struct {
		typ     gen.CodeType
		channel message.Channel
		account string
		signIn  *bool
		info    *gen.CodeRegisterInfo
	}{
		{"email", message.Email, "a@example.com", nil, nil},
		{"phone", message.Phone, "+8613900139001", new(false), &gen.CodeRegisterInfo{}},
		{"sms", message.Phone, "+8613900139002", new(true), &gen.CodeRegisterInfo{UserName: optional.Of("bob"), NickName: optional.Of("Bob"), HeadImg: optional.Of("https://example.com/b.png")}},
	} {
		c := r.code("register", test.channel, test.account)
		answer, err := api.RegisterWithCode(t.Context(), gen.RegisterWithCodeRequestObject{Body: &gen.CodeRegisterRequest{
			RegType: test.typ, Account: test.account, CodeID: c.ID, Code: c.Answer, IsWithLogin: test.signIn, Info: test.info, Password: optional.Of(password),
		}})
		r.must(err)
		data := answer.(gen.RegisterWithCode200JSONResponse).Data
		if (data.Token != nil) != optional.Value(test.signIn) || data.Roles == nil {
			t.Errorf("%d: %+v", i, data)
		}
		r.want("with the password", r.signIn(c.idType(), test.account, password), nil)
	}
	u, err := r.Find(t.Context(), "pool", ByUsername, "bob")
	if err != nil || u.Profile["nickname"] != "Bob" || u.Profile["photo"] != "https://example.com/b.png" || !u.PhoneVerified {
		t.Errorf("bob is %+v, %v", u, err)
	}
}

// TestPasswordOperations: a forgotten password is set anew with a code, one that is known with it or with a code to the
// caller's own address, which need not be named. Only who is signed in changes one.
func TestPasswordOperations(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api, alice := NewAPI(r.Service), r.both("alice", "13800138000")
	forgot := r.code("forgetPwd", message.Email, "alice@example.com")
	_, err := api.ResetPassword(t.Context(), gen.ResetPasswordRequestObject{Body: &gen.ResetPasswordJSONRequestBody{
		Type: "email", Account: forgot.Account, CodeID: forgot.ID, Code: forgot.Answer, Password: newPassword,
	}})
	r.must(err)
	r.want("the forgotten one, set anew", r.signIn(ByUsername, "alice", newPassword), nil)

	email, phone := r.code("changePwd", message.Email, "alice@example.com"), r.code("changePwd", message.Phone, "+8613800138000")
	current := newPassword
	for i, body := range []gen.ChangePasswordRequest{
		{Type: "pwd", OldPassword: optional.Of(newPassword)},
		{Type: "pwd", OldPassword: optional.Of(newPassword + "0"), CodeID: optional.Of("changePwd"), Code: optional.Of("right")},
		{Type: "email", CodeID: &email.ID, Code: &email.Answer},
		{Type: "sms", Account: optional.Of("13800138000"), CodeID: &phone.ID, Code: &phone.Answer},
	} {
		body.Password = newPassword + strconv.Itoa(i)
		_, err := api.ChangePassword(t.Context(), gen.ChangePasswordRequestObject{Body: &body})
		r.want(string(body.Type)+", anonymous", err, authn.ErrUnauthenticated)
		_, err = api.ChangePassword(r.signedIn(alice), gen.ChangePasswordRequestObject{Body: &body})
		r.want(string(body.Type), err, nil)
		r.want("the one before", r.signIn(ByUsername, "alice", current), ErrCredentials)
		current = body.Password
		r.want("the new one", r.signIn(ByUsername, "alice", current), nil)
	}
}

// TestBindOperation: an address becomes the caller's own, who must be signed in.
func TestBindOperation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api, alice := NewAPI(r.Service), r.both("alice", "13800138000")
	for typ, c := range map[gen.CodeType]Sent{
		"email": r.code("bindAccount", message.Email, "new@example.com"), "sms": r.code("bindAccount", message.Phone, "+8613900139000"),
	} {
		body := gen.BindAccountRequest{Type: typ, Account: c.Account, CodeID: c.ID, Code: c.Answer}
		_, err := api.BindAccount(t.Context(), gen.BindAccountRequestObject{Body: &body})
		r.want("anonymous", err, authn.ErrUnauthenticated)
		_, err = api.BindAccount(r.signedIn(alice), gen.BindAccountRequestObject{Body: &body})
		r.want(string(typ), err, nil)
	}
	if now := r.reload(alice); *now.Email != "new@example.com" || *now.Phone != "+8613900139000" || !now.EmailVerified || !now.PhoneVerified {
		t.Errorf("bound %+v", now)
	}
}
