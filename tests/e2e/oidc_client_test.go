package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestCheckApplicationSecret: one official SDK asks before anything else, and must not be told more than right or wrong. From one
// address one may ask sixty times a minute.
func TestCheckApplicationSecret(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitSignInIP.Max = 4 })
	h.Clock.Freeze()
	userpoolID, _ := secondPool(t, h)
	c := h.Credentials
	ask := func(userpoolID, id, secret string) *gen.CheckApplicationSecretResult {
		return must(h.Client.CheckApplicationSecretWithResponse(t.Context(), &gen.CheckApplicationSecretParams{XAuthingUserpoolID: &userpoolID},
			gen.CheckAppIDSecretDto{AppID: id, AppSecret: secret}))(t)
	}
	right := ask(c.UserpoolID, c.AppID, c.AppSecret)
	if wantSuccess(t, "right", right); !right.JSON200.Data.Valid || right.JSON200.Data.Message != nil {
		t.Errorf("%s", right.Body)
	}
	for what, r := range map[string]*gen.CheckApplicationSecretResult{
		"wrong": ask("", c.AppID, "wrong"), "unknown": ask("", "nobody", "wrong"), "of another userpool": ask(userpoolID, c.AppID, c.AppSecret),
	} {
		if wantSuccess(t, what, r); r.JSON200.Data.Valid || *r.JSON200.Data.Message == "" {
			t.Errorf("%s: %s", what, r.Body)
		}
	}
	wantGate(t, "too often", ask("", c.AppID, c.AppSecret), 429)
}

// TestGuessingApplicationSecretsIsSlow: wherever an application's secret is taken, wrong ones from one address are counted
// together; those who know it are not in each other's way.
func TestGuessingApplicationSecretsIsSlow(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitSecretIP.Max = 4 })
	h.Clock.Freeze()
	alice, c := h.SignUp("alice"), h.Credentials
	next := alice.RefreshToken
	for range 9 {
		r := renewTokens(t, h, next)
		wantSuccess(t, "a backend at work", r)
		next = *r.JSON200.RefreshToken
	}
	form := gen.TokenRequest{GrantType: "refresh_token", RefreshToken: &next, ClientID: &c.AppID, ClientSecret: ptr("wrong")}
	guess := func(editors ...gen.RequestEditorFn) *gen.GetTokenResult {
		return must(h.Client.GetTokenWithFormdataBodyWithResponse(t.Context(), nil, form, editors...))(t)
	}
	wantOAuth(t, "in a body", guess(), 401, "invalid_client")
	wantOAuth(t, "basic", guess(basic(c.AppID, "wrong")), 401, "invalid_client")
	body := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})
	body.ClientID, body.ClientSecret = &c.AppID, ptr("wrong")
	wantStatus(t, "at sign-in", must(h.Client.SignInWithResponse(t.Context(), nil, body))(t), 401, 0)
	exchange := gen.ExchangeTokenSetWithQRcodeTicketDto{Ticket: "x", ClientID: &c.AppID, ClientSecret: ptr("wrong")}
	wantStatus(t, "with a ticket", must(h.Client.ExchangeQRCodeTicketWithResponse(t.Context(), nil, exchange))(t), 401, 0)
	limited := renewTokens(t, h, next)
	wantOAuth(t, "the fifth try, though right", limited, 429, "slow_down")
	if limited.HTTPResponse.Header.Get("Retry-After") == "" {
		t.Errorf("%v", limited.HTTPResponse.Header)
	}
	h.Clock.Advance(time.Minute)
	wantSuccess(t, "later", renewTokens(t, h, next))
}

// TestUserpoolOfTheCaller: a call that names a userpool is about that one. Its default application is meant where there is no
// other, one of another userpool is not found, and management of somebody else's users is refused, with a token as with a signature.
func TestUserpoolOfTheCaller(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	strangers(t, h)
	body, c := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")}), h.Credentials
	in := func(userpoolID, appID string) *gen.SignInResult {
		params := &gen.SignInParams{XAuthingUserpoolID: &userpoolID, XAuthingAppID: &appID}
		return must(h.Client.SignInWithResponse(t.Context(), params, body))(t)
	}
	for _, want := range [][3]string{
		{"second-userpool", "", "second-application"},
		{"second-userpool", "second-application", "second-application"},
		{c.UserpoolID, "spa", "spa"},
		{c.UserpoolID, "", c.AppID},
		{"", "", c.AppID},
		{"", "second-application", "second-application"},
	} {
		r := in(want[0], want[1])
		if wantSuccess(t, strings.Join(want[:], " "), r); verified(t, h, *r.JSON200.Data.AccessToken)["aud"] != want[2] {
			t.Errorf("%v: another application", want)
		}
	}
	wantStatus(t, "an application of another userpool", in("second-userpool", "spa"), 404, 2011)
	wantStatus(t, "a userpool that there is not", in("nowhere", ""), 404, 2011)
	proved := must(h.Client.SignInWithResponse(t.Context(), &gen.SignInParams{XAuthingUserpoolID: ptr("second-userpool")}, body, basic(c.AppID, c.AppSecret)))(t)
	wantStatus(t, "one that has proved itself", proved, 404, 2011)

	for userpoolID, code := range map[string]int{c.UserpoolID: 404, "second-userpool": 403, "nowhere": 403} {
		header := harness.Header("x-authing-userpool-id", userpoolID)
		params := &gen.GetUserParams{UserID: "nobody"}
		apiCode := map[int]int{404: 2004}[code]
		wantStatus(t, "with a token: "+userpoolID, must(h.Management().GetUserWithResponse(t.Context(), params, header))(t), code, apiCode)
		wantStatus(t, "signed: "+userpoolID, must(h.Client.GetUserWithResponse(t.Context(), params, header, h.Signer().Sign))(t), code, apiCode)
	}
	empty := func(_ context.Context, r *http.Request) error {
		r.Header["X-Authing-Userpool-Id"] = []string{""} // as one official SDK sends it
		return nil
	}
	wantStatus(t, "an empty header", must(h.Management().GetUserWithResponse(t.Context(), &gen.GetUserParams{UserID: "nobody"}, empty))(t), 404, 2004)
}
