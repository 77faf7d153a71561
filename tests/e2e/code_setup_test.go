package e2e

import (
	"strconv"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// How a code reaches a person, and where.
const (
	byEmail = gen.CaptchaRequestTypeEmail
	byPhone = gen.CaptchaRequestTypePhone
	bySMS   = gen.CaptchaRequestTypeSms

	emailOfBob = "bob@example.com"
	phoneOfBob = "+8613800138000"
)

// proof is a code that was sent to an address, as somebody repeats it.
type proof struct {
	by       string
	to       string
	id, code string
}

// prove asks for a code and reads it over the shoulder of whoever makes it, so that there is one also where nobody is told.
func prove(h *harness.Instance, by gen.CaptchaRequestType, use gen.CaptchaUse, to string, editors ...gen.RequestEditorFn) proof {
	id := h.AskForCode(by, use, to, editors...)
	return proof{string(by), to, id, h.Digits.Last()}
}

// delivered is prove for who gets the code, and types what the message says. at is the address of the message.
func delivered(h *harness.Instance, by gen.CaptchaRequestType, use gen.CaptchaUse, to, at string, editors ...gen.RequestEditorFn) proof {
	id := h.AskForCode(by, use, to, editors...)
	return proof{string(by), to, id, h.SentCode(at)}
}

// wrong is the proof with another code.
func (p proof) wrong() proof {
	n, _ := strconv.Atoi(p.code) // digits
	p.code = strconv.Itoa(1_000_000 + (n+1)%1_000_000)[1:]
	return p
}

// login signs in with the code.
func (p proof) login(t *testing.T, h *harness.Instance, editors ...gen.RequestEditorFn) *gen.LoginWithCaptchaResult {
	t.Helper()
	return must(h.Client.LoginWithCaptchaWithResponse(t.Context(), nil, gen.CaptchaLoginRequest{
		LoginType: gen.CaptchaLoginRequestLoginType(p.by), Account: p.to, Code: &p.code, CodeID: &p.id,
	}, editors...))(t)
}

// register makes an account of what is in body and the code.
func (p proof) register(t *testing.T, h *harness.Instance, body gen.CodeRegisterRequest, editors ...gen.RequestEditorFn) *gen.RegisterWithCodeResult {
	t.Helper()
	body.RegType, body.Account, body.Code, body.CodeID = gen.CodeType(p.by), p.to, p.code, p.id
	return must(h.Client.RegisterWithCodeWithResponse(t.Context(), nil, body, editors...))(t)
}

// reset sets a forgotten password anew.
func (p proof) reset(t *testing.T, h *harness.Instance, password string, editors ...gen.RequestEditorFn) *gen.ResetPasswordResult {
	t.Helper()
	return must(h.Client.ResetPasswordWithResponse(t.Context(), nil, gen.ForgetPasswordRequest{
		Type: gen.CodeType(p.by), Account: p.to, Code: p.code, CodeID: p.id, Password: password,
	}, editors...))(t)
}

// change sets the password of who holds the token. The address is not sent: it can be nobody else's.
func (p proof) change(t *testing.T, h *harness.Instance, token, password string) *gen.ChangePasswordResult {
	t.Helper()
	return must(h.Client.ChangePasswordWithResponse(t.Context(), nil, gen.ChangePasswordRequest{
		Type: gen.ChangePasswordRequestType(p.by), Code: &p.code, CodeID: &p.id, Password: password,
	}, as(token)))(t)
}

// bind makes the address that of who holds the token.
func (p proof) bind(t *testing.T, h *harness.Instance, token string, editors ...gen.RequestEditorFn) *gen.BindAccountResult {
	t.Helper()
	return must(h.Client.BindAccountWithResponse(t.Context(), nil, gen.BindAccountRequest{
		Type: gen.CodeType(p.by), Account: p.to, Code: p.code, CodeID: p.id,
	}, append(editors, as(token))...))(t)
}

// as is a client editor: the token in the header of document 004.
func as(token string) gen.RequestEditorFn { return harness.Header("iThings-token", token) }

// in is a client editor: the language of the caller.
func in(language string) gen.RequestEditorFn { return harness.Header("Accept-Language", language) }

// of is a client editor: the userpool of the caller.
func of(tenant string) gen.RequestEditorFn { return harness.Header("iThings-tenant-code", tenant) }

// tokenOf is the token of who has just signed in with a code.
func tokenOf(t *testing.T, what string, r *gen.LoginWithCaptchaResult) string {
	t.Helper()
	if r.JSON200 == nil || r.JSON200.Data == nil {
		t.Fatalf("%s: HTTP %d %s", what, r.HTTPResponse.StatusCode, r.Body)
	}
	return r.JSON200.Data.Token.AccessToken
}

// newBob is a user with all three names and harness.Password. Nobody has proved the addresses yet.
func newBob(h *harness.Instance) *gen.UserDto { return h.CreateUser(everything()) }
