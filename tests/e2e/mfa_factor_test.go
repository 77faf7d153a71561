package e2e

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// factorsOf are the factors as the status dialect lists them.
func factorsOf(t *testing.T, p *harness.Person) []gen.FactorDto {
	t.Helper()
	r := must(p.Client.ListEnrolledFactorsWithResponse(t.Context()))(t)
	wantSuccess(t, "list-enrolled-factors", r)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		t.Errorf("list-enrolled-factors has no list: %s", r.Body)
		return nil
	}
	return r.JSON200.Data
}

// TestFactorInTheStatusDialect (T11, T14) is the V3 story: request, scan, confirm. The recovery code that comes with the
// picture is good from the confirmation on, and once.
func TestFactorInTheStatusDialect(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h)
	if list := factorsOf(t, alice); len(list) != 0 {
		t.Errorf("before: %+v", list)
	}
	request := func(kind gen.FactorType) *gen.SendEnrollFactorRequestResult {
		return must(alice.Client.SendEnrollFactorRequestWithResponse(t.Context(), gen.SendEnrollFactorRequestDto{FactorType: kind}))(t)
	}
	for _, kind := range []gen.FactorType{gen.FactorTypeSMS, gen.FactorTypeEMAIL, gen.FactorTypeFACE} {
		wantStatus(t, string(kind), request(kind), 422, 0)
	}
	first, asked := alice.RequestFactor("first"), alice.RequestFactor("My phone")
	if text := h.ReadQR(h.DataURI(asked.OTPData.QRCodeDataURL)); text != asked.OTPData.QRCodeURI || zbar(t, asked.OTPData.QRCodeDataURL) != text {
		t.Errorf("the picture says %q, the answer %q", text, asked.OTPData.QRCodeURI)
	}
	secretOf := func(e *gen.SendEnrollFactorRequestDataDto) string {
		_, parameters := h.ReadURI(e.OTPData.QRCodeURI)
		return parameters.Get("secret")
	}
	alice.Secret = secretOf(asked)
	recovery := asked.OTPData.RecoveryCode
	wantRefused(t, "the recovery code, too early", alice.TryStepUp(recovery), "The recovery code is wrong")
	wantStatus(t, "what a newer request has voided", alice.EnrollFactor(first.EnrollmentToken, h.Phone(secretOf(first)).Code()), 422, 0)
	wantRefused(t, "without the token", alice.Bind(alice.Code(), ""), "No secret waits")
	wantStatus(t, "a wrong code", alice.EnrollFactor(asked.EnrollmentToken, alice.WrongCode()), 403, 6001)
	none := gen.EnrollFactorDto{FactorType: gen.FactorTypeOTP, EnrollmentToken: asked.EnrollmentToken}
	wantStatus(t, "no code", must(alice.Client.EnrollFactorWithResponse(t.Context(), none))(t), 400, 6003)
	none.FactorType = gen.FactorTypeSMS
	wantStatus(t, "another factor", must(alice.Client.EnrollFactorWithResponse(t.Context(), none))(t), 422, 0)
	bob := h.SignUp("bob2")
	wantStatus(t, "somebody else's token", bob.EnrollFactor(asked.EnrollmentToken, alice.Code()), 422, 0)
	wantSuccess(t, "a sign-in meanwhile", alice.TryLogin(""))

	wantSuccess(t, "confirm", alice.EnrollFactor(asked.EnrollmentToken, alice.Code()))
	wantStatus(t, "confirm again", alice.EnrollFactor(asked.EnrollmentToken, alice.Code()), 422, 0)
	wantSaid(t, "from now on", alice.TryLogin(""), "is required")
	list := factorsOf(t, alice)
	if len(list) != 1 || list[0].Profile.Name != "My phone" || list[0].FactorType != gen.FactorTypeOTP ||
		list[0].Profile.State != gen.FactorProfileDtoStateActive {
		t.Fatalf("after: %+v", list)
	}
	get := func(id string) *gen.GetFactorResult {
		return must(alice.Client.GetFactorWithResponse(t.Context(), &gen.GetFactorParams{FactorID: id}))(t)
	}
	if one := get(list[0].FactorID); one.JSON200 == nil || one.JSON200.Data == nil || one.JSON200.Data.FactorID != list[0].FactorID {
		t.Errorf("get-factor: %s", one.Body)
	}
	wantStatus(t, "no such factor", get("unknown"), 404, 0)
	r := must(bob.Client.GetFactorWithResponse(t.Context(), &gen.GetFactorParams{FactorID: list[0].FactorID}))(t)
	wantStatus(t, "somebody else's factor", r, 404, 0)

	wantIn(t, h, "the recovery code", h.FinishWithRecoveryCode(h.Waiting("alice"), recovery))
	wantStatus(t, "once more", h.FinishWithRecoveryCode(h.Waiting("alice"), recovery), 403, 6002)
}

// TestUnconfirmedRecoveryCodeIsWorthless (T14): the recovery code of an enrolment that another one has replaced, or that was
// never confirmed, opens nothing, also when there is an authenticator by then.
func TestUnconfirmedRecoveryCodeIsWorthless(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h)
	replaced := alice.RequestFactor("")
	alice.EnrolTOTP()
	alice.StepUp(alice.Code())
	abandoned := alice.RequestFactor("Tablet")
	for what, e := range map[string]*gen.SendEnrollFactorRequestDataDto{"replaced": replaced, "abandoned": abandoned} {
		wantRefused(t, what, alice.TryLogin(e.OTPData.RecoveryCode), "The recovery code is wrong")
	}
	if n := alice.MFAStatus().RecoveryCodesLeft; n != 0 {
		t.Errorf("%d recovery codes", n)
	}
	h.Clock.Advance(10 * time.Minute)
	_, parameters := h.ReadURI(abandoned.OTPData.QRCodeURI)
	wantStatus(t, "after ten minutes", alice.EnrollFactor(abandoned.EnrollmentToken, h.Phone(parameters.Get("secret")).Code()), 422, 0)
}

// TestTwoPhones: each of two named authenticators opens the door, and each can remove the other. Names are the user's own and
// differ; the status tells of both; who has one needs no id to remove it.
func TestTwoPhones(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	phone := alice.Phone()
	tablet := alice.AddPhone("Tablet", phone.Code())
	for _, one := range []*harness.Authenticator{phone, tablet, phone} {
		alice.Login(one.NextCode())
	}
	names := func() (list []string) {
		for _, a := range alice.MFAStatus().Authenticators {
			list = append(list, a.Name)
		}
		return list
	}
	wantNames(t, names(), "Authenticator", "Tablet")

	alice.Scan()
	h.Clock.Advance(harness.Step)
	bindAs := func(name string) *gen.BindMFAResult {
		h.Clock.Advance(time.Second) // they are listed by age
		third := h.Phone(alice.Scan())
		return alice.Bind(third.Code(), name)
	}
	for _, taken := range []string{"Tablet", "  Tablet  ", "Tab\u200blet", "Authenticator"} {
		wantRefused(t, "the name "+taken, bindAs(taken), "of that name")
	}
	wantSuccess(t, "no name", bindAs(""))
	wantSuccess(t, "another spelling", bindAs("tablet"))
	wantSuccess(t, "a name of another script", bindAs("平板"))
	wantNames(t, names(), "Authenticator", "Tablet", "Authenticator 2", "tablet", "平板")
	wantRefused(t, "a sixth", must(alice.Client.GetMFAQRCodeWithResponse(t.Context(), nil))(t), "as many authenticators")
	kinds := must(alice.Client.ListFactorsToEnrollWithResponse(t.Context()))(t)
	wantSuccess(t, "list-factors-to-enroll of who has five", kinds)
	for _, a := range alice.MFAStatus().Authenticators[2:] {
		h.Clock.Advance(harness.Step)
		wantSuccess(t, "remove "+a.Name, alice.Unbind(a.ID, phone.Code()))
	}
	kinds = must(alice.Client.ListFactorsToEnrollWithResponse(t.Context()))(t)
	wantSuccess(t, "list-factors-to-enroll", kinds)
	if kinds.JSON200 == nil || len(kinds.JSON200.Data) != 1 || kinds.JSON200.Data[0].FactorType != gen.FactorTypeOTP {
		t.Errorf("list-factors-to-enroll: %s", kinds.Body)
	}

	form := gen.MFAUnbindRequest{Code: phone.NextCode()}
	wantRefused(t, "which of two", must(alice.Client.UnbindMFAWithFormdataBodyWithResponse(t.Context(), nil, form))(t), "say which")
	wantRefused(t, "unknown", alice.Unbind("unknown", phone.Code()), "no such authenticator")
	bob := h.SignUp("bob2").EnrolTOTP()
	wantRefused(t, "somebody else's", bob.Unbind(tablet.ID, bob.Code()), "no such authenticator")
	lost := alice.MFAStatus().Authenticators[0].ID
	wantSuccess(t, "the lost phone, by the tablet", alice.Unbind(lost, tablet.NextCode()))
	wantNames(t, names(), "Tablet")
	wantRefused(t, "the lost phone's code", alice.TryLogin(phone.NextCode()), saysWrong)
	alice.Login(tablet.NextCode())
	wantSuccess(t, "the last one", alice.Unbind("", tablet.NextCode()))
	wantNames(t, names())
	wantRefused(t, "when there is none", alice.Unbind("", tablet.NextCode()), "No authenticator is bound")
	alice.Login("")
}

func wantNames(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("authenticators %q, want %q", got, want)
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("authenticators %q, want %q", got, want)
			return
		}
	}
}

// TestStepUpComesFirst: whoever finds a session cannot add or remove an authenticator. The second one and the removal in the
// status dialect need a code that this session has shown in the last five minutes, and no other session's.
func TestStepUpComesFirst(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h)
	tablet := h.SignIn("alice")
	alice.EnrolTOTP() // which shows a code of it, too
	wantAMR(t, h, "bound", alice.AccessToken, "[pwd otp mfa]")
	alice.Scan()
	h.Clock.Advance(5 * time.Minute)
	reset := func(p *harness.Person) *gen.ResetFactorResult {
		id := factorsOf(t, p)[0].FactorID
		return must(p.Client.ResetFactorWithResponse(t.Context(), gen.ResetFactorDto{FactorID: id}))(t)
	}
	wantShut := func(what string, p *harness.Person) {
		t.Helper()
		wantRefused(t, what, must(p.Client.GetMFAQRCodeWithResponse(t.Context(), nil))(t), saysBound)
		r := must(p.Client.SendEnrollFactorRequestWithResponse(t.Context(), gen.SendEnrollFactorRequestDto{FactorType: gen.FactorTypeOTP}))(t)
		wantStatus(t, what, r, 409, 0)
		wantStatus(t, what, reset(p), 403, 1635)
	}
	wantShut("the session that bound, five minutes later", alice)
	wantShut("a session from before", tablet)
	wantStatus(t, "a wrong code", must(tablet.Client.VerifyTOTPWithResponse(t.Context(), gen.MFAOTPVerifyDto{TOTP: alice.WrongCode()}))(t), 403, 6001)
	for what, text := range map[string]string{"no code": "", "half a code": "12", "letters": "letters"} { // for one official SDK it must be HTTP 200
		wantStatus(t, what, must(tablet.Client.VerifyTOTPWithResponse(t.Context(), gen.MFAOTPVerifyDto{TOTP: text}))(t), 403, 6001)
	}
	wantShut("after wrong codes", tablet)

	r := must(tablet.Client.VerifyTOTPWithResponse(t.Context(), gen.MFAOTPVerifyDto{TOTP: alice.Code()}))(t)
	if wantSuccess(t, "mfa-totp-verify", r); r.JSON200 == nil || r.JSON200.Data == nil || !r.JSON200.Data.Verified {
		t.Errorf("mfa-totp-verify: %s", r.Body)
	}
	wantAMR(t, h, "stepped up", tablet.AccessToken, "[pwd otp mfa]")
	wantShut("another session", alice)
	h.Clock.Advance(5 * time.Minute)
	tablet.Scan()
	h.Clock.Advance(time.Millisecond)
	wantShut("five minutes later", tablet)

	alice.StepUp(alice.Code())
	h.Clock.Advance(harness.Step)
	tablet.StepUp(alice.Code())
	tablet.Scan()
	wantSuccess(t, "reset", reset(alice))
	shown := h.Count(`SELECT count(*) FROM sessions WHERE id = $1 AND mfa_at IS NOT NULL`, sessionOf(t, tablet.AccessToken))
	if h.Count(`SELECT count(*) FROM mfa_pending`)+shown != 0 {
		t.Error("what another session has shown outlives the authenticator that it was a code of")
	}
	alice.Login("")
	if n := h.Count(`SELECT count(*) FROM mfa_factors`); n != 0 {
		t.Errorf("%d authenticators", n)
	}
}

// TestFreshSessionBindsTheFirst: whoever finds a session that was opened sixteen minutes ago cannot bind an authenticator of
// his own, nor can one that such a session vouches for.
func TestFreshSessionBindsTheFirst(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	h.Clock.Advance(15 * time.Minute)
	refresh(t, h, alice)
	alice.Scan()
	h.Clock.Advance(time.Minute)
	stale := func(what string, client *gen.ClientWithResponses) {
		t.Helper()
		wantRefused(t, what, must(client.GetMFAQRCodeWithResponse(t.Context(), nil))(t), saysStale)
		r := must(client.SendEnrollFactorRequestWithResponse(t.Context(), gen.SendEnrollFactorRequestDto{FactorType: gen.FactorTypeOTP}))(t)
		wantStatus(t, what, r, 401, 2020)
	}
	stale("after sixteen minutes", alice.Client)
	pass := redeemed(t, h.Redeem(alice.Fastpass(nil).QrcodeID))
	stale("by fastpass", h.NewClient(harness.Header("Access-Token", *pass.AccessToken), harness.Header("Authorization", *pass.AccessToken)))
	page := tokens(t, h.Exchange(alice.Approve(h.ShowQR(nil))))
	stale("by QR login", h.NewClient(harness.Header("Access-Token", *page.AccessToken), harness.Header("Authorization", *page.AccessToken)))
	alice.Login("")
	alice.EnrolTOTP()
}
