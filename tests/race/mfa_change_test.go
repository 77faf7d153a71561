package race

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lib/pq"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// wantOnly: each answer is a success, or refused for one of the reasons; none is a failure of the service, such as a deadlock.
func wantOnly(t *testing.T, answers []any, reasons ...string) map[string]int {
	t.Helper()
	for n, answer := range answers {
		if o := harness.OutcomeOf(answer); o.HTTP >= 500 {
			t.Errorf("call %d: HTTP %d %s", n, o.HTTP, o.Body)
		}
	}
	got := tally(answers)
	for text, n := range got {
		if text != success && !slices.Contains(reasons, text) {
			t.Errorf("%d times %q", n, text)
		}
	}
	return got
}

// TestBindingsAndRemovals (T4, T11): a user's sessions scan, confirm and remove authenticators at once, in both dialects. No
// waiting secret becomes two authenticators, none has its code unspent, there are never more than five, and nothing fails.
func TestBindingsAndRemovals(t *testing.T) {
	c := newCrowd(t, 1)
	h := c.f[0]
	base := c.alice.Phone()
	reasons := []string{
		codeWrong, codeUsed, wait, nothingWaits, boundAlready, unknownFactor,
		"You have as many authenticators as one can have; remove one first.",
	}
	round := 0
	rounds(t, fair, func(t *testing.T) {
		round++
		h.Clock.Advance(2 * step)
		h.Exec(`DELETE FROM mfa_factors WHERE name <> 'Authenticator'; UPDATE mfa_factors SET failures = 0, blocked_until = NULL`)
		for n := range round % 4 { // the first rounds have room, the others are near the brim
			c.alice.AddPhone(fmt.Sprintf("Old %d", n), base.NextCode())
			h.Clock.Advance(step)
		}
		c.alice.Login(base.NextCode())
		access := c.alice.AccessToken
		as := []gen.RequestEditorFn{harness.Header("Access-Token", access), harness.Header("Authorization", access)}
		asked := c.alice.RequestFactor("")
		_, parameters := h.ReadURI(asked.OTPData.QRCodeURI)
		phone := h.Phone(parameters.Get("secret"))
		code := phone.Code()
		before := c.alice.MFAStatus().Authenticators
		var removable string
		if len(before) > 1 {
			removable = before[1].ID
		}
		// Before the user's row stand five tries to confirm, which is how many are looked at, and who asks for another secret.
		held := 5 + calls/8
		if removable != "" { // and who removes
			held += calls / 16
		}
		answers := rushPast(t, c.f, calls, held, "users", func(client *gen.ClientWithResponses, n int) (any, error) {
			switch {
			case n%16 == 15: // replaces what waits
				body := gen.SendEnrollFactorRequestDto{FactorType: gen.FactorTypeOTP}
				return client.SendEnrollFactorRequestWithResponse(t.Context(), body, as...)
			case n%16 == 14:
				return client.GetMFAQRCodeWithResponse(t.Context(), nil, as...)
			case n%16 == 7 && removable != "":
				return client.ResetFactorWithResponse(t.Context(), gen.ResetFactorDto{FactorID: removable}, as...)
			}
			body := gen.EnrollFactorDto{FactorType: gen.FactorTypeOTP, EnrollmentToken: asked.EnrollmentToken}
			body.EnrollmentData.PassCode = &code
			return client.EnrollFactorWithResponse(t.Context(), body, as...)
		})
		wantOnly(t, answers, reasons...)
		made := 0
		for n, answer := range answers {
			if harness.OutcomeOf(answer).Success() && n%16 < 14 && (n%16 != 7 || removable == "") {
				made++
			}
		}
		bound := h.Count(`SELECT count(*) FROM mfa_factors WHERE id <> ALL ($1)`, ids(before))
		if made > 1 || bound != made {
			t.Errorf("one secret became %d authenticators, by the answers %d", bound, made)
		}
		if n := h.Count(`SELECT count(*) FROM mfa_factors`); n > 5 {
			t.Errorf("%d authenticators", n)
		}
		if n := h.Count(`SELECT count(*) FROM mfa_factors WHERE last_step = 0`); n != 0 {
			t.Errorf("%d authenticators whose code is unspent", n)
		}
		if bound == 1 {
			if text := harness.OutcomeOf(c.alice.TryStepUp(code)).Text(); text != codeUsed {
				t.Errorf("the code that bound: %s", text)
			}
		}
	})
}

// ids are those of authenticators, as PostgreSQL takes a list.
func ids(list []gen.Authenticator) any {
	var text []string
	for _, a := range list {
		text = append(text, a.ID)
	}
	return pq.Array(text)
}

// TestFirstAuthenticatorIsOne: imports of two secrets and a binding want to give a user the first authenticator, at once: one
// of them does. An import of the same secret is a repetition.
func TestFirstAuthenticatorIsOne(t *testing.T) {
	f := newFleet(t)
	h := f[0]
	alice := h.SignUp("alice")
	token := h.ManagementToken()
	rounds(t, fair, func(t *testing.T) {
		h.Exec(`DELETE FROM mfa_factors; DELETE FROM mfa_pending`)
		h.Clock.Advance(step)
		alice.Login("")
		phone := h.Phone(alice.Scan())
		code := phone.Code()
		answers := rush(t, f, calls, "users", func(c *gen.ClientWithResponses, n int) (any, error) {
			if n%16 == 0 {
				body := gen.MFABindRequest{Code: code}
				return c.BindMFAWithResponse(t.Context(), nil, body, harness.Header("Access-Token", alice.AccessToken))
			}
			secret := []string{"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "JBSWY3DPEHPK3PXP"}[n%2]
			return c.ImportOTPWithResponse(t.Context(), gen.ImportOTPReqDto{List: []gen.ImportOTPItemDto{
				{UserID: alice.ID, OTP: gen.UserOTPDto{Secret: secret}},
			}}, harness.Header("Authorization", "Bearer "+token))
		})
		got := wantOnly(t, answers, boundAlready, "The user has another authenticator. (list[0])", nothingWaits)
		if n := h.Count(`SELECT count(*) FROM mfa_factors`); n != 1 || got[success] == 0 {
			t.Errorf("%d authenticators, answers %v", n, got)
		}
	})
}

// TestNobodySlipsInBesideTheAuthenticator: while a user binds the first authenticator, others sign in with the password. Who
// began before may be let in; but no session is opened after the authenticator is there without a code of it, and once the
// user is told that it is bound, nobody gets in.
func TestNobodySlipsInBesideTheAuthenticator(t *testing.T) {
	f := newFleet(t)
	h := f[0]
	alice := h.SignUp("alice")
	password := harness.Password
	body := gen.SigninByCredentialsDto{
		Connection:      gen.SigninByCredentialsDtoConnectionPASSWORD,
		PasswordPayload: &gen.AuthenticateByPasswordDto{Username: ptr("alice"), Password: password},
	}
	rounds(t, fair, func(t *testing.T) {
		h.Exec(`DELETE FROM mfa_factors; DELETE FROM mfa_pending`)
		h.Clock.Advance(step)
		alice.Login("")
		code := h.Phone(alice.Scan()).Code()
		// Both rows are written under the lock of the user's row, so that the database's clock tells which came first.
		h.Exec(`ALTER TABLE mfa_factors ADD COLUMN IF NOT EXISTS bound_at timestamptz DEFAULT clock_timestamp()`)
		h.Exec(`ALTER TABLE sessions ADD COLUMN IF NOT EXISTS opened_at timestamptz DEFAULT clock_timestamp()`)
		before := h.Count(`SELECT count(*) FROM sessions`)
		answers := rush(t, f, 32, "users", func(c *gen.ClientWithResponses, n int) (any, error) {
			switch {
			case n == 16:
				return c.BindMFAWithResponse(t.Context(), nil, gen.MFABindRequest{Code: code}, harness.Header("Access-Token", alice.AccessToken))
			case n%2 == 0:
				return c.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: "alice", Password: password})
			}
			return c.SignInWithResponse(t.Context(), nil, body)
		})
		got := wantOnly(t, answers, codeNeeded)
		if !harness.OutcomeOf(answers[16]).Success() {
			t.Fatalf("bind: %v", got)
		}
		opened := h.Count(`SELECT count(*) FROM sessions`) - before
		if opened != got[success]-1 || got[success]+got[codeNeeded] != 32 {
			t.Errorf("%d sessions were opened, answers %v", opened, got)
		}
		const late = `SELECT count(*) FROM sessions s, mfa_factors f
			WHERE s.user_id = f.user_id AND s.opened_at > f.bound_at AND NOT 'mfa' = ANY (s.amr)`
		if n := h.Count(late); n != 0 {
			t.Errorf("%d sessions were opened beside the authenticator", n)
		}
		if r := alice.TryLogin(""); harness.OutcomeOf(r).Text() != codeNeeded {
			t.Errorf("afterwards: %s", r.Body)
		}
	})
}

// TestRecoveryCodesGoWithTheLast (T14): the last authenticator is removed while recovery codes are made. Whatever comes first,
// nobody without authenticator has recovery codes, and nothing fails.
func TestRecoveryCodesGoWithTheLast(t *testing.T) {
	c := newCrowd(t, 8)
	rounds(t, fair, func(t *testing.T) {
		h := c.f[0]
		h.Clock.Advance(step)
		if h.Count(`SELECT count(*) FROM mfa_factors`) == 0 {
			c.alice.Login("")
			c.alice.EnrolTOTP()
		}
		codes := c.alice.RecoveryCodes(c.alice.Code())
		answers := rush(t, c.f, 32, "users", func(client *gen.ClientWithResponses, n int) (any, error) {
			as := harness.Header("Access-Token", c.access[n%len(c.access)])
			code := codes[n%len(codes)]
			if n%4 == 0 {
				return client.UnbindMFAWithResponse(t.Context(), nil, gen.MFAUnbindRequest{Code: code}, as)
			}
			return client.MakeRecoveryCodesWithResponse(t.Context(), nil, gen.MFACodeRequest{Code: code}, as)
		})
		got := wantOnly(t, answers, recoveryUsed, recoveryWrong, notBound, unknownFactor)
		if got[success] == 0 {
			t.Errorf("nobody has come through: %v", got)
		}
		factors, left := h.Count(`SELECT count(*) FROM mfa_factors`), h.Count(`SELECT count(*) FROM mfa_recovery_codes`)
		if factors == 0 && left != 0 || factors == 1 && left != 10 {
			t.Errorf("%d authenticators and %d recovery codes; answers %v", factors, left, got)
		}
	})
}
