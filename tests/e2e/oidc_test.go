package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

const formType = "application/x-www-form-urlencoded"

// renewTokens renews tokens as the official SDKs do by default: with the default application's id and secret in the body.
func renewTokens(t *testing.T, h *harness.Instance, token string, editors ...gen.RequestEditorFn) *gen.GetTokenResult {
	t.Helper()
	return must(h.Client.GetTokenWithFormdataBodyWithResponse(t.Context(), nil, gen.TokenRequest{
		GrantType: "refresh_token", RefreshToken: &token, ClientID: &h.Credentials.AppID, ClientSecret: &h.Credentials.AppSecret,
	}, editors...))(t)
}

// wantOAuth: the operation refused, in the oauth dialect.
func wantOAuth(t *testing.T, what string, result any, status int, name string) {
	t.Helper()
	o := refusal(t, what, result, status)
	if o.Error != name || o.Description == "" {
		t.Errorf("%s: want %s, got %s", what, name, o.Body)
	}
}

// publicApplication adds an application that need not prove itself.
func publicApplication(t *testing.T, h *harness.Instance, id string) {
	t.Helper()
	err := h.Store.Tenancy().InsertApplication(t.Context(), db.Application{
		UserpoolID: h.Credentials.UserpoolID, ID: id, Name: id, SecretHash: []byte("nobody's"), CreatedAt: h.Clock.Now(),
		ApplicationSettings: db.ApplicationSettings{BrowserExchange: true},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRenewal: an application's backend renews the tokens of a session, in the two ways in which it can prove itself, and
// whatever else the SDKs send along. The next tokens are those of the same session, and verify with the published keys.
func TestRenewal(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	set := signInSet(t, h, "alice", "openid profile offline_access")
	session, next, c := sessionOf(t, *set.AccessToken), *set.RefreshToken, h.Credentials
	stale := harness.Header("Authorization", *set.AccessToken)
	ways := map[string]func(token string) *gen.GetTokenResult{
		"post": func(token string) *gen.GetTokenResult { return renewTokens(t, h, token) },
		"post, and a user's token that has expired": func(token string) *gen.GetTokenResult { return renewTokens(t, h, token, stale) },
		"basic": func(token string) *gen.GetTokenResult {
			form := gen.TokenRequest{GrantType: "refresh_token", RefreshToken: &token}
			params := &gen.GetTokenParams{XAuthingAppID: &c.AppID, XAuthingUserpoolID: &c.UserpoolID}
			return must(h.Client.GetTokenWithFormdataBodyWithResponse(t.Context(), params, form, basic(c.AppID, c.AppSecret)))(t)
		},
		"basic, and the same in the body": func(token string) *gen.GetTokenResult { return renewTokens(t, h, token, basic(c.AppID, c.AppSecret)) },
	}
	for name, renew := range ways {
		h.Clock.Advance(16 * time.Minute)
		r := renew(next)
		if r.JSON200 == nil || r.JSON200.RefreshToken == nil || r.JSON200.IDToken == nil {
			t.Fatalf("%s: %s", name, r.Body)
		}
		got := *r.JSON200
		if got.ExpiresIn != 900 || got.TokenType != "Bearer" || got.Scope != "openid profile offline_access" || r.HTTPResponse.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s %v", name, r.Body, r.HTTPResponse.Header)
		}
		access, id := verified(t, h, got.AccessToken), verified(t, h, *got.IDToken)
		if access["sid"] != session || access["aud"] != c.AppID || id["aud"] != c.AppID || id["gender"] != "U" || !h.Alive(got.AccessToken) {
			t.Errorf("%s: access token of %v, ID token of %v", name, access, id)
		}
		wantOAuth(t, name+", again at once", renew(next), 400, "invalid_grant")
		next = *got.RefreshToken
	}
	wantSuccess(t, "the session after all of that", renewTokens(t, h, next))
}

// TestRenewalWithOAuth2: the client that Go programs have renews with nothing but the address and the secret, in each of the two
// ways, and reads a refusal as one.
func TestRenewalWithOAuth2(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	document := must(h.Client.GetDiscoveryWithResponse(t.Context()))(t).JSON200
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams, oauth2.AuthStyleAutoDetect} {
		config := oauth2.Config{
			ClientID: h.Credentials.AppID, ClientSecret: h.Credentials.AppSecret,
			Endpoint: oauth2.Endpoint{TokenURL: document.TokenEndpoint, AuthStyle: style},
		}
		first := signInSet(t, h, "alice", "")
		source := config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: *first.RefreshToken, Expiry: time.Unix(1, 0)})
		token, err := source.Token()
		if err != nil || !h.Alive(token.AccessToken) || token.Type() != "Bearer" || token.RefreshToken == *first.RefreshToken {
			t.Fatalf("%v: %+v, %v", style, token, err)
		}
		if id, _ := token.Extra("id_token").(string); verified(t, h, id)["sub"] == "" {
			t.Error("no ID token")
		}
		response := must(config.Client(t.Context(), token).Get(document.UserinfoEndpoint))(t)
		if response.Body.Close(); response.StatusCode != http.StatusOK {
			t.Errorf("%v: the user: HTTP %d", style, response.StatusCode)
		}
		var refused *oauth2.RetrieveError
		_, err = config.TokenSource(t.Context(), &oauth2.Token{RefreshToken: *first.RefreshToken, Expiry: time.Unix(1, 0)}).Token()
		if !asRetrieve(err, &refused) || refused.ErrorCode != "invalid_grant" {
			t.Errorf("%v: a token that is spent: %v", style, err)
		}
		_, err = config.PasswordCredentialsToken(t.Context(), "alice", harness.Password)
		if !asRetrieve(err, &refused) || refused.ErrorCode != "unsupported_grant_type" {
			t.Errorf("%v: a password: %v", style, err)
		}
	}
}

func asRetrieve(err error, target **oauth2.RetrieveError) bool {
	e, ok := err.(*oauth2.RetrieveError) //nolint:errorlint // the library returns it as it is
	if ok {
		*target = e
	}
	return ok
}

// TestRenewalOfAPublicApplication: what runs in a browser has no secret to keep. It renews its own sessions by its name alone,
// and nobody else's, however a token has come into its hands; what its tokens are, it cannot ask.
func TestRenewalOfAPublicApplication(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	publicApplication(t, h, "spa")
	by := func(id, token string) *gen.GetTokenResult {
		form := gen.TokenRequest{GrantType: "refresh_token", RefreshToken: &token, ClientID: &id}
		return must(h.Client.GetTokenWithFormdataBodyWithResponse(t.Context(), nil, form))(t)
	}
	body := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})
	body.ClientID = ptr("spa")
	in := must(h.Client.SignInWithResponse(t.Context(), nil, body))(t)
	wantSuccess(t, "sign in at the public application", in)
	own := in.JSON200.Data

	wantOAuth(t, "of the confidential application", by("spa", alice.RefreshToken), 400, "invalid_grant")
	wantOAuth(t, "by the confidential application, without secret", by(h.Credentials.AppID, alice.RefreshToken), 401, "invalid_client")
	wantOAuth(t, "the other way round", renewTokens(t, h, *own.RefreshToken), 400, "invalid_grant")
	next := by("spa", *own.RefreshToken)
	wantSuccess(t, "its own", next)
	wantSuccess(t, "of the confidential application, by that, after all", renewTokens(t, h, alice.RefreshToken))

	h.Clock.Advance(time.Hour) // what is spent now looks stolen, but not in a stranger's hands
	wantOAuth(t, "spent, of the confidential application", by("spa", alice.RefreshToken), 400, "invalid_grant")
	wantOAuth(t, "spent, the other way round", renewTokens(t, h, *own.RefreshToken), 400, "invalid_grant")
	last := by("spa", *next.JSON200.RefreshToken)
	wantSuccess(t, "the session goes on", last)
	wantOAuth(t, "spent, by itself", by("spa", *own.RefreshToken), 400, "invalid_grant")
	if h.Alive(last.JSON200.AccessToken) {
		t.Error("the session survived the theft")
	}

	look := gen.TokenReference{Token: last.JSON200.AccessToken, ClientID: ptr("spa")}
	wantOAuth(t, "introspection", must(h.Client.IntrospectTokenWithFormdataBodyWithResponse(t.Context(), nil, look))(t), 401, "invalid_client")
}

// TestIntrospectionAndRevocation: an application's backend asks what a token is, and signs a user out with either token. Of what
// is none of its business it is told one and the same, and can end nothing.
func TestIntrospectionAndRevocation(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice, c := h.SignUp("alice"), h.Credentials
	look := func(token string, editors ...gen.RequestEditorFn) *gen.IntrospectTokenResult {
		form := gen.TokenReference{Token: token, ClientID: &c.AppID, ClientSecret: &c.AppSecret}
		r := must(h.Client.IntrospectTokenWithFormdataBodyWithResponse(t.Context(), nil, form, editors...))(t)
		wantSuccess(t, "introspection", r)
		return r
	}
	revoke := func(token string) *gen.RevokeTokenResult {
		form := gen.TokenReference{Token: token, ClientID: &c.AppID, ClientSecret: &c.AppSecret, TokenTypeHint: ptr("nonsense")}
		r := must(h.Client.RevokeTokenWithFormdataBodyWithResponse(t.Context(), nil, form))(t)
		if r.StatusCode() != http.StatusOK || len(r.Body) != 0 {
			t.Errorf("revocation: HTTP %d %q", r.StatusCode(), r.Body)
		}
		return r
	}
	access, claims := look(alice.AccessToken).JSON200, verified(t, h, alice.AccessToken)
	if !access.Active || *access.Sub != alice.ID || *access.Aud != c.AppID || *access.ClientID != c.AppID || *access.Iss != h.URL+"/oidc" ||
		*access.Scope != "openid profile offline_access" || *access.TokenType != "Bearer" || *access.TokenUse != "access" ||
		access.Jti == nil || *access.Jti != claims["jti"] || float64(*access.Exp) != claims["exp"] || float64(*access.Iat) != claims["iat"] {
		t.Errorf("access token: %+v", access)
	}
	if r := look(alice.RefreshToken, harness.Header("Authorization", "x")).JSON200; !r.Active || r.TokenType != nil || r.Jti != nil || *r.TokenUse != "refresh" || *r.Sub != alice.ID {
		t.Errorf("refresh token: %+v", r)
	}

	foreign := strangers(t, h)
	for name, token := range map[string]string{
		"nonsense": "x", "signed nonsense": "e30.e30.e30", "management": h.ManagementToken(),
		"another application's access": *foreign[0].AccessToken, "another application's refresh": *foreign[0].RefreshToken,
		"another userpool's access": *foreign[1].AccessToken, "another userpool's refresh": *foreign[1].RefreshToken,
	} {
		if r := look(token); strings.TrimSpace(string(r.Body)) != `{"active":false}` {
			t.Errorf("%s token: %s", name, r.Body)
		}
		revoke(token)
	}
	for _, set := range foreign {
		if !h.Alive(*set.AccessToken) {
			t.Error("an application has ended the session of another one")
		}
	}

	other := h.SignIn("alice")
	revoke(alice.RefreshToken)
	revoke(alice.RefreshToken)
	if h.Alive(alice.AccessToken) || look(alice.AccessToken).JSON200.Active || look(alice.RefreshToken).JSON200.Active {
		t.Error("signed out with the refresh token, and the session lives")
	}
	wantOAuth(t, "renewal after that", renewTokens(t, h, alice.RefreshToken), 400, "invalid_grant")
	revoke(other.AccessToken)
	wantOAuth(t, "renewal after the access token was revoked", renewTokens(t, h, other.RefreshToken), 400, "invalid_grant")
	events, err := h.Store.Audit().Of(t.Context(), c.UserpoolID, "session:"+sessionOf(t, other.AccessToken), 5)
	if err != nil || len(events) != 1 || events[0].Action != "session.revoke" || events[0].Actor != "app:"+c.AppID {
		t.Errorf("the audit log: %v %+v", err, events)
	}
}

// strangers are sessions of another application of the userpool, and of one of another userpool.
func strangers(t *testing.T, h *harness.Instance) (sets []*gen.LoginTokenResponseDataDto) {
	t.Helper()
	publicApplication(t, h, "spa")
	userpoolID, appID := secondPool(t, h)
	h.Exec(`INSERT INTO users SELECT (json_populate_record(u, json_build_object('userpool_id', $1::text))).* FROM users u WHERE username = 'alice'`, userpoolID)
	for _, id := range []string{"spa", appID} {
		body := withPassword(gen.AuthenticateByPasswordDto{Username: ptr("alice")})
		body.ClientID = &id
		r := must(h.Client.SignInWithResponse(t.Context(), nil, body))(t)
		wantSuccess(t, "sign in at "+id, r)
		sets = append(sets, r.JSON200.Data)
	}
	return sets
}

// TestUserClaims: the user of a token, in every way in which the SDKs and standard clients present one. One that is shown on
// purpose, in the URL or a body, counts before what a client sends along in the header.
func TestUserClaims(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	mallory := h.SignUp("mallory")
	set := signInSet(t, h, "alice", "openid email")
	token, form := *set.AccessToken, http.Header{"Content-Type": {formType}}
	with := func(header http.Header, value string) http.Header {
		header = header.Clone()
		if header == nil {
			header = http.Header{}
		}
		header.Set("Authorization", value)
		return header
	}
	for name, r := range map[string]*harness.Raw{
		"raw":                           h.Send("GET", "/oidc/me", with(nil, token), ""),
		"bearer":                        h.Send("GET", "/oidc/me", with(nil, "Bearer "+token), ""),
		"URL":                           h.Send("GET", "/oidc/me?access_token="+token, nil, ""),
		"URL, somebody else's beside":   h.Send("GET", "/oidc/me?access_token="+token, with(nil, mallory.AccessToken), ""),
		"POST, as Python does":          h.Send("POST", "/oidc/me", with(nil, "Bearer "+token), ""),
		"POST, as Node does":            h.Send("POST", "/oidc/me", with(form, token), ""),
		"POST, URL":                     h.Send("POST", "/oidc/me?access_token="+token, with(form, mallory.AccessToken), ""),
		"POST, body":                    h.Send("POST", "/oidc/me", form, "access_token="+token),
		"POST, body, and somebody else": h.Send("POST", "/oidc/me", with(form, mallory.AccessToken), "access_token="+token),
		"POST, body, and a stale one":   h.Send("POST", "/oidc/me", with(form, "x"), "access_token="+token),
	} {
		var claims map[string]any
		if err := json.Unmarshal(r.Body, &claims); err != nil || r.HTTPResponse.StatusCode != http.StatusOK || len(claims) != 1 || claims["sub"] != verified(t, h, token)["sub"] {
			t.Errorf("%s: HTTP %d %s", name, r.HTTPResponse.StatusCode, r.Body)
		}
	}
	if strings.Contains(h.Log.String(), token) {
		t.Error("a token in the URL is in the log")
	}
	known := h.CreateUser(everything())
	h.Exec(`UPDATE users SET profile = profile || '{"nickname": "Bobby"}', email_verified = true WHERE id = $1`, known.UserID)
	set = signInSet(t, h, *known.Username, "openid profile email phone username external_id extended_fields roles tenant_id")
	me := must(h.NewClient(harness.Header("Authorization", *set.AccessToken)).GetUserClaimsWithResponse(t.Context()))(t).JSON200
	id := verified(t, h, *set.IDToken)
	if me == nil || me.Sub != known.UserID || *me.Nickname != "Bobby" || *me.Email != id["email"] || !*me.EmailVerified || *me.PhoneNumber != id["phone_number"] ||
		*me.Username != *known.Username || *me.ExternalID != id["external_id"] || *me.UpdatedAt != id["updated_at"] || string(me.ExtendedFields) == "" {
		t.Errorf("claims %+v, ID token %v", me, id)
	}
	less := must(h.Client.GetTokenWithFormdataBodyWithResponse(t.Context(), nil, gen.TokenRequest{
		GrantType: "refresh_token", RefreshToken: signInSet(t, h, *known.Username, "openid email offline_access").RefreshToken, Scope: ptr("openid"),
		ClientID: &h.Credentials.AppID, ClientSecret: &h.Credentials.AppSecret,
	}))(t)
	wantSuccess(t, "less scope", less)
	me = must(h.Client.GetUserClaimsByPostWithFormdataBodyWithResponse(t.Context(), gen.UserClaimsRequest{AccessToken: &less.JSON200.AccessToken}))(t).JSON200
	if me == nil || me.Sub != known.UserID || me.Email != nil || less.JSON200.Scope != "openid" {
		t.Errorf("a token of less scope tells %+v", me)
	}
}

// TestDiscovery: every address of the document is that of an operation, and its promises are kept.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	r := must(h.Client.GetDiscoveryWithResponse(t.Context()))(t)
	d := r.JSON200
	if d == nil || d.Issuer != h.URL+"/oidc" || r.HTTPResponse.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Fatalf("%s %v", r.Body, r.HTTPResponse.Header)
	}
	doc := must(gen.GetSpec())(t)
	for _, address := range []string{d.JWKSURI, d.TokenEndpoint, d.UserinfoEndpoint, d.RevocationEndpoint, d.IntrospectionEndpoint} {
		if path, ok := strings.CutPrefix(address, h.URL); !ok || doc.Paths.Value(path) == nil {
			t.Errorf("%s is no operation", address)
		}
	}
	id := verified(t, h, *signInSet(t, h, "alice", strings.Join(d.ScopesSupported, " ")).IDToken)
	for claim := range id {
		if claim != "token_use" && claim != "tenant_id" && !slices.Contains(d.ClaimsSupported, claim) {
			t.Errorf("the claim %s is not in the document", claim)
		}
	}
	if id["iss"] != d.Issuer {
		t.Errorf("issuer %v", id["iss"])
	}
}

// TestProfile: the signed-in user as the SDKs ask for it, with booleans as their languages write them.
func TestProfile(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dto := everything()
	dto.CustomData = json.RawMessage(`{"a":1}`)
	bob := h.CreateUser(dto)
	token := *signInSet(t, h, *bob.Username, "").AccessToken
	client := h.NewClient(harness.Header("Authorization", token))
	plain := must(client.GetProfileWithResponse(t.Context(), nil))(t)
	wantSuccess(t, "profile", plain)
	if u := plain.JSON200.Data; u.UserID != bob.UserID || u.CustomData != nil || u.Identities != nil || *u.Username != *bob.Username {
		t.Errorf("%s", plain.Body)
	}
	yes := ptr(true)
	full := must(client.GetProfileWithResponse(t.Context(), &gen.GetProfileParams{WithCustomData: yes, WithIdentities: yes, WithDepartmentIds: yes}))(t)
	wantSuccess(t, "full profile", full)
	if u := full.JSON200.Data; len(u.Identities) != len(dto.Identities) || string(u.CustomData) != `{"a":1}` && string(u.CustomData) != `{"a": 1}` {
		t.Errorf("%s", full.Body)
	}
	for _, member := range []string{`"type":"generic"`, `"userInfoInIdp":{}`, `"originConnIds":[]`} { // always there
		if !strings.Contains(string(full.Body), member) {
			t.Errorf("no %s: %s", member, full.Body)
		}
	}
	header := http.Header{"Authorization": {token}}
	for _, query := range []string{"withCustomData=True&withIdentities=True&withDepartmentIds=False", "withIdentities=false&withCustomData=false&withDepartmentIds=true&"} {
		wantSuccess(t, query, h.Send("GET", "/api/v3/get-profile?"+query, header, ""))
	}
	wantStatus(t, "nobody", must(h.Client.GetProfileWithResponse(t.Context(), nil))(t), 401, 2020)
}
