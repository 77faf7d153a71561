package e2e

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// info asks for the signed-in user with both tokens, as clients of the base dialect do.
func info(t *testing.T, h *harness.Instance, access, refresh string) *gen.GetUserInfoResult {
	t.Helper()
	return must(h.Client.GetUserInfoWithResponse(t.Context(), &gen.GetUserInfoParams{AccessToken: &access, RefreshToken: &refresh}))(t)
}

// renewed is the new pair of an answer; the test ends without one.
func renewed(t *testing.T, r *gen.GetUserInfoResult) (access, refresh string) {
	t.Helper()
	wantSuccess(t, "renewal", r)
	access, refresh = r.HTTPResponse.Header.Get("Access-Token"), r.HTTPResponse.Header.Get("Refresh-Token")
	if access == "" || refresh == "" {
		t.Fatalf("no new pair: %v %s", r.HTTPResponse.Header, r.Body)
	}
	return access, refresh
}

// TestTokensRenewOnTheFly: an expired access token with a good refresh token is no interruption. The request succeeds and
// brings the next pair; while the access token is good, nothing is spent.
func TestTokensRenewOnTheFly(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	first := info(t, h, alice.AccessToken, alice.RefreshToken)
	wantSuccess(t, "a good access token", first)
	if got := first.HTTPResponse.Header.Get("Access-Token"); got != "" {
		t.Error("a good access token was renewed")
	}

	h.Clock.Advance(15*time.Minute + time.Second)
	if h.Alive(alice.AccessToken) {
		t.Fatal("the access token outlives its 15 minutes")
	}
	access, refresh := renewed(t, info(t, h, alice.AccessToken, alice.RefreshToken))
	if access == alice.AccessToken || refresh == alice.RefreshToken || !h.Alive(access) {
		t.Error("the new pair is not new, or not good")
	}

	// Also when the operation itself refuses: the old pair is spent, and the client needs the new one.
	h.Clock.Advance(16 * time.Minute)
	r := must(h.Client.BindMFAWithResponse(t.Context(), &gen.BindMFAParams{AccessToken: &access, RefreshToken: &refresh}, gen.MFABindRequest{Code: "123456"}))(t)
	o := harness.OutcomeOf(r)
	if o.Success() || o.Header.Get("Refresh-Token") == "" || !h.Alive(o.Header.Get("Access-Token")) {
		t.Errorf("a refusal kept the new pair to itself: %v %s", o.Header, o.Body)
	}

	// And when the gate refuses: a client must not lose its session over a typing error.
	h.Clock.Advance(16 * time.Minute)
	access, refresh = o.Header.Get("Access-Token"), o.Header.Get("Refresh-Token")
	r = must(h.Client.BindMFAWithResponse(t.Context(), &gen.BindMFAParams{AccessToken: &access, RefreshToken: &refresh}, gen.MFABindRequest{Code: "12345x"}))(t)
	if o = harness.OutcomeOf(r); o.HTTP != 400 || !h.Alive(o.Header.Get("Access-Token")) {
		t.Errorf("a broken request cost the session: HTTP %d, %v", o.HTTP, o.Header)
	}

	// Without an access token at all the refresh token is enough; after the session's 30 days it is not.
	access, refresh = renewed(t, info(t, h, "", o.Header.Get("Refresh-Token")))
	h.Clock.Advance(30 * 24 * time.Hour)
	wantRefused(t, "after the session", info(t, h, access, refresh), "sign in again")
}

// TestTokensAreForOneUse: no token passes for another kind of token, although one key signs most of them.
func TestTokensAreForOneUse(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	set := signInSet(t, h, "alice", "openid offline_access")
	management := h.ManagementToken()
	for kind, token := range map[string]string{
		"refresh token": alice.RefreshToken, "ID token": *set.IDToken, "management token": management, "nonsense": "e30.e30.e30",
	} {
		if h.Alive(token) {
			t.Errorf("a %s passes for an access token", kind)
		}
		scan := must(h.NewClient(harness.Header("Authorization", token)).SetQRCodeStatusWithResponse(t.Context(),
			gen.ChangeQRCodeStatusDto{QrcodeID: "x", Action: gen.ChangeQRCodeStatusDtoActionSCAN}))(t)
		wantStatus(t, kind+" in the status dialect", scan, 401, 2020)
	}
	for kind, token := range map[string]string{"access token": alice.AccessToken, "ID token": *set.IDToken, "refresh token": alice.RefreshToken} {
		r := must(h.NewClient(harness.Header("Authorization", "Bearer "+token)).GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: alice.ID}))(t)
		wantStatus(t, kind+" for management", r, 401, 2020)
	}
	for kind, token := range map[string]string{"access token": alice.AccessToken, "ID token": *set.IDToken, "management token": management} {
		wantRefused(t, kind+" as refresh token", info(t, h, "", token), "sign in again")
	}
}

// TestRefreshTokenIsGoodOnce: a browser with two requests in flight uses a refresh token twice, and keeps its session. Ten
// seconds later a second use is a theft, and ends everything that came of the session.
func TestRefreshTokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	other := h.SignIn("alice")
	h.Clock.Advance(16 * time.Minute)
	access, refresh := renewed(t, info(t, h, alice.AccessToken, alice.RefreshToken))

	h.Clock.Advance(10 * time.Second)
	wantRefused(t, "reuse within the grace", info(t, h, alice.AccessToken, alice.RefreshToken), "sign in again")
	if !h.Alive(access) {
		t.Fatal("the session ended although the second use came at once")
	}
	second, newest := renewed(t, info(t, h, "", refresh))

	h.Clock.Advance(time.Millisecond)
	wantRefused(t, "reuse after the grace", info(t, h, alice.AccessToken, alice.RefreshToken), "sign in again")
	for name, token := range map[string]string{"old": access, "newest": second} {
		if h.Alive(token) {
			t.Errorf("the %s access token survived the theft", name)
		}
	}
	wantRefused(t, "the newest refresh token", info(t, h, "", newest), "sign in again")
	renewed(t, info(t, h, "", other.RefreshToken)) // another session of the same user is not touched

	events, err := h.Store.Audit().Of(t.Context(), h.Credentials.UserpoolID, "session:"+sessionOf(t, access), 5)
	if err != nil || len(events) != 1 || events[0].Action != "session.refresh_reused" {
		t.Errorf("the theft is not in the audit log: %v %+v", err, events)
	}
}

// TestSessionsEndAtOnce: an access token is worth what its session and its user are, whatever its signature says.
func TestSessionsEndAtOnce(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	if _, err := h.Store.Sessions().Revoke(t.Context(), h.Credentials.UserpoolID, sessionOf(t, alice.AccessToken), h.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, "signed out", info(t, h, alice.AccessToken, alice.RefreshToken), "sign in again")

	alice.Login("")
	h.Exec(`UPDATE users SET status = 'Suspended' WHERE id = $1`, alice.ID)
	wantRefused(t, "suspended", info(t, h, alice.AccessToken, alice.RefreshToken), "sign in again")
	wantRefused(t, "login", alice.TryLogin(""), "The account is disabled")
}
