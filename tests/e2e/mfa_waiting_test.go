package e2e

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestRefusalSaysHowToGoOn: where there is no field for the code, the refusal has the mfaToken, in the form of the V3 API, in
// the code dialect, and as problem details. Who does not know the password is told nothing of it.
func TestRefusalSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	body := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})
	r := must(h.Client.SignInWithResponse(t.Context(), nil, body))(t)
	wantStatus(t, "signin", r, 403, 1635)
	next := r.JSON200.MFATriggerData
	if next == nil || next.ExpiresIn != 300 || !next.TOTPMFAEnabled || len(next.ApplicationMFA) != 1 ||
		next.ApplicationMFA[0].MFAPolicy != gen.FactorTypeOTP {
		t.Fatalf("signin: %s", r.Body)
	}
	wantIn(t, h, "the V3 API's form", h.Finish(next.MFAToken, alice.Code()))

	h.Clock.Advance(harness.Step)
	inCode := captchaLogin(t, h, "alice", harness.Password)
	wantCode(t, "login", inCode, 1000201)
	if inCode.JSON200.MFAToken == nil || inCode.JSON200.MFAExpire == nil || *inCode.JSON200.MFAExpire != 300 {
		t.Fatalf("login: %s", inCode.Body)
	}
	wantIn(t, h, "the code dialect's form", h.FinishInCodeDialect(*inCode.JSON200.MFAToken, alice.Code()))

	h.Clock.Advance(harness.Step)
	asProblem := must(h.Client.SignInWithResponse(t.Context(), nil, body, problem()))(t)
	p := asProblem.ApplicationProblemJSONDefault
	if p == nil || p.Status != 403 || p.Code != "account.code_required" || p.MFAToken == nil || p.MFAExpiresIn == nil || *p.MFAExpiresIn != 300 {
		t.Fatalf("problem details: %s", asProblem.Body)
	}
	wantIn(t, h, "problem details", h.Finish(*p.MFAToken, alice.Code()))
	h.Clock.Advance(harness.Step)
	other := must(h.Client.LoginWithCaptchaWithResponse(t.Context(), nil, gen.CaptchaLoginRequest{
		Account: "alice", LoginType: gen.CaptchaLoginRequestLoginTypePwd, Password: ptr(harness.Password),
	}, problem()))(t)
	if p := other.ApplicationProblemJSONDefault; p == nil || p.MFAToken == nil {
		t.Fatalf("problem details of the code dialect: %s", other.Body)
	} else {
		wantIn(t, h, "problem details of the code dialect", h.FinishInCodeDialect(*p.MFAToken, alice.Code()))
	}

	body.PasswordPayload.Password = "wrong password"
	r = must(h.Client.SignInWithResponse(t.Context(), nil, body))(t)
	wantStatus(t, "a wrong password", r, 403, 2333)
	if r.JSON200.MFATriggerData != nil {
		t.Errorf("a wrong password: %s", r.Body)
	}
}

// TestWaitingSignInIsOneSignIn: an mfaToken waits five minutes and finishes once; a wrong code does not use it up, and neither
// does a missing one. What the sign-in was asked for, the session gets: application, scope, custom data.
func TestWaitingSignInIsOneSignIn(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	body := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})
	body.Options = &gen.SigninOptionsDto{Scope: ptr("openid username"), CustomData: harness.JSON(map[string]any{"school": "hust"})}
	r := must(h.Client.SignInWithResponse(t.Context(), nil, body))(t)
	token := r.JSON200.MFATriggerData.MFAToken
	if data := harness.Members(h.User(alice.ID).CustomData); len(data) != 0 {
		t.Errorf("custom data of a sign-in that waits: %v", data)
	}
	finish := func(body gen.SigninWithMFADto) *gen.SignInWithMFAResult {
		body.MFAToken = token
		return must(h.Client.SignInWithMFAWithResponse(t.Context(), body))(t)
	}
	wantStatus(t, "no code", finish(gen.SigninWithMFADto{}), 400, 6003)
	wantStatus(t, "an empty code", finish(gen.SigninWithMFADto{TOTP: ptr("")}), 400, 6003)
	wantStatus(t, "an empty recovery code", finish(gen.SigninWithMFADto{RecoveryCode: ptr("")}), 400, 6004)
	wantStatus(t, "a wrong code", h.Finish(token, alice.WrongCode()), 403, 6001)
	wantStatus(t, "a wrong recovery code", h.FinishWithRecoveryCode(token, "0000-0000-0000-0000-0000-0000"), 403, 6002)
	set := h.Finish(token, alice.Code())
	wantIn(t, h, "the right code", set)
	if claims := verified(t, h, *set.JSON200.Data.IDToken); claims["username"] != "alice" || set.JSON200.Data.RefreshToken != nil {
		t.Errorf("the session is not what was asked for: %v", claims)
	}
	if data := harness.Members(h.User(alice.ID).CustomData); data["school"] != "hust" {
		t.Errorf("custom data: %v", data)
	}
	h.Clock.Advance(harness.Step)
	wantStatus(t, "the second use", h.Finish(token, alice.Code()), 401, 2206)

	last, late := h.Waiting("alice"), h.WaitingInCodeDialect("alice")
	h.Clock.Advance(5*time.Minute - time.Millisecond)
	wantIn(t, h, "right before the end", h.Finish(last, alice.Code()))
	h.Clock.Advance(time.Millisecond + harness.Step)
	if o := wantGate(t, "after five minutes", h.FinishInCodeDialect(late, alice.Code()), 401); o.Code == nil || *o.Code != 1000210 {
		t.Errorf("after five minutes: %s", o.Body)
	}
	wantStatus(t, "unknown", h.Finish("unknown", alice.Code()), 401, 2206)
	if r := alice.TryLogin(alice.Code()); !harness.OutcomeOf(r).Success() {
		t.Errorf("a refused token has cost the code: %s", r.Body)
	}
}

// TestWaitingSignInIsNothingElse: an mfaToken opens nothing but its own second step. It is no access token, no refresh token,
// no ticket, no fastpass, no code; and none of those is an mfaToken.
func TestWaitingSignInIsNothingElse(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h)
	pending := alice.RequestFactor("")
	alice.EnrolTOTP()
	token := h.Waiting("alice")
	for _, header := range []string{"Access-Token", "Refresh-Token", "Authorization", "iThings-token"} {
		for _, scheme := range []string{"", "Bearer "} {
			client := h.NewClient(harness.Header(header, scheme+token))
			wantSaid(t, "as "+header, must(client.GetUserInfoWithResponse(t.Context(), nil))(t), "")
			wantSaid(t, "as "+header, must(client.GetMFAStatusWithResponse(t.Context(), nil))(t), "")
			wantSaid(t, "as "+header, must(client.ListEnrolledFactorsWithResponse(t.Context()))(t), "")
			wantSaid(t, "as "+header, must(client.CreateFastpassWithResponse(t.Context(), gen.SignInFastpassDto{}))(t), "")
			wantSaid(t, "as "+header, must(client.BindAccountWithResponse(t.Context(), nil, gen.BindAccountRequest{
				Type: gen.CodeTypeEmail, Account: emailOfBob, Code: "123456", CodeID: "x",
			}))(t), "")
		}
	}
	wantSaid(t, "as a ticket", h.Exchange(token), "")
	wantSaid(t, "as a fastpass", h.Redeem(token), "")
	wantSaid(t, "as a code", alice.TryLogin(token), "")
	wantSaid(t, "as an enrolment token", alice.EnrollFactor(token, alice.Code()), "")
	pass, page := alice.Fastpass(nil).QrcodeID, h.ShowQR(nil)
	for what, other := range map[string]string{
		"refresh token": alice.RefreshToken, "enrolment token": pending.EnrollmentToken, "fastpass": pass,
		"poll id": page.PollID, "scan id": page.ScanID, "ticket": alice.Approve(page),
	} {
		wantStatus(t, what, h.Finish(other, alice.Code()), 401, 2206)
	}
	wantIn(t, h, "where it belongs", h.Finish(token, alice.Code()))
}

// TestWaitingSignInDiesWithThePassword: whoever was waiting with the old password is out once the owner has changed it, in
// whichever way; so is who waits for an account that is suspended, or has no authenticator any more.
func TestWaitingSignInDiesWithThePassword(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	alice.Login(alice.Code())
	h.Clock.Advance(harness.Step)

	waiting := []string{h.Waiting("alice"), h.WaitingInCodeDialect("alice")}
	out := func(what string) {
		t.Helper()
		wantSaid(t, what, h.Finish(waiting[0], alice.Code()), "")
		wantSaid(t, what, h.FinishInCodeDialect(waiting[1], alice.Code()), "")
	}
	wantSuccess(t, "change-pwd", changeWithPassword(t, h, alice.AccessToken, harness.Password, newPassword))
	out("after change-pwd")
	wantSuccess(t, "forget-pwd", delivered(h, byEmail, gen.CaptchaUseForgetPwd, emailOfBob, emailOfBob).reset(t, h, harness.Password))
	waiting = []string{h.Waiting("alice"), h.WaitingInCodeDialect("alice")}
	wantSuccess(t, "forget-pwd", delivered(h, byEmail, gen.CaptchaUseForgetPwd, emailOfBob, emailOfBob).reset(t, h, harness.Password))
	out("after forget-pwd")

	waiting = []string{h.Waiting("alice"), h.WaitingInCodeDialect("alice")}
	h.Exec(`UPDATE users SET status = 'Suspended' WHERE username = 'alice'`)
	out("of a suspended user")
	h.Exec(`UPDATE users SET status = 'Activated' WHERE username = 'alice'`)
	h.Clock.Advance(harness.Step)

	waiting = []string{h.Waiting("alice"), h.WaitingInCodeDialect("alice")}
	alice.Login(alice.Code())
	h.Clock.Advance(harness.Step)
	wantSuccess(t, "unbind", alice.Unbind("", alice.Code()))
	out("of who has no authenticator any more")
}
