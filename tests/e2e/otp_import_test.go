package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// Secrets of another system: of 160 bit, and of 80 as older ones have.
const (
	theirSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	oldSecret   = "JBSWY3DPEHPK3PXP"
	theirCode   = "e7ad-aaa4-da75-fa37-57d1-5141"
)

func importOTP(t *testing.T, h *harness.Instance, items ...gen.ImportOTPItemDto) *gen.ImportOTPResult {
	t.Helper()
	return must(h.Management().ImportOTPWithResponse(t.Context(), gen.ImportOTPReqDto{List: items}))(t)
}

func item(userID, secret, recoveryCode string) gen.ImportOTPItemDto {
	i := gen.ImportOTPItemDto{UserID: userID, OTP: gen.UserOTPDto{Secret: secret}}
	if recoveryCode != "" {
		i.OTP.RecoveryCode = &recoveryCode
	}
	return i
}

// TestImportedAuthenticators: users bring the authenticators along that they have; the codes of their phones open every door,
// and so does the recovery code on their paper. They are told, and the audit log has it.
func TestImportedAuthenticators(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice, bob := resident(h), h.SignUp("bob2")
	wantSuccess(t, "import", importOTP(t, h, item(alice.ID, theirSecret, theirCode), item(bob.ID, strings.ToLower("JBSW Y3DP EHPK 3PXP"), "")))
	told := h.Letters("Bob@example.com")
	if len(told) != 1 || told[0].Subject != "Menshen: an authenticator was added" {
		t.Errorf("told: %+v", told)
	}
	for _, p := range []*harness.Person{alice, bob} {
		events := must(h.Store.Audit().Of(t.Context(), h.Credentials.UserpoolID, "user:"+p.ID, 10))(t)
		found := 0
		for _, e := range events {
			if e.Action == "otp.secret.import" && e.Outcome == "success" && e.Actor == "key:"+h.Credentials.AccessKeyID {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: %d imports are in the audit log", p.Username, found)
		}
	}
	bob.Secret = oldSecret
	wantRefused(t, "bob without a code", bob.TryLogin(""), "is required")
	bob.Login(oathtool(t, oldSecret, h.Clock.Now()))
	for _, door := range entrances(t, h) {
		wantIn(t, h, door.name, door.enter(oathtool(t, theirSecret, h.Clock.Now())))
		h.Clock.Advance(harness.Step)
	}
	alice.Login(strings.ToUpper(theirCode))
	wantRefused(t, "the recovery code again", alice.TryLogin(theirCode), saysRecoveryCodeUsed)
	if a := alice.MFAStatus().Authenticators; len(a) != 1 || a[0].Name != "Authenticator" {
		t.Errorf("authenticators: %+v", a)
	}
}

// TestImportIsAllOrNothing: one bad entry refuses the list and is named; nothing of the rest is kept. An import can be
// repeated, and neither revives what was used since nor replaces what a user has.
func TestImportIsAllOrNothing(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice, bob, carol := h.SignUp("alice"), h.SignUp("bob2"), h.SignUp("carol")
	carol.EnrolTOTP()
	factors := func() int { return h.Count(`SELECT count(*) FROM mfa_factors`) }
	short, long := strings.Repeat("A", 15), strings.Repeat("A", 104)
	for _, c := range []struct {
		what       string
		bad        gen.ImportOTPItemDto
		statusCode int
		apiCode    int
	}{
		{"nobody", item("nobody", theirSecret, ""), 404, 2004},
		{"by another name", item("alice", theirSecret, ""), 404, 2004},
		{"who has an authenticator", item(carol.ID, theirSecret, ""), 409, 0},
		{"no base32", item(bob.ID, "0189018901890189", ""), 400, 0},
		{"a secret of 79 bit", item(bob.ID, short+"=", ""), 400, 0},
		{"a secret of 520 bit", item(bob.ID, long, ""), 400, 0},
		{"a recovery code that can be guessed", item(bob.ID, theirSecret, "1234-5678-1234"), 400, 0},
		{"a recovery code of too few digits", item(bob.ID, theirSecret, "1234-5678-9012-3456"), 400, 0},
		{"a recovery code that is one letter", item(bob.ID, theirSecret, "aaaa-aaaa-aaaa-aaaa"), 400, 0},
		{"a recovery code that is none", item(bob.ID, theirSecret, "e7ad-aaa4-da75-fa37-57d1-51é1"), 400, 0},
	} {
		for at, list := range [][]gen.ImportOTPItemDto{{c.bad, item(alice.ID, oldSecret, theirCode)}, {item(alice.ID, oldSecret, theirCode), c.bad}} {
			r := importOTP(t, h, list...)
			wantStatus(t, c.what, r, c.statusCode, c.apiCode)
			if o := harness.OutcomeOf(r); !strings.Contains(o.Message, fmt.Sprintf("list[%d]", at)) {
				t.Errorf("%s: the refusal does not name entry %d: %s", c.what, at, o.Body)
			}
			if factors() != 1 || h.Count(`SELECT count(*) FROM mfa_recovery_codes`) != 0 {
				t.Errorf("%s: something was kept", c.what)
			}
		}
	}
	wantSuccess(t, "alice still needs no code", alice.TryLogin(""))
	wantStatus(t, "two for one user", importOTP(t, h, item(bob.ID, theirSecret, ""), item(bob.ID, oldSecret, "")), 409, 0)
	wantSuccess(t, "one twice in a list", importOTP(t, h, item(bob.ID, theirSecret, ""), item(bob.ID, theirSecret, "")))

	for range 2 {
		wantSuccess(t, "the first time", importOTP(t, h, item(alice.ID, theirSecret, theirCode)))
	}
	alice.Secret = theirSecret
	alice.Login(alice.Code())
	alice.Login(theirCode)
	wantSuccess(t, "repeated", importOTP(t, h, item(alice.ID, theirSecret, theirCode)))
	wantRefused(t, "the code that was used before", alice.TryLogin(alice.Code()), saysUsed)
	wantRefused(t, "the recovery code that was used before", alice.TryLogin(theirCode), saysRecoveryCodeUsed)
	wantStatus(t, "another secret", importOTP(t, h, item(alice.ID, oldSecret, "")), 409, 0)
	if n := factors(); n != 3 {
		t.Errorf("%d authenticators", n)
	}
}

// TestImportScope: writing secrets is a scope of its own, which neither reading them nor writing users includes. A refused
// import is in the audit log.
func TestImportScope(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	alice := h.SignUp("alice")
	keep(h, "user:read", "user:write", "otp:secret:read")
	wantStatus(t, "import", importOTP(t, h, item(alice.ID, theirSecret, "")), 403, 0)
	if n := h.Count(`SELECT count(*) FROM audit_log WHERE action = 'otp.secret.import' AND outcome = 'refused'`); n != 1 {
		t.Errorf("%d refused imports are in the audit log", n)
	}
	if n := h.Count(`SELECT count(*) FROM mfa_factors`); n != 0 {
		t.Errorf("%d authenticators of what was refused", n)
	}
	keep(h, "otp:secret:write") // and not user:read: it does not learn who exists, nor who has what
	bob := h.SignUp("bob2").EnrolTOTP()
	unknown := importOTP(t, h, item("nobody", theirSecret, ""))
	wantStatus(t, "nobody", unknown, 422, 0)
	wantSame(t, "nobody and somebody who has another", unknown, importOTP(t, h, item(bob.ID, theirSecret, "")))
	wantSuccess(t, "with otp:secret:write", importOTP(t, h, item(alice.ID, theirSecret, "")))
	for what, client := range map[string]*gen.ClientWithResponses{"a user": alice.Client, "nobody": h.Client} {
		r := must(client.ImportOTPWithResponse(t.Context(), gen.ImportOTPReqDto{List: []gen.ImportOTPItemDto{item(alice.ID, theirSecret, "")}}))(t)
		wantStatus(t, what, r, 401, 2020)
	}
}

// TestCreateUserWithAuthenticator: a user that another system hands over can have its authenticator from the first moment.
func TestCreateUserWithAuthenticator(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	dto := everything()
	dto.Username, dto.OTP = ptr("alice"), &gen.UserOTPDto{Secret: theirSecret, RecoveryCode: ptr(theirCode)}
	h.CreateUser(dto)
	for _, door := range entrances(t, h) {
		wantSaid(t, door.name+": no code of it", door.enter(h.WrongCodes(1, theirSecret)[0]), saysWrong)
		wantIn(t, h, door.name, door.enter(oathtool(t, theirSecret, h.Clock.Now())))
		h.Clock.Advance(harness.Step)
	}
	wantIn(t, h, "the recovery code", entrances(t, h)[2].enter(theirCode))
	for what, otp := range map[string]gen.UserOTPDto{
		"no base32": {Secret: "0189018901890189"}, "a short recovery code": {Secret: theirSecret, RecoveryCode: ptr("1234-5678")},
	} {
		bad := gen.CreateUserReqDto{Username: ptr("bob"), Email: ptr("b@example.com"), OTP: &otp}
		wantStatus(t, what, createUser(t, h, bad), 400, 0)
	}
	wantStatus(t, "what was refused", getUser(t, h, gen.UserIDTypeUsername, "bob"), 404, 2004)
}

// TestUserMFAInfo (T16): whether a user has an authenticator, by each of the seven types of id, for keys that may read users.
func TestUserMFAInfo(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	id := newBob(h).UserID
	ask := func(idType gen.UserIDType, id string) *gen.GetUserMFAInfoResult {
		return must(h.Management().GetUserMFAInfoWithResponse(t.Context(), &gen.GetUserMFAInfoParams{UserID: id, UserIDType: &idType}))(t)
	}
	want := func(status gen.FactorStatus) {
		t.Helper()
		for idType, values := range identifiers(id) {
			for _, value := range values {
				const off = gen.FactorStatusDisabled
				want := gen.UserMFAInfoDto{TOTPStatus: status, FaceMFAStatus: off, SmsMFAStatus: off, EmailMFAStatus: off}
				r := ask(idType, value)
				if r.JSON200 == nil || r.JSON200.Data == nil || *r.JSON200.Data != want {
					t.Errorf("%s %s: want %s, got %s", idType, value, status, r.Body)
				}
			}
			for other, values := range identifiers(id) {
				if r := ask(idType, values[0]); other != idType && harness.OutcomeOf(r).Success() {
					t.Errorf("the %s %s, given as %s, finds somebody", other, values[0], idType)
				}
			}
		}
	}
	want(gen.FactorStatusDisabled)
	bob := h.SignIn("bob").EnrolTOTP()
	want(gen.FactorStatusEnabled)
	h.Exec(`UPDATE mfa_factors SET failures = 100`)
	want(gen.FactorStatusEnabled) // one that is disabled still guards the account

	byID := &gen.GetUserMFAInfoParams{UserID: id}
	wantSuccess(t, "signed", must(h.Client.GetUserMFAInfoWithResponse(t.Context(), byID, h.Signer().Sign))(t))
	wantStatus(t, "unknown", ask(gen.UserIDTypeUsername, "nobody"), 404, 2004)
	wantStatus(t, "the user", must(bob.Client.GetUserMFAInfoWithResponse(t.Context(), byID))(t), 401, 2020)
	keep(h, "user:write", "otp:secret:read", "otp:secret:write")
	wantStatus(t, "without user:read", ask(gen.UserIDTypeUserID, id), 403, 0)
}
