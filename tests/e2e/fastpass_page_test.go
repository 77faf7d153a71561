package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// wantPass: the page that shows a fastpass is told this status, and never a ticket.
func wantPass(t *testing.T, h *harness.Instance, id string, want gen.QRCodeStatus) {
	t.Helper()
	r := must(h.Client.GetFastpassStatusWithResponse(t.Context(), &gen.GetFastpassStatusParams{QrcodeID: id}))(t)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		t.Fatalf("status of a fastpass: %s", r.Body)
	}
	got := r.JSON200.Data
	if got.Status != want || got.Ticket != nil || got.MatchNumber != nil {
		t.Errorf("the page is told %s, want %s", r.Body, want)
	}
	if open := want == gen.QRCodeStatusPENDING || want == gen.QRCodeStatusSCANNED; open != (got.Interval != nil) {
		t.Errorf("%s: interval %v", want, got.Interval)
	}
}

// appsFor asks for the applications that a phone may sign in to.
func appsFor(t *testing.T, h *harness.Instance, id, appID string) *gen.GetFastpassAppsResult {
	t.Helper()
	return must(h.Client.GetFastpassAppsWithResponse(t.Context(), &gen.GetFastpassAppsParams{QrcodeID: id, AppID: appID}))(t)
}

// TestPageFollowsItsFastpass (Q7): PENDING until a phone has scanned it, SCANNED until that has signed in, AUTHORIZED for ever,
// also when the web has signed out since; and what was never there is an error.
func TestPageFollowsItsFastpass(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	shown := alice.Fastpass(nil)
	wantPass(t, h, shown.QrcodeID, gen.QRCodeStatusPENDING)
	for range 2 { // a phone that lost the answer asks again
		wantSuccess(t, "scan", appsFor(t, h, shown.QrcodeID, shown.AppID))
		wantPass(t, h, shown.QrcodeID, gen.QRCodeStatusSCANNED)
	}
	redeemed(t, h.Redeem(shown.QrcodeID))
	wantPass(t, h, shown.QrcodeID, gen.QRCodeStatusAUTHORIZED)
	wantSame(t, "the applications for a used and an unknown one", appsFor(t, h, shown.QrcodeID, shown.AppID), appsFor(t, h, "unknown", shown.AppID))
	wantStatus(t, "the applications for an unknown one", appsFor(t, h, "unknown", shown.AppID), 403, 2241)

	unscanned := alice.Fastpass(nil)
	redeemed(t, h.Redeem(unscanned.QrcodeID)) // a phone need not ask for the applications
	wantPass(t, h, unscanned.QrcodeID, gen.QRCodeStatusAUTHORIZED)
	signOut(t, h, alice)
	wantPass(t, h, unscanned.QrcodeID, gen.QRCodeStatusAUTHORIZED)
	r := must(h.Client.GetFastpassStatusWithResponse(t.Context(), &gen.GetFastpassStatusParams{QrcodeID: "unknown"}))(t)
	wantStatus(t, "an unknown fastpass", r, 404, 2241)
}

// signOut ends the session of somebody, as the default application does for its user (RFC 7009).
func signOut(t *testing.T, h *harness.Instance, p *harness.Person) {
	t.Helper()
	r := must(h.Client.RevokeTokenWithFormdataBodyWithResponse(t.Context(), nil, gen.RevokeTokenFormdataRequestBody{
		Token: p.AccessToken, ClientID: &h.Credentials.AppID, ClientSecret: &h.Credentials.AppSecret,
	}))(t)
	if r.HTTPResponse.StatusCode != 200 || h.Alive(p.AccessToken) {
		t.Fatalf("sign-out: HTTP %d %s", r.HTTPResponse.StatusCode, r.Body)
	}
}

// TestFastpassDiesWithItsPage (Q7): when the web signs out, what it showed is CANCELLED, scanned or not, and signs nobody in;
// after 60 seconds it is EXPIRED. The two are told apart, and neither tells a phone anything.
func TestFastpassDiesWithItsPage(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice, bob := h.SignUp("alice"), h.SignUp("bob")
	pending, scanned, late, lateScanned := alice.Fastpass(nil), alice.Fastpass(nil), bob.Fastpass(nil), bob.Fastpass(nil)
	wantSuccess(t, "scan", appsFor(t, h, scanned.QrcodeID, scanned.AppID))
	wantSuccess(t, "scan", appsFor(t, h, lateScanned.QrcodeID, lateScanned.AppID))
	unknown := h.Redeem("unknown")

	signOut(t, h, alice)
	for _, pass := range []*gen.GeneFastpassQRCodeInfoDto{pending, scanned} {
		wantPass(t, h, pass.QrcodeID, gen.QRCodeStatusCANCELLED)
		wantSame(t, "of a page that signed out and unknown", h.Redeem(pass.QrcodeID), unknown)
		wantStatus(t, "its applications", appsFor(t, h, pass.QrcodeID, pass.AppID), 403, 2241)
	}
	h.Clock.Advance(60*time.Second - time.Millisecond)
	wantPass(t, h, late.QrcodeID, gen.QRCodeStatusPENDING)
	wantPass(t, h, lateScanned.QrcodeID, gen.QRCodeStatusSCANNED)
	h.Clock.Advance(time.Millisecond)
	for _, pass := range []*gen.GeneFastpassQRCodeInfoDto{late, lateScanned} {
		wantPass(t, h, pass.QrcodeID, gen.QRCodeStatusEXPIRED)
		wantSame(t, "expired and unknown", h.Redeem(pass.QrcodeID), unknown)
		wantStatus(t, "its applications", appsFor(t, h, pass.QrcodeID, pass.AppID), 403, 2241)
	}
}

// TestFastpassListsItsOwnUserpool (Q7): the phone may choose among the applications of the fastpass's userpool, without those
// that are disabled, and signs in to the one it chose. Those of another userpool are neither told nor let in, nor does naming
// one count as a scan.
func TestFastpassListsItsOwnUserpool(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	_, foreign := secondPool(t, h)
	for id, name := range map[string]string{"mail": "Mail", "closed": "Closed"} {
		app := db.Application{UserpoolID: h.Credentials.UserpoolID, ID: id, Name: name, Logo: "https://example.com/" + id + ".png", SecretHash: []byte("nobody's"), CreatedAt: h.Clock.Now().Add(time.Second)}
		if err := h.Store.Tenancy().InsertApplication(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	h.Exec(`UPDATE applications SET disabled_at = now() WHERE id = 'closed'`)
	shown := alice.Fastpass(nil)
	for _, wrong := range []string{foreign, "closed", "unknown"} {
		wantStatus(t, "scanned as of "+wrong, appsFor(t, h, shown.QrcodeID, wrong), 403, 2241)
	}
	wantPass(t, h, shown.QrcodeID, gen.QRCodeStatusPENDING)

	r := appsFor(t, h, shown.QrcodeID, shown.AppID)
	if r.JSON200 == nil || r.JSON200.Data == nil || len(r.JSON200.Data.RelationApps) != 2 {
		t.Fatalf("the applications: %s", r.Body)
	}
	if apps := r.JSON200.Data.RelationApps; apps[0].ID != h.Credentials.AppID || apps[1] != (gen.FastpassAppDto{ID: "mail", Name: "Mail", Logo: "https://example.com/mail.png"}) {
		t.Errorf("the applications: %+v", apps)
	}
	phone := must(h.Client.RedeemFastpassWithResponse(t.Context(), &gen.RedeemFastpassParams{XAuthingAppID: ptr("mail")}, gen.QRCodeAppLoginDto{Action: gen.QRCodeAppLoginDtoActionAppLogin, QrcodeID: shown.QrcodeID}))(t)
	if claims := verified(t, h, *redeemed(t, phone).AccessToken); claims["aud"] != "mail" || claims["sub"] != alice.ID {
		t.Errorf("the phone is signed in with %v", claims)
	}
}

// TestOwnerIsToldOfTheFastpass (Q7): who signs a phone in with a fastpass reads of it by e-mail, once, in the phone's language;
// a fastpass that was not redeemed is no news.
func TestOwnerIsToldOfTheFastpass(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.CreateUser(everything())
	bob := h.SignIn("bob")
	wantSuccess(t, "scan", appsFor(t, h, bob.Fastpass(nil).QrcodeID, h.Credentials.AppID))
	used := bob.Fastpass(nil).QrcodeID
	redeemed(t, h.Redeem(used))
	wantStatus(t, "the second use", h.Redeem(used), 403, 2241)
	if letters := h.Letters("Bob@example.com"); len(letters) != 1 || letters[0].Subject != "Menshen: a phone was signed in" || strings.Contains(letters[0].Text, used) {
		t.Errorf("letters: %+v", letters)
	}
	inChinese := h.NewClient(harness.Header("Accept-Language", "zh-CN"))
	r := must(inChinese.RedeemFastpassWithResponse(t.Context(), nil, gen.QRCodeAppLoginDto{Action: gen.QRCodeAppLoginDtoActionAppLogin, QrcodeID: bob.Fastpass(nil).QrcodeID}))(t)
	redeemed(t, r)
	if letters := h.Letters("Bob@example.com"); len(letters) != 2 || !strings.HasPrefix(letters[1].Subject, "Menshen：") {
		t.Errorf("letters: %+v", letters)
	}
}
