package mfa

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// caller is the context of a request of the user.
func (r *rig) caller() context.Context {
	return authn.With(r.t.Context(), authn.Principal{User: &r.user})
}

// body is an answer as it is sent.
func body(t *testing.T, visit func(w http.ResponseWriter) error) string {
	t.Helper()
	w := httptest.NewRecorder()
	if err := visit(w); err != nil {
		t.Fatal(err)
	}
	return w.Body.String()
}

// TestEmptyListsAreSent: who has no authenticator, and who has as many as one can have, is answered with an empty list. The
// contract takes no success without data, so without the list the answer would be an internal error.
func TestEmptyListsAreSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api := NewAPI(r.Service)
	enrolled, err := api.ListEnrolledFactors(r.caller(), gen.ListEnrolledFactorsRequestObject{})
	r.must(err)
	if text := body(t, enrolled.VisitListEnrolledFactorsResponse); !strings.Contains(text, `"data":[]`) {
		t.Errorf("without an authenticator: %s", text)
	}
	status, err := api.GetMFAStatus(r.caller(), gen.GetMFAStatusRequestObject{})
	r.must(err)
	if text := body(t, status.VisitGetMFAStatusResponse); !strings.Contains(text, `"authenticators":[]`) || !strings.Contains(text, `"enabled":false`) {
		t.Errorf("without an authenticator: %s", text)
	}
	r.scan()
	r.must(r.bind(r.code(), ""))
	for _, name := range []string{"2", "3", "4", "5"} {
		r.execute(`INSERT INTO mfa_factors (userpool_id, id, user_id, name, secret_sealed, algorithm, digits, period, last_step, created_at)
			SELECT userpool_id, $1, user_id, $1, secret_sealed, algorithm, digits, period, last_step, created_at
			FROM mfa_factors WHERE name = 'Authenticator'`, name)
	}
	kinds, err := api.ListFactorsToEnroll(r.caller(), gen.ListFactorsToEnrollRequestObject{})
	r.must(err)
	if text := body(t, kinds.VisitListFactorsToEnrollResponse); !strings.Contains(text, `"data":[]`) {
		t.Errorf("with five authenticators: %s", text)
	}
}

// TestFactorsOfTheStatusDialect: factors of other types are known to the contract and refused, a missing code is told as
// such, and what is shown of a factor is no secret.
func TestFactorsOfTheStatusDialect(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api := NewAPI(r.Service)
	for _, kind := range []gen.FactorType{gen.FactorTypeSMS, gen.FactorTypeEMAIL, gen.FactorTypeFACE} {
		_, err := api.SendEnrollFactorRequest(r.caller(), gen.SendEnrollFactorRequestRequestObject{Body: &gen.SendEnrollFactorRequestDto{FactorType: kind}})
		r.want(string(kind), err, ErrFactorType)
		_, err = api.EnrollFactor(r.caller(), gen.EnrollFactorRequestObject{Body: &gen.EnrollFactorDto{FactorType: kind}})
		r.want(string(kind), err, ErrFactorType)
	}
	e := r.request("Phone")
	_, err := api.EnrollFactor(r.caller(), gen.EnrollFactorRequestObject{Body: &gen.EnrollFactorDto{FactorType: gen.FactorTypeOTP, EnrollmentToken: e.Token}})
	r.want("without a code", err, authn.ErrNoCode)
	_, err = api.EnrollFactor(r.caller(), gen.EnrollFactorRequestObject{Body: &gen.EnrollFactorDto{
		FactorType: gen.FactorTypeOTP, EnrollmentToken: e.Token, EnrollmentData: gen.EnrollmentDataDto{PassCode: optional.Of(r.code())},
	}})
	r.want("with it", err, nil)
	r.advance(time.Minute)
	verified, err := api.VerifyTOTP(r.caller(), gen.VerifyTOTPRequestObject{Body: &gen.MFAOTPVerifyDto{TOTP: r.code()}})
	r.must(err)
	if text := body(t, verified.VisitVerifyTOTPResponse); !strings.Contains(text, `"verified":true`) {
		t.Error(text)
	}
	id := r.factors()[0].ID
	one, err := api.GetFactor(r.caller(), gen.GetFactorRequestObject{Params: gen.GetFactorParams{FactorID: id}})
	r.must(err)
	text := body(t, one.VisitGetFactorResponse)
	if !strings.Contains(text, id) || !strings.Contains(text, `"Phone"`) || strings.Contains(text, e.Secret) || !strings.Contains(text, `"lastUsedAt"`) {
		t.Error(text)
	}
	_, err = api.GetFactor(r.caller(), gen.GetFactorRequestObject{Params: gen.GetFactorParams{FactorID: "other"}})
	r.want("another's", err, ErrFactor)
}

// TestAuthenticatorsNeedAUser: nobody, and no access key, does anything to authenticators.
func TestAuthenticatorsNeedAUser(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	api := NewAPI(r.Service)
	for name, ctx := range map[string]context.Context{
		"nobody": t.Context(), "a key": authn.With(t.Context(), authn.Principal{Management: &authn.Management{UserpoolID: "pool", KeyID: "k"}}),
	} {
		for operation, try := range map[string]func() error{
			"qrcode":    func() error { _, err := api.GetMFAQRCode(ctx, gen.GetMFAQRCodeRequestObject{}); return err },
			"bind":      func() error { _, err := api.BindMFA(ctx, gen.BindMFARequestObject{}); return err },
			"status":    func() error { _, err := api.GetMFAStatus(ctx, gen.GetMFAStatusRequestObject{}); return err },
			"verify":    func() error { _, err := api.VerifyMFA(ctx, gen.VerifyMFARequestObject{}); return err },
			"unbind":    func() error { _, err := api.UnbindMFA(ctx, gen.UnbindMFARequestObject{}); return err },
			"codes":     func() error { _, err := api.GetRecoveryCodes(ctx, gen.GetRecoveryCodesRequestObject{}); return err },
			"new codes": func() error { _, err := api.MakeRecoveryCodes(ctx, gen.MakeRecoveryCodesRequestObject{}); return err },
			"list": func() error {
				_, err := api.ListEnrolledFactors(ctx, gen.ListEnrolledFactorsRequestObject{})
				return err
			},
			"get": func() error { _, err := api.GetFactor(ctx, gen.GetFactorRequestObject{}); return err },
			"kinds": func() error {
				_, err := api.ListFactorsToEnroll(ctx, gen.ListFactorsToEnrollRequestObject{})
				return err
			},
			"reset": func() error { _, err := api.ResetFactor(ctx, gen.ResetFactorRequestObject{}); return err },
			"totp":  func() error { _, err := api.VerifyTOTP(ctx, gen.VerifyTOTPRequestObject{}); return err },
		} {
			r.want(name+": "+operation, try(), authn.ErrUnauthenticated)
		}
	}
}
