package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// redeemed are the tokens of the phone; the test ends without them.
func redeemed(t *testing.T, r *gen.RedeemFastpassResult) *gen.LoginTokenResponseDataDto {
	t.Helper()
	if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.AccessToken == nil {
		t.Fatalf("redeem: %s", r.Body)
	}
	return r.JSON200.Data
}

// amrOf tells how the user of an ID token proved itself (RFC 8176).
func amrOf(t *testing.T, h *harness.Instance, idToken string) string {
	t.Helper()
	return fmt.Sprint(verified(t, h, idToken)["amr"])
}

// TestFastpass is the story of document 001: the web shows who and where, the phone redeems it once and is signed in, with
// a session of its own.
func TestFastpass(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dto := everything()
	dto.Nickname, dto.Photo = ptr("鲍勃"), ptr("https://example.com/bob.png")
	h.CreateUser(dto)
	bob := h.SignIn("bob")
	shown := bob.Fastpass(nil)
	want := gen.GeneFastpassQRCodeInfoDto{
		Scene: "FASTPASS", QrcodeID: shown.QrcodeID, APIHost: h.URL, AppID: h.Credentials.AppID,
		User:     gen.FastpassUserInfoDto{ID: bob.ID, DisplayName: "鲍勃", Photo: "https://example.com/bob.png"},
		Userpool: gen.FastpassUserInfoDto{ID: h.Credentials.UserpoolID, DisplayName: "Menshen"},
	}
	if *shown != want || len(shown.QrcodeID) < 32 {
		t.Errorf("the page shows %+v, want %+v", *shown, want)
	}
	phone := redeemed(t, h.Redeem(shown.QrcodeID))
	if claims := verified(t, h, *phone.AccessToken); claims["sub"] != bob.ID || claims["sid"] == sessionOf(t, bob.AccessToken) {
		t.Errorf("access token of the phone: %v", claims)
	}
	if phone.IDToken == nil || phone.RefreshToken == nil || *phone.Scope != "openid profile offline_access" {
		t.Errorf("token set of the phone: %+v", *phone)
	}
	wantStatus(t, "the second use", h.Redeem(shown.QrcodeID), 403, 2241)
	if !h.Alive(*phone.AccessToken) || !h.Alive(bob.AccessToken) {
		t.Error("the second use ended a session")
	}
	if other := bob.Fastpass(nil); other.QrcodeID == shown.QrcodeID {
		t.Error("two fastpasses have one id")
	}
}

// TestFastpassIsBrief (Q7): unknown, used, expired, of a signed-out session or a suspended user, for an application of
// another userpool: all are worth nothing, and nobody learns which it was.
func TestFastpassIsBrief(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	unknown := h.Redeem("unknown")
	wantStatus(t, "unknown", unknown, 403, 2241)

	last, late := alice.Fastpass(nil), alice.Fastpass(nil)
	h.Clock.Advance(60*time.Second - time.Millisecond)
	redeemed(t, h.Redeem(last.QrcodeID))
	wantSame(t, "used and unknown", h.Redeem(last.QrcodeID), unknown)
	h.Clock.Advance(time.Millisecond)
	wantSame(t, "expired and unknown", h.Redeem(late.QrcodeID), unknown)

	foreign := alice.Fastpass(nil)
	redeem := func(app, id string) *gen.RedeemFastpassResult {
		return must(h.Client.RedeemFastpassWithResponse(t.Context(), &gen.RedeemFastpassParams{XAuthingAppID: &app}, gen.QRCodeAppLoginDto{Action: gen.QRCodeAppLoginDtoActionAppLogin, QrcodeID: id}))(t)
	}
	_, other := secondPool(t, h)
	wantSame(t, "of another userpool and unknown", redeem(other, foreign.QrcodeID), unknown)
	wantSame(t, "for an unknown application and unknown", redeem("unknown", foreign.QrcodeID), unknown)
	redeemed(t, redeem(h.Credentials.AppID, foreign.QrcodeID))

	outlived := alice.Fastpass(nil)
	if _, err := h.Store.Sessions().Revoke(t.Context(), h.Credentials.UserpoolID, sessionOf(t, alice.AccessToken), h.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	wantSame(t, "signed out and unknown", h.Redeem(outlived.QrcodeID), unknown)
	alice.Login("")
	outlived = alice.Fastpass(nil)
	h.Exec(`UPDATE users SET status = 'Suspended' WHERE id = $1`, alice.ID)
	wantStatus(t, "of a suspended user", h.Redeem(outlived.QrcodeID), 403, 2005)
}

// TestFastpassScope: what the phone's tokens tell is what the page asked for, and nothing else.
func TestFastpassScope(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dto := everything()
	dto.CustomData = harness.JSON(map[string]any{"school": "hust"})
	h.CreateUser(dto)
	bob := h.SignIn("bob")
	all := []string{"username", "email", "email_verified", "phone_number", "phone_number_verified", "external_id", "roles", "extended_fields", "gender", "updated_at"}
	for scope, told := range map[string][]string{
		"openid":                             nil,
		"username openid":                    {"username"},
		"openid email phone":                 {"email", "email_verified", "phone_number", "phone_number_verified"},
		"openid external_id roles":           {"external_id", "roles"},
		"openid extended_fields":             {"extended_fields"},
		"openid profile offline_access evil": {"gender", "updated_at"},
	} {
		set := redeemed(t, h.Redeem(bob.Fastpass(&gen.SignInFastpassOptionsDto{Scope: &scope}).QrcodeID))
		if (set.RefreshToken != nil) != strings.Contains(scope, "offline_access") || strings.Contains(*set.Scope, "evil") {
			t.Errorf("%s: granted %s, refresh token %t", scope, *set.Scope, set.RefreshToken != nil)
		}
		claims := verified(t, h, *set.IDToken)
		wanted := map[string]bool{}
		for _, claim := range told {
			wanted[claim] = true
		}
		for _, claim := range all {
			if _, got := claims[claim]; got != wanted[claim] {
				t.Errorf("%s: claim %s: %t", scope, claim, got)
			}
		}
	}
	for _, scope := range []string{"profile", "", "openidx profile", "xopenid"} {
		r := must(bob.Client.CreateFastpassWithResponse(t.Context(), gen.SignInFastpassDto{Options: &gen.SignInFastpassOptionsDto{Scope: &scope}}))(t)
		wantGate(t, "scope "+scope, r, 400)
	}
}

// TestFastpassCustomData (Q8): it becomes the user's when the phone signs in, not before, and has a limit.
func TestFastpassCustomData(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	shown := alice.Fastpass(&gen.SignInFastpassOptionsDto{
		CustomData: harness.JSON(map[string]any{"school": "pku", "age": "20"}), Context: harness.JSON(map[string]any{"source": "utm"}),
	})
	if data := harness.Members(h.User(alice.ID).CustomData); len(data) != 0 {
		t.Errorf("custom data before the phone signed in: %v", data)
	}
	redeemed(t, h.Redeem(shown.QrcodeID))
	if data := harness.Members(h.User(alice.ID).CustomData); len(data) != 2 || data["school"] != "pku" {
		t.Errorf("custom data: %v", data)
	}
	large := harness.JSON(map[string]any{"x": strings.Repeat("x", 4<<10)})
	for what, options := range map[string]gen.SignInFastpassOptionsDto{"custom data": {CustomData: large}, "context": {Context: large}} {
		r := must(alice.Client.CreateFastpassWithResponse(t.Context(), gen.SignInFastpassDto{Options: &options}))(t)
		wantStatus(t, "too much "+what, r, 400, 0)
	}
}

// TestFastpassWithoutBody: official SDKs send nothing, nothing as a form, or an empty object.
func TestFastpassWithoutBody(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for what, c := range map[string]struct {
		header http.Header
		body   string
	}{
		"nothing": {http.Header{}, ""}, "nothing as a form": {form, ""},
		"nothing as JSON": {http.Header{"Content-Type": {"application/json"}}, ""},
		"{}":              {http.Header{"Content-Type": {"application/json;charset=utf-8"}}, "{}"},
		"empty options":   {http.Header{"Content-Type": {"application/json"}}, `{"options":{}}`},
	} {
		c.header.Set("Authorization", alice.AccessToken)
		r := h.Send("POST", "/api/v3/gene-fastpass-qrcode-info", c.header, c.body)
		wantSuccess(t, what, r)
	}
	form.Set("Authorization", alice.AccessToken)
	wantGate(t, "a form that is not empty", h.Send("POST", "/api/v3/gene-fastpass-qrcode-info", form, "options=x"), 415)
	wantStatus(t, "nobody", h.Send("POST", "/api/v3/gene-fastpass-qrcode-info", nil, ""), 401, 2020)
}

// TestFastpassGivesNoMore (Q7): the phone's session was proved by what proved the web's; a fastpass is no way around the
// authenticator, and none to more than was shown. A session from before it opens no other until it has shown a code.
func TestFastpassGivesNoMore(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	amr := func() string { return amrOf(t, h, *redeemed(t, h.Redeem(alice.Fastpass(nil).QrcodeID)).IDToken) }
	if got := amr(); got != "[pwd]" {
		t.Errorf("by a session with password: amr %s", got)
	}
	tablet := h.SignIn("alice")
	early := tablet.Fastpass(nil)
	alice.EnrolTOTP()
	wantStatus(t, "made before the authenticator", h.Redeem(early.QrcodeID), 403, 1635)
	late := must(tablet.Client.CreateFastpassWithResponse(t.Context(), gen.SignInFastpassDto{}))(t)
	wantStatus(t, "made by a session from before the authenticator", late, 403, 1635)
	alice.Login(alice.Code())
	if got := amr(); got != "[pwd otp mfa]" {
		t.Errorf("by a session with authenticator: amr %s", got)
	}
}

// TestFastpassesAreLimited: a page that asks without end is stopped at the gate.
func TestFastpassesAreLimited(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitFastpass.Max = 2 })
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	alice.Fastpass(nil)
	alice.Fastpass(nil)
	r := must(alice.Client.CreateFastpassWithResponse(t.Context(), gen.SignInFastpassDto{}))(t)
	if o := wantGate(t, "the third", r, 429); o.Header.Get("Retry-After") != "30" {
		t.Errorf("the third: %v", o.Header)
	}
}
