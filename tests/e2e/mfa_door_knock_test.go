package e2e

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// The ways through each door with the first factor alone. See mfa_door_test.go.

func (s *street) loginUser() {
	s.wantShut("without the field", s.alice.TryLogin(""))
	for _, code := range s.notCodes() {
		body := gen.LoginRequest{Username: "alice", Password: harness.Password, Code: &code}
		s.wantShut(fmt.Sprintf("JSON, code %q", code), must(s.h.Client.LoginUserWithResponse(s.t.Context(), body))(s.t))
		s.wantShut(fmt.Sprintf("form, code %q", code), must(s.h.Client.LoginUserWithFormdataBodyWithResponse(s.t.Context(), body))(s.t))
	}
	json := http.Header{"Content-Type": {"application/json"}}
	for _, code := range []string{"null", "0", "false", "[]", "{}", `[""]`} {
		body := `{"username":"alice","password":"` + harness.Password + `","code":` + code + `}`
		s.wantShut("JSON, code "+code, s.h.Send(http.MethodPost, "/user/login", json, body))
	}
}

func (s *street) signIn() {
	for _, p := range []gen.AuthenticateByPasswordDto{
		{Account: ptr("alice")},
		{Account: ptr("Bob@example.com")},
		{Account: ptr("13800138000")},
		{Username: ptr("alice")},
		{Email: ptr("bob@example.com")},
		{Phone: ptr("+8613800138000")},
	} {
		body := withPassword(p)
		for _, scope := range []string{"", "openid", "offline_access"} {
			body.Options = &gen.SigninOptionsDto{Scope: &scope}
			s.wantShut("password", must(s.h.Client.SignInWithResponse(s.t.Context(), nil, body))(s.t))
		}
		body.Options, body.ClientID, body.ClientSecret = nil, &s.h.Credentials.AppID, &s.h.Credentials.AppSecret
		s.wantShut("an application that proves itself", must(s.h.Client.SignInWithResponse(s.t.Context(), nil, body))(s.t))
		s.wantShut("problem details", must(s.h.Client.SignInWithResponse(s.t.Context(), nil, body, problem()))(s.t))
	}
}

func (s *street) signInWithMFA() {
	own, foreign := s.h.Waiting("alice"), s.h.WaitingInCodeDialect("alice")
	for _, token := range []string{own, foreign} {
		for _, code := range append(s.notCodes(), own, foreign) {
			for what, body := range map[string]gen.SigninWithMFADto{
				"nothing":         {MFAToken: token},
				"totp":            {MFAToken: token, TOTP: &code},
				"recovery code":   {MFAToken: token, RecoveryCode: &code},
				"both":            {MFAToken: token, TOTP: &code, RecoveryCode: &code},
				"an access token": {MFAToken: s.before.AccessToken[:64], TOTP: ptr(s.alice.Code())},
				"no token":        {MFAToken: "x", TOTP: ptr(s.alice.Code())},
			} {
				r := must(s.h.Client.SignInWithMFAWithResponse(s.t.Context(), body))(s.t)
				s.wantShut(fmt.Sprintf("%s %q", what, code), r)
			}
		}
	}
}

func (s *street) loginWithCaptcha() {
	for _, account := range []string{"alice", "Bob@example.com", "13800138000"} {
		s.wantShut("the password of "+account, captchaLogin(s.t, s.h, account, harness.Password))
		password := gen.CaptchaLoginRequest{
			Account: account, LoginType: gen.CaptchaLoginRequestLoginTypePwd, Password: ptr(harness.Password),
		}
		s.wantShut("the password alone", must(s.h.Client.LoginWithCaptchaWithResponse(s.t.Context(), nil, password))(s.t))
		password.Code = ptr(s.alice.Code()) // there is no field for it: this one is that of the image captcha
		s.wantShut("the code in the wrong field", must(s.h.Client.LoginWithCaptchaWithResponse(s.t.Context(), nil, password))(s.t))
	}
	s.wantShut("a code by e-mail", delivered(s.h, byEmail, gen.CaptchaUseLogin, emailOfBob, emailOfBob).login(s.t, s.h))
	s.wantShut("a code by SMS", delivered(s.h, byPhone, gen.CaptchaUseLogin, phoneOfBob, phoneOfBob).login(s.t, s.h))
}

func (s *street) loginWithMFA() {
	own, foreign := s.h.WaitingInCodeDialect("alice"), s.h.Waiting("alice")
	for _, token := range []string{own, foreign} {
		for _, code := range append(s.notCodes(), own, foreign) {
			s.wantShut(fmt.Sprintf("code %q", code), s.h.FinishInCodeDialect(token, code))
		}
	}
	for _, token := range []string{"", "x", s.before.AccessToken, s.alice.RefreshToken} {
		s.wantShut("a token that is no mfaToken", s.h.FinishInCodeDialect(token, s.alice.Code()))
	}
}

// registerWithCode: the address is alice's, and so is the code that proves it; a new account for it would be hers.
func (s *street) registerWithCode() {
	for by, to := range map[gen.CaptchaRequestType]string{byEmail: emailOfBob, byPhone: phoneOfBob} {
		code := prove(s.h, by, gen.CaptchaUseRegister, to)
		s.wantShut("an address that is hers", code.register(s.t, s.h, gen.CodeRegisterRequest{IsWithLogin: ptr(true)}))
	}
	code := prove(s.h, byEmail, gen.CaptchaUseRegister, "new@example.com")
	body := gen.CodeRegisterRequest{IsWithLogin: ptr(true), Info: &gen.CodeRegisterInfo{UserName: ptr("ALICE")}}
	s.wantShut("a name that is hers", code.register(s.t, s.h, body))
}

// getManagementToken gives a token, which is that of a program: it opens nothing of a user's.
func (s *street) getManagementToken() {
	token := s.h.ManagementToken()
	s.knocks++
	for _, header := range []string{"Access-Token", "Authorization", "iThings-token", "Refresh-Token"} {
		client := s.h.NewClient(harness.Header(header, token))
		s.wantShut("as "+header, must(client.GetUserInfoWithResponse(s.t.Context(), nil))(s.t))
		s.wantShut("as "+header, must(client.ListEnrolledFactorsWithResponse(s.t.Context()))(s.t))
	}
}

// witness is a session that vouches, and what it has proved.
type witness struct {
	*harness.Person
	amr      string
	authTime any
}

// witnesses are sessions: of who has no authenticator; with a code, in one step and in two; and one from before the
// authenticator, which has shown a code since. The clock moves in between, so that each has a time of its own.
func (s *street) witnesses() (list []witness) {
	note := func(p *harness.Person, amr string) {
		at := s.h.Count(`SELECT extract(epoch FROM auth_time)::bigint FROM sessions WHERE id = $1`, sessionOf(s.t, p.AccessToken))
		list = append(list, witness{p, amr, float64(at)})
		s.h.Clock.Advance(harness.Step)
	}
	note(s.h.SignUp("bob"), "[pwd]")
	s.alice.Login(s.alice.Code())
	note(s.alice, "[pwd otp mfa]")
	twoSteps := *s.alice
	twoSteps.Adopt(*finishedSet(s).AccessToken, "")
	note(&twoSteps, "[pwd otp mfa]")
	s.before.StepUp(s.alice.Code())
	note(s.before, "[pwd otp mfa]")
	return list
}

// finishedSet signs in in the status dialect, in two steps.
func finishedSet(s *street) *gen.LoginTokenResponseDataDto {
	s.t.Helper()
	r := s.h.Finish(s.h.Waiting("alice"), s.alice.Code())
	if r.JSON200 == nil || r.JSON200.Data == nil {
		s.t.Fatalf("the two steps: %s", r.Body)
	}
	return r.JSON200.Data
}

// wantVouched: the session has proved what its witness has, when that did, and no more; also after a renewal. It ends with
// that one at the latest.
func (s *street) wantVouched(w witness, set *gen.LoginTokenResponseDataDto) {
	s.t.Helper()
	claims := verified(s.t, s.h, *set.IDToken)
	if fmt.Sprint(claims["amr"]) != w.amr || claims["auth_time"] != w.authTime {
		s.t.Errorf("amr %v and auth_time %v, of a session that has %s and %v", claims["amr"], claims["auth_time"], w.amr, w.authTime)
	}
	const same = `SELECT count(*) FROM sessions a JOIN sessions b ON a.amr = b.amr AND a.auth_time = b.auth_time
		AND a.mfa_at IS NOT DISTINCT FROM b.mfa_at WHERE a.id = $1 AND b.id = $2`
	of := []any{sessionOf(s.t, w.AccessToken), sessionOf(s.t, *set.AccessToken)}
	if s.h.Count(same, of...) != 1 {
		s.t.Errorf("a session with amr %s vouched for one that is another", w.amr)
	}
	if n := s.h.Count(`SELECT count(*) FROM sessions a JOIN sessions b ON a.expires_at >= b.expires_at WHERE a.id = $1 AND b.id = $2`, of...); n != 1 {
		s.t.Error("a session outlives the one that vouched for it")
	}
	renewed(s.t, info(s.t, s.h, "", *set.RefreshToken))
	if s.h.Count(same, of...) != 1 {
		s.t.Errorf("renewed, a session is another than the one that vouched, with amr %s", w.amr)
	}
}

func (s *street) exchangeQRCodeTicket() {
	s.wantShut("a session from before the authenticator", s.before.Act(gen.ChangeQRCodeStatusDtoActionSCAN, s.h.ShowQR(nil).ScanID))
	for _, w := range s.witnesses() {
		page := s.h.ShowQR(nil)
		ticket := w.Approve(page)
		s.h.Clock.Advance(harness.Step) // the exchange is no proof
		s.wantVouched(w, tokens(s.t, s.h.Exchange(ticket)))
	}
}

func (s *street) redeemFastpass() {
	s.wantShut("a session from before the authenticator", must(s.before.Client.CreateFastpassWithResponse(s.t.Context(), gen.SignInFastpassDto{}))(s.t))
	for _, w := range s.witnesses() {
		pass := w.Fastpass(nil)
		s.h.Clock.Advance(harness.Step)
		s.wantVouched(w, redeemed(s.t, s.h.Redeem(pass.QrcodeID)))
	}
}

// getToken gives the next tokens of a session, which has proved what it had proved before. It opens none.
func (s *street) getToken() {
	witnesses := s.witnesses()
	s.opened = s.sessions()
	for _, w := range witnesses {
		if w.RefreshToken == "" {
			continue // of the two steps it was not kept
		}
		s.h.Clock.Advance(harness.Step)
		r := renewTokens(s.t, s.h, w.RefreshToken)
		if r.JSON200 == nil || sessionOf(s.t, r.JSON200.AccessToken) != sessionOf(s.t, w.AccessToken) {
			s.t.Fatalf("renewed: %s", r.Body)
		}
		if claims := verified(s.t, s.h, *r.JSON200.IDToken); fmt.Sprint(claims["amr"]) != w.amr || claims["auth_time"] != w.authTime {
			s.t.Errorf("amr %v and auth_time %v, of a session that has %s and %v", claims["amr"], claims["auth_time"], w.amr, w.authTime)
		}
	}
	s.wantNobodyIn("renewals")
	for _, grant := range []string{"password", "authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"} {
		form := url.Values{
			"grant_type": {grant}, "username": {"alice"}, "password": {harness.Password}, "assertion": {s.alice.AccessToken}, "code": {s.alice.Code()},
			"client_id": {s.h.Credentials.AppID}, "client_secret": {s.h.Credentials.AppSecret},
		}
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		s.wantShut(grant, s.h.Send(http.MethodPost, "/oidc/token", header, form.Encode()))
	}
}

// renewal: an operation that renews the caller's pair on the fly gives the next pair of the same session, which has proved
// no more than before.
func (s *street) renewal(method, path string, op *openapi3.Operation) {
	session := sessionOf(s.t, s.before.AccessToken)
	header, body := http.Header{"Refresh-Token": {s.before.RefreshToken}}, ""
	if op.RequestBody != nil {
		media := op.RequestBody.Value.Content["application/json"]
		header.Set("Content-Type", "application/json")
		body = string(harness.JSON(media.Example))
	}
	for _, p := range op.Parameters {
		if p.Value.In == openapi3.ParameterInQuery && p.Value.Required {
			path += "?" + url.Values{p.Value.Name: {"a"}}.Encode()
		}
	}
	r := s.h.Send(method, path, header, body)
	access := r.HTTPResponse.Header.Get("Access-Token")
	if access == "" || sessionOf(s.t, access) != session {
		s.t.Errorf("the next pair is not of the session: %v %s", r.HTTPResponse.Header, r.Body)
	}
	s.wantNobodyIn("renewal")
	const asBefore = `SELECT count(*) FROM sessions WHERE id = $1 AND amr = '{pwd}' AND mfa_at IS NULL AND auth_time = created_at`
	if s.h.Count(asBefore, session) != 1 {
		s.t.Error("the renewal has changed what the session has proved")
	}
}

// problem is a client editor that asks for problem details.
func problem() gen.RequestEditorFn { return harness.Header("Accept", "application/problem+json") }
