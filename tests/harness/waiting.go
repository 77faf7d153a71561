package harness

import (
	"context"
	"slices"
	"strings"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// Waiting signs in with password in the status dialect, where there is no field for the authenticator's code, and returns
// the mfaToken of the sign-in that waits for it.
func (h *Instance) Waiting(username string) (mfaToken string) {
	h.t.Helper()
	body := gen.SigninByCredentialsDto{
		Connection:      gen.SigninByCredentialsDtoConnectionPASSWORD,
		PasswordPayload: &gen.AuthenticateByPasswordDto{Username: &username, Password: Password},
	}
	r, err := h.Client.SignInWithResponse(context.Background(), nil, body)
	h.must(err)
	if r.JSON200 == nil || r.JSON200.MFATriggerData == nil {
		h.t.Fatalf("sign-in of %s: it does not wait: %s", username, r.Body)
	}
	return r.JSON200.MFATriggerData.MFAToken
}

// WaitingInCodeDialect is Waiting in the code dialect.
func (h *Instance) WaitingInCodeDialect(username string) (mfaToken string) {
	h.t.Helper()
	password := Password
	r, err := h.Client.LoginWithCaptchaWithResponse(context.Background(), nil, gen.CaptchaLoginRequest{
		Account: username, LoginType: gen.CaptchaLoginRequestLoginTypePwd, Password: &password,
	})
	h.must(err)
	if r.JSON200 == nil || r.JSON200.MFAToken == nil {
		h.t.Fatalf("login of %s: it does not wait: %s", username, r.Body)
	}
	return *r.JSON200.MFAToken
}

// Finish finishes a sign-in of the status dialect with a code of the authenticator.
func (h *Instance) Finish(mfaToken, code string) *gen.SignInWithMFAResult {
	h.t.Helper()
	r, err := h.Client.SignInWithMFAWithResponse(context.Background(), gen.SigninWithMFADto{MFAToken: mfaToken, TOTP: &code})
	h.must(err)
	return r
}

// FinishWithRecoveryCode is Finish with a recovery code.
func (h *Instance) FinishWithRecoveryCode(mfaToken, code string) *gen.SignInWithMFAResult {
	h.t.Helper()
	r, err := h.Client.SignInWithMFAWithResponse(context.Background(), gen.SigninWithMFADto{MFAToken: mfaToken, RecoveryCode: &code})
	h.must(err)
	return r
}

// FinishInCodeDialect finishes a sign-in of the code dialect, with either code.
func (h *Instance) FinishInCodeDialect(mfaToken, code string) *gen.LoginWithMFAResult {
	h.t.Helper()
	r, err := h.Client.LoginWithMFAWithResponse(context.Background(), nil, gen.MFALoginRequest{MFAToken: mfaToken, Code: code})
	h.must(err)
	return r
}

// Letters are the messages to an address, oldest first, once all that were written are delivered. They are those of channels
// that are not configured.
func (h *Instance) Letters(to string) []channel.Entry {
	h.t.Helper()
	h.Settle()
	entries, err := channel.Read(h.Outbox)
	h.must(err)
	return slices.DeleteFunc(entries, func(e channel.Entry) bool { return !strings.EqualFold(e.To, to) })
}

// Settle waits until no message is on its way.
func (h *Instance) Settle() {
	h.t.Helper()
	Eventually(h.t, "the messages that are on their way", func() bool {
		return h.Count(`SELECT count(*) FROM outbox WHERE state = 'waiting'`) == 0
	})
}
