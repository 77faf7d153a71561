package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

const (
	saysNoRecoveryCode   = "The recovery code is wrong"
	saysRecoveryCodeUsed = "The recovery code has been used"
)

// TestRecoveryCodesReplaceThePhone (T14): ten codes of 96 bit, made with a code and shown once. Each opens one door, whichever,
// in the place of the authenticator's code, however a person writes it; making new ones voids them.
func TestRecoveryCodesReplaceThePhone(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	left := func(want int) {
		t.Helper()
		r := must(alice.Client.GetRecoveryCodesWithResponse(t.Context(), nil))(t)
		if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.Left != want || alice.MFAStatus().RecoveryCodesLeft != want {
			t.Errorf("want %d recovery codes left, got %s", want, r.Body)
		}
	}
	left(0)
	make10 := func(code string) *gen.MakeRecoveryCodesResult {
		return must(alice.Client.MakeRecoveryCodesWithResponse(t.Context(), nil, gen.MFACodeRequest{Code: code}))(t)
	}
	wantRefused(t, "with a wrong code", make10(alice.WrongCode()), saysWrong)
	left(0)
	r := must(alice.Client.MakeRecoveryCodesWithFormdataBodyWithResponse(t.Context(), nil, gen.MFACodeRequest{Code: alice.Code()}))(t)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		t.Fatalf("make: %s", r.Body)
	}
	codes := r.JSON200.Data.Codes
	wantRefused(t, "with the same code again", make10(alice.Code()), saysUsed)
	left(10)
	form := regexp.MustCompile(`^[0-9a-f]{4}(-[0-9a-f]{4}){5}$`)
	for i, code := range codes {
		if !form.MatchString(code) || slices.Contains(codes[:i], code) {
			t.Errorf("%q is no recovery code, or one twice", code)
		}
	}
	if len(codes) != 10 {
		t.Fatalf("%d codes", len(codes))
	}

	written := []func(string) string{
		func(code string) string { return code },
		strings.ToUpper,
		func(code string) string { return strings.ReplaceAll(code, "-", "") },
		func(code string) string { return strings.ReplaceAll(code, "-", " ") },
		func(code string) string { return strings.ToUpper(strings.ReplaceAll(code, "-", "")) },
		func(code string) string { return " " + code + " " },
	}
	doors := entrances(t, h)
	for i, door := range doors {
		access := wantIn(t, h, door.name, door.enter(written[i](codes[i])))
		wantAMR(t, h, door.name, access, door.amr)
		for _, other := range doors {
			wantSaid(t, other.name+": what opened "+door.name, other.enter(codes[i]), saysRecoveryCodeUsed)
		}
		left(9 - i)
	}
	bob := h.SignUp("bob2").EnrolTOTP()
	wantRefused(t, "somebody else's", bob.TryLogin(codes[9]), saysNoRecoveryCode)

	r = make10(codes[8])
	wantSuccess(t, "made with one of the last", r)
	left(10)
	for _, void := range codes {
		wantRefused(t, "of before", alice.TryLogin(void), saysNoRecoveryCode)
	}
	alice.Login(r.JSON200.Data.Codes[0])
	wantSuccess(t, "it steps up", alice.TryStepUp(r.JSON200.Data.Codes[1]))
	wantSuccess(t, "it removes an authenticator", alice.Unbind("", r.JSON200.Data.Codes[2]))
	left(0) // they go with the last authenticator
	alice.EnrolTOTP()
	wantRefused(t, "of an authenticator that is gone", alice.TryLogin(r.JSON200.Data.Codes[3]), saysNoRecoveryCode)
}

// TestRecoveryCodesStayWithThePeople (T14): they are not one authenticator's. Who removes one of two keeps them.
func TestRecoveryCodesStayWithThePeople(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	phone := alice.Phone()
	tablet := alice.AddPhone("Tablet", phone.Code())
	codes := alice.RecoveryCodes(phone.Code())
	lost := alice.MFAStatus().Authenticators[0].ID
	wantSuccess(t, "remove the one that made them", alice.Unbind(lost, tablet.Code()))
	if n := alice.MFAStatus().RecoveryCodesLeft; n != 10 {
		t.Errorf("%d recovery codes are left", n)
	}
	alice.Login(codes[0])
}

// TestWrongRecoveryCodesKeepNobodyOut (T14): 96 bit cannot be guessed, so that tries cost nothing, and whoever makes them
// cannot keep the owner out. They are none of the authenticator's tries, and the authenticator's wait is none of theirs.
func TestWrongRecoveryCodesKeepNobodyOut(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	codes := alice.RecoveryCodes(alice.Code())
	doors := entrances(t, h)
	for n := range 30 {
		wrong := fmt.Sprintf("%04d-0000-0000-0000-0000-0000", n)
		wantSaid(t, "a wrong one", doors[n%len(doors)].enter(wrong), saysNoRecoveryCode)
	}
	if n := h.Count(`SELECT failures FROM mfa_factors`); n != 0 {
		t.Errorf("recovery codes count as %d guesses at the authenticator", n)
	}
	for _, wrong := range h.WrongCodes(5, alice.Secret) {
		wantRefused(t, "a wrong code of the authenticator", alice.TryLogin(wrong), saysWrong)
	}
	wantWait(t, "the authenticator", doors[2].enter(alice.Code()), 30)
	for i, door := range doors {
		wantIn(t, h, door.name, door.enter(codes[i]))
	}
	wantWait(t, "the authenticator, still", doors[2].enter(alice.Code()), 30)
}

// TestRecoveryCodeOfAnEnrolment (T14) goes with the authenticator that it was shown with: who had added one and was found out
// keeps no way in. Those that the user has made stay.
func TestRecoveryCodeOfAnEnrolment(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	alice.RecoveryCodes(alice.Code())
	alice.StepUp(alice.Phone().NextCode())
	asked := alice.RequestFactor("Mallory's")
	_, parameters := h.ReadURI(asked.OTPData.QRCodeURI)
	wantSuccess(t, "confirm", alice.EnrollFactor(asked.EnrollmentToken, h.Phone(parameters.Get("secret")).Code()))
	if n := alice.MFAStatus().RecoveryCodesLeft; n != 11 {
		t.Errorf("%d recovery codes, want 11", n)
	}
	for _, a := range alice.MFAStatus().Authenticators {
		if a.Name == "Mallory's" {
			wantSuccess(t, "remove", alice.Unbind(a.ID, alice.Phone().NextCode()))
		}
	}
	wantRefused(t, "its recovery code", alice.TryLogin(asked.OTPData.RecoveryCode), saysNoRecoveryCode)
	if n := alice.MFAStatus().RecoveryCodesLeft; n != 10 {
		t.Errorf("%d recovery codes, want 10", n)
	}
}
