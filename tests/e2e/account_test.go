package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestRegisterAndSignIn: from nothing to one's own data, with JSON bodies and with the form bodies that clients of the
// document send.
func TestRegisterAndSignIn(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	for name, register := range map[string]func(gen.RegisterRequest) (*gen.RegisterUserResult, error){
		"json": func(b gen.RegisterRequest) (*gen.RegisterUserResult, error) {
			return h.Client.RegisterUserWithResponse(t.Context(), b)
		},
		"form": func(b gen.RegisterRequest) (*gen.RegisterUserResult, error) {
			return h.Client.RegisterUserWithFormdataBodyWithResponse(t.Context(), b)
		},
	} {
		wantSuccess(t, name, must(register(gen.RegisterRequest{Username: name + ".王芳", Password: harness.Password}))(t))
	}
	credentials := gen.LoginRequest{Username: "form.王芳", Password: harness.Password}
	login := must(h.Client.LoginUserWithFormdataBodyWithResponse(t.Context(), credentials))(t)
	wantSuccess(t, "login with a form", login)

	person := h.SignIn("json.王芳")
	info := must(person.Client.GetUserInfoWithResponse(t.Context(), nil))(t)
	if info.JSON200 == nil || info.JSON200.Data == nil {
		t.Fatalf("info: %s", info.Body)
	}
	now := h.Clock.Now().Format("2006-01-02 15:04:05")
	want := gen.BaseUser{ID: person.ID, Username: "json.王芳", CreatedAt: now, UpdatedAt: now}
	if *info.JSON200.Data != want {
		t.Errorf("info: %+v, want %+v", *info.JSON200.Data, want)
	}
	if id := login.JSON200.Data.ID; id == person.ID || id == "" {
		t.Errorf("two people have the id %q", id)
	}
	wantRefused(t, "info of nobody", must(h.Client.GetUserInfoWithResponse(t.Context(), nil))(t), "Sign in first")
}

// TestUserNameIsOnePersons (T16): what reads as the same name is the same name, in capitals and in full width.
func TestUserNameIsOnePersons(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	for _, name := range []string{"alice", "Alice", "ALICE", "ａｌｉｃｅ"} {
		r := must(h.Client.RegisterUserWithResponse(t.Context(), gen.RegisterRequest{Username: name, Password: harness.Password}))(t)
		wantRefused(t, "register "+name, r, "taken")
	}
	h.SignIn("ALICE")
	for _, name := range []string{"13800138000", "alice@example.com", "alice smith", "alice\u200b"} {
		r := must(h.Client.RegisterUserWithResponse(t.Context(), gen.RegisterRequest{Username: name, Password: harness.Password}))(t)
		wantRefused(t, "register "+name, r, "A user name consists of")
	}
}

// TestPasswordIsHardToGuess: short ones break the contract, common ones and one's own name are refused, long ones of any
// script are welcome.
func TestPasswordIsHardToGuess(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	register := func(username, password string) *gen.RegisterUserResult {
		return must(h.Client.RegisterUserWithResponse(t.Context(), gen.RegisterRequest{Username: username, Password: password}))(t)
	}
	for _, password := range []string{"k7#Qz!2", strings.Repeat("长", 7), strings.Repeat("k7#Qz!2p", 33)} {
		wantGate(t, "the length of "+password, register("alice", password), 400)
	}
	for _, password := range []string{"password1", "12345678", "qwertyuiop", "aaaaaaaaaaaa", "liudehua.alice"} {
		wantRefused(t, password, register("liudehua.alice", password), "too easy to guess")
	}
	longest := strings.Repeat("k7#Qz!2p", 32)
	wantSuccess(t, "256 characters", register("alice", longest))
	wantSuccess(t, "Chinese", register("bob", "床前明月光疑是地上霜"))
	for username, password := range map[string]string{"alice": longest, "bob": "床前明月光疑是地上霜"} {
		r := must(h.Client.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: username, Password: password}))(t)
		wantSuccess(t, "login of "+username, r)
	}
}

// TestSignInTellsNothing: who guesses cannot learn which accounts exist, at any of the three doors.
func TestSignInTellsNothing(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitSignIn.Max = 0 })
	h.SignUp("alice")
	h.SignUp("carol").EnrolTOTP()
	login := func(username string) *gen.LoginUserResult {
		return must(h.Client.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: username, Password: "wrong password"}))(t)
	}
	wantRefused(t, "wrong password", login("alice"), "The account or the password is wrong")
	wantSame(t, "wrong password and unknown user", login("alice"), login("nobody"))
	wantSame(t, "wrong password and impossible user name", login("alice"), login("no body"))
	wantSame(t, "wrong password without and with authenticator", login("alice"), login("carol"))

	signIn := func(account string) *gen.SignInResult {
		return must(h.Client.SignInWithResponse(t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Account: &account, Password: "wrong password"})))(t)
	}
	wantStatus(t, "wrong password", signIn("alice"), 403, 2333)
	for _, other := range []string{"nobody", "nobody@example.com", "+8613800138000", "carol"} {
		wantSame(t, "alice and "+other, signIn("alice"), signIn(other))
	}
	withCaptcha := func(account string) *gen.LoginWithCaptchaResult { return captchaLogin(t, h, account, "wrong password") }
	wantCode(t, "wrong password", withCaptcha("alice"), 1000004)
	wantSame(t, "alice and nobody", withCaptcha("alice"), withCaptcha("nobody"))
	wantSame(t, "alice and carol", withCaptcha("alice"), withCaptcha("carol"))
}

// TestGuessingPasswordsIsSlow: after ten tries on an account from one address the gate answers; another account is not
// affected, and after a while there is room again.
func TestGuessingPasswordsIsSlow(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	h.SignUp("alice")
	h.SignUp("bob")
	guess := gen.LoginRequest{Username: "alice", Password: "wrong password"}
	for range 9 { // signing up was the first
		wantRefused(t, "a guess", must(h.Client.LoginUserWithResponse(t.Context(), guess))(t), "wrong")
	}
	right := gen.LoginRequest{Username: "alice", Password: harness.Password}
	o := wantGate(t, "the eleventh try", must(h.Client.LoginUserWithResponse(t.Context(), right))(t), 429)
	if wait := o.Header.Get("Retry-After"); wait != "30" {
		t.Errorf("Retry-After is %q, want 30: ten tries in five minutes", wait)
	}
	guess.Username = "ALICE"
	wantGate(t, "the same account, written otherwise", must(h.Client.LoginUserWithResponse(t.Context(), guess))(t), 429)
	h.SignIn("bob")
	h.Clock.Advance(30 * time.Second)
	h.SignIn("alice")
}

// TestInfoIsOnesOwn: nobody reads another user's data by guessing ids.
func TestInfoIsOnesOwn(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice, bob := h.SignUp("alice"), h.SignUp("bob")
	info := func(id string) *gen.GetUserInfoResult {
		return must(alice.Client.GetUserInfoWithResponse(t.Context(), &gen.GetUserInfoParams{UserID: &id}))(t)
	}
	wantSuccess(t, "one's own id", info(alice.ID))
	wantRefused(t, "another user's id", info(bob.ID), "Other users are not shown")
	wantSame(t, "another user and no user", info(bob.ID), info("6319a1504f3b1c2d214dd5b7"))
}
