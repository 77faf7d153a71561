package e2e

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/db/dbtest/port"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// keepSeed keeps a secret of an authenticator in the forms in which programs have it: base32 in either case, its bytes, which
// a dump writes in hexadecimal, and base64.
func (v *vault) keepSeed(secret string) string {
	v.t.Helper()
	raw := must(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret))(v.t)
	v.keep("seed in lower case", strings.ToLower(secret))
	v.keep("seed in hexadecimal", strings.ToUpper(hex.EncodeToString(raw)))
	v.keep("seed in base64", base64.StdEncoding.EncodeToString(raw))
	v.keep("seed in bytes", string(raw))
	return v.keep("seed", secret)
}

// keepRecovery keeps a recovery code as it is shown and as it is compared.
func (v *vault) keepRecovery(code string) string {
	plain := strings.ReplaceAll(code, "-", "")
	v.keep("recovery code, plain", plain)
	v.keep("recovery code in capitals", strings.ToUpper(plain))
	return v.keep("recovery code", code)
}

// keepURI keeps a URI and the query of it, which is where the secret is.
func (v *vault) keepURI(uri string) string {
	_, query, _ := strings.Cut(uri, "?")
	v.keep("query of the URI", query)
	return v.keep("URI", uri)
}

// shownCode is what a phone shows, kept.
func (v *vault) shownCode(phone *harness.Authenticator) string {
	return v.keepCode("code", phone.NextCode())
}

// TestNothingLeaksOfAuthenticators (T10, T13, T14): the seeds, codes, recovery codes and tokens of a story with all that can
// be done with authenticators are in no line of the log at debug level and in no row of the database, be they good, used,
// wrong, replaced or left over.
func TestNothingLeaksOfAuthenticators(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze() // whose fractions of seconds could look like a code
	v := &vault{t: t, h: h, secrets: map[string]string{}, codes: map[string]string{}}
	alice := resident(h)

	phone, recovery := v.enrolled(alice)
	v.waiting(alice, phone, recovery)
	v.managed()
	v.brokenCodes(alice, phone)
	h.Settle()

	log, dump := h.Log.String(), h.Dump()
	for _, known := range []string{
		"operation=enrollFactor", "operation=signInWithMFA", "operation=loginWithMFA", "operation=makeRecoveryCodes", "operation=importOtp",
		"refused=mfa.code_wrong", "refused=mfa.code_used", "refused=mfa.recovery_code", "refused=account.code_required",
	} {
		if !strings.Contains(log, known) {
			t.Errorf("the log does not tell of %s", known)
		}
	}
	for _, known := range []string{
		"-- mfa_factors\n(", "-- mfa_pending\n(", "-- mfa_recovery_codes\n(", "-- pending_signins\n(", "-- outbox\n(",
		"mfa.bind", "mfa.unbind", "mfa.step_up", "mfa.verify", "mfa.replay", "mfa.recovery", "mfa.recovery_codes", "otp.secret.import",
	} {
		if !strings.Contains(dump, known) {
			t.Errorf("the dump does not have %q", known)
		}
	}
	v.wantNone("log", log)
	v.wantNone("database", dump)
	v.wantNone("backup", h.PgDump())
	v.wantNone("metrics", h.Metrics())
	for _, letter := range h.Letters("Bob@example.com") {
		v.wantNone("the notice "+letter.Subject, letter.Text)
	}
}

// enrolled: three enrolments, of which one is replaced, one confirmed in the status dialect, and one in the base dialect;
// each with a wrong code first. One more waits at the end.
func (v *vault) enrolled(alice *harness.Person) (phone *harness.Authenticator, recovery []string) {
	t, h := v.t, v.h
	request := func(name string) (string, *harness.Authenticator) {
		e := alice.RequestFactor(name)
		_, parameters := h.ReadURI(v.keepURI(e.OTPData.QRCodeURI))
		recovery = append(recovery, v.keepRecovery(e.OTPData.RecoveryCode))
		v.keep("picture", e.OTPData.QRCodeDataURL)
		return v.keep("enrolment token", e.EnrollmentToken), h.Phone(v.keepSeed(parameters.Get("secret")))
	}
	replaced, _ := request("Replaced")
	token, phone := request("Phone")
	wantStatus(t, "replaced", alice.EnrollFactor(replaced, phone.Code()), 422, 0)
	wantStatus(t, "wrong", alice.EnrollFactor(token, v.keepCode("wrong code", h.WrongCodes(1, phone.Secret)[0])), 403, 6001)
	wantSuccess(t, "confirm", alice.EnrollFactor(token, v.keepCode("code", phone.Code())))

	r := must(alice.Client.GetMFAQRCodeWithResponse(t.Context(), nil))(t)
	wantSuccess(t, "a second one", r)
	v.keep("picture", r.JSON200.Data.Qrcode)
	tablet := h.Phone(v.keepSeed(r.JSON200.Data.Secret))
	v.keepURI(h.ReadQR(h.DataURI(r.JSON200.Data.Qrcode)))
	claimed := v.keepSeed("MNQW4YLSPFRWC3TBOJ4WGYLOMFZHSY3B")
	body := gen.MFABindRequest{Code: v.keepCode("code", tablet.Code()), Secret: &claimed, Name: ptr("Tablet")}
	wantRefused(t, "another secret", must(alice.Client.BindMFAWithResponse(t.Context(), nil, body))(t), "not the secret")
	body.Secret = &tablet.Secret
	wantSuccess(t, "bind", must(alice.Client.BindMFAWithResponse(t.Context(), nil, body))(t))

	for _, code := range alice.RecoveryCodes(v.shownCode(phone)) {
		recovery = append(recovery, v.keepRecovery(code))
	}
	for _, a := range alice.MFAStatus().Authenticators {
		if a.Name == "Tablet" {
			wantSuccess(t, "remove", alice.Unbind(a.ID, v.shownCode(tablet)))
		}
	}
	alice.StepUp(v.shownCode(phone))
	request("Left over")
	return phone, recovery[2:] // made after it, and replaced by those: what is good
}

// waiting: sign-ins that wait, one finished with each kind of code, one left over; wrong and used codes of both kinds.
func (v *vault) waiting(alice *harness.Person, phone *harness.Authenticator, recovery []string) {
	t, h := v.t, v.h
	token := func() string { return v.keep("mfaToken", h.Waiting("alice")) }
	wantStatus(t, "wrong", h.Finish(token(), v.keepCode("wrong code", h.WrongCodes(2, phone.Secret)[1])), 403, 6001)
	code := v.shownCode(phone)
	set := h.Finish(token(), code)
	wantSuccess(t, "code", set)
	v.keepTokens("signin-with-mfa", set.JSON200.Data)
	wantStatus(t, "used", h.Finish(token(), code), 403, 6001)
	set = h.FinishWithRecoveryCode(token(), recovery[0])
	wantSuccess(t, "recovery code", set)
	v.keepTokens("recovery code", set.JSON200.Data)
	wantStatus(t, "used recovery code", h.FinishWithRecoveryCode(token(), recovery[0]), 403, 6002)
	wantStatus(t, "wrong recovery code", h.FinishWithRecoveryCode(token(), v.keepRecovery("dead-beef-dead-beef-dead-beef")), 403, 6002)
	wantSuccess(t, "without hyphens", alice.TryLogin(strings.ReplaceAll(recovery[1], "-", "")))
	other := v.keep("mfaToken", h.WaitingInCodeDialect("alice"))
	in := h.FinishInCodeDialect(other, v.shownCode(phone))
	wantSuccess(t, "login-mfa", in)
	v.keep("access token", in.JSON200.Data.Token.AccessToken)
	wantStatus(t, "unknown", h.Finish(v.keep("unknown mfaToken", strings.Repeat("canary", 8)), v.shownCode(phone)), 401, 2206)
}

// managed: seeds and recovery codes of another system, taken and refused.
func (v *vault) managed() {
	t, h := v.t, v.h
	bob := h.SignUp("bob2")
	code := v.keepRecovery("c0ff-ee00-c0ff-ee12-c0ff-ee34")
	wantSuccess(t, "import", importOTP(t, h, item(bob.ID, v.keepSeed("ONSWG4TFOQQGC3TEEBRWC3TBOJ4SA33O"), code)))
	wantStatus(t, "import of another", importOTP(t, h, item(bob.ID, v.keepSeed("MFXG65DIMVZCAY3BNZQXE6JAOR3W6IDU"), "")), 409, 0)
	wantStatus(t, "no base32", importOTP(t, h, item(bob.ID, v.keep("no seed", "canary-0189-canary-0189"), "")), 400, 0)
	wantStatus(t, "a weak recovery code", importOTP(t, h, item(bob.ID, theirSecret, v.keep("weak code", "weak-c4n4ry"))), 400, 0)
	otp := gen.UserOTPDto{Secret: v.keepSeed("OR3W6IDDMFXGC4TJMVZSA3LPOJSSA4DM"), RecoveryCode: &code}
	dto := gen.CreateUserReqDto{Username: ptr("carol"), OTP: &otp}
	wantSuccess(t, "create-user", createUser(t, h, dto))
	r := lookUp(t, h, gen.UserIDTypeUsername, "carol")
	wantSecret(t, "lookup", r, dto.OTP.Secret)
}

// brokenCodes: codes and tokens in requests that break the contract, or in the wrong place.
func (v *vault) brokenCodes(alice *harness.Person, phone *harness.Authenticator) {
	json := http.Header{"Content-Type": {"application/json"}, "Access-Token": {alice.AccessToken}, "Authorization": {alice.AccessToken}}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Access-Token": {alice.AccessToken}}
	code, long := v.shownCode(phone), v.keep("long code", strings.Repeat("f00dcafe", 12))
	token := v.keep("mfaToken", v.h.Waiting("alice"))
	for _, r := range []*harness.Raw{
		v.h.Send("POST", "/auth/mfa/verify", json, `{"code":"`+code),
		v.h.Send("POST", "/auth/mfa/verify", json, `{"code":["`+code+`"]}`),
		v.h.Send("POST", "/auth/mfa/verify", json, `{"code":`+code+`,"`+code+`":1}`),
		v.h.Send("POST", "/auth/mfa/verify?code="+code, form, ""),
		v.h.Send("POST", "/auth/mfa/bind", form, "code="+code+"&secret="+long+long),
		v.h.Send("POST", "/auth/mfa/recovery-codes", json, `{"code":"`+long+`"}`),
		v.h.Send("POST", "/api/v3/signin-with-mfa", json, `{"mfaToken":"`+token+`","totp":{"x":"`+code+`"}}`),
		v.h.Send("POST", "/api/v3/signin-with-mfa?mfaToken="+token, json, `{"mfaToken":"`+long+`"}`),
		v.h.Send("POST", "/api/v1/system/user/login-mfa", json, `{"mfaToken":"`+token+`","code":"`+long+`"}`),
		v.h.Send("POST", "/api/v3/enroll-factor", json, `{"factorType":"OTP","enrollmentToken":"`+long+`","enrollmentData":{"passCode":"`+code+`"}}`),
		v.h.Send("GET", "/api/v3/get-factor?factorId="+long, json, ""),
		v.h.Send("POST", "/api/v3/import-otp", json, `{"list":[{"userId":"a","otp":{"secret":["`+long+`"]}}]}`),
	} {
		o := harness.OutcomeOf(r)
		what := r.HTTPResponse.Request.Method + " " + r.HTTPResponse.Request.URL.Path
		if o.Success() {
			v.t.Errorf("%s succeeded: %s", what, o.Body)
		}
		v.wantNone("answer to "+what, o.Body)
	}
}

// TestMetricsKnowNoAuthenticator (T13): what operators read counts requests, and has no code, secret or token in it, whoever
// sends them.
func TestMetricsKnowNoAuthenticator(t *testing.T) {
	t.Parallel()
	addr, metrics := port.Must(t), port.Must(t)
	config := must(app.LoadConfig(append(harness.DatabaseEnviron(t, dbtest.URL(t)),
		"MENSHEN_ADDR="+addr, "MENSHEN_METRICS_ADDR="+metrics, "MENSHEN_PUBLIC_URL=http://"+addr, "MENSHEN_DATA_DIR="+t.TempDir(),
		"MENSHEN_MASTER_KEY="+base64.StdEncoding.EncodeToString(make([]byte, 32)), "MENSHEN_DRAIN_DELAY=0s",
	)))(t)
	served := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { served <- app.Serve(ctx, config, slog.New(slog.DiscardHandler), io.Discard) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	client := must(gen.NewClientWithResponses("http://" + addr))(t)
	harness.Eventually(t, "the program", func() bool {
		r, err := client.GetReadinessWithResponse(t.Context())
		return err == nil && r.JSON200 != nil
	})
	person := gen.RegisterRequest{Username: "alice", Password: harness.Password}
	wantSuccess(t, "register", must(client.RegisterUserWithResponse(t.Context(), person))(t))
	login := must(client.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: "alice", Password: harness.Password}))(t)
	wantSuccess(t, "login", login)
	as := harness.Header("Access-Token", login.HTTPResponse.Header.Get("Access-Token"))
	enrolment := must(client.GetMFAQRCodeWithResponse(t.Context(), nil, as))(t)
	wantSuccess(t, "enrolment", enrolment)
	secret := enrolment.JSON200.Data.Secret
	code := must(harness.TOTP(secret, time.Now()))(t)
	bind := must(client.BindMFAWithResponse(t.Context(), nil, gen.MFABindRequest{Code: code, Name: ptr("canary phone")}, as))(t)
	wantSuccess(t, "bind", bind)
	waits := must(client.SignInWithResponse(t.Context(), nil, withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})))(t)
	token := waits.JSON200.MFATriggerData.MFAToken
	const recovery = "dead-beef-dead-beef-dead-beef"
	finish := func(body gen.SigninWithMFADto) *gen.SignInWithMFAResult {
		body.MFAToken = token
		return must(client.SignInWithMFAWithResponse(t.Context(), body))(t)
	}
	wantStatus(t, "a used code", finish(gen.SigninWithMFADto{TOTP: &code}), 403, 6001)
	wantStatus(t, "a recovery code", finish(gen.SigninWithMFADto{RecoveryCode: ptr(recovery)}), 403, 6002)
	var text string
	harness.Eventually(t, "the metrics", func() bool {
		r := must(http.Get("http://" + metrics + "/metrics"))(t)
		defer r.Body.Close()
		text = string(must(io.ReadAll(r.Body))(t))
		return strings.Contains(text, `menshen_http_request_seconds_count{operation="signInWithMFA",status="200"} 2`)
	})
	v := &vault{t: t, secrets: map[string]string{}, codes: map[string]string{}}
	v.keepSeed(secret)
	v.keepRecovery(recovery)
	v.keep("mfaToken", token)
	v.keep("name", "canary phone")
	v.wantNone("metrics", text)
	if strings.Contains(text, `"`+code+`"`) || strings.Contains(text, "alice") {
		t.Errorf("the code or the user is in the metrics")
	}
}
