package contract

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestOAuthRefusals (RFC 6749 section 5.2): below /oidc every refusal, the gate's as well as the operation's, has its real status,
// a name that standard clients know, and no envelope. Where a client or a user has to prove itself the answer says how.
func TestOAuthRefusals(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.SignUp("alice")
	id, secret := h.Credentials.AppID, h.Credentials.AppSecret
	basic := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	}
	send, client := func(r request) answer { return send(t, h, r) }, "client_id="+id+"&client_secret="+secret
	to := func(path, body string) request { return request{path: "/oidc" + path, media: mediaForm, body: body} }
	refresh := to("/token", "grant_type=refresh_token&refresh_token="+alice.RefreshToken)
	const (
		asBasic  = `Basic realm="oidc", charset="UTF-8"`
		asBearer = `Bearer realm="oidc", error="invalid_token"`
	)
	t.Run("refused", func(t *testing.T) {
		for name, c := range map[string]struct {
			r         request
			status    int
			error     string
			code      string
			challenge string
		}{
			"no client":                    {refresh, 401, "invalid_client", "auth.application", asBasic},
			"no secret":                    {to("/token", refresh.body+"&client_id="+id), 401, "invalid_client", "auth.application", asBasic},
			"a wrong one":                  {to("/token", refresh.body+"&client_id="+id+"&client_secret=x"), 401, "invalid_client", "auth.application", asBasic},
			"a wrong one, basic":           {refresh.with("Authorization", basic(id, "x")), 401, "invalid_client", "auth.application", asBasic},
			"malformed basic":              {refresh.with("Authorization", "Basic !"), 401, "invalid_client", "auth.application", asBasic},
			"a user's token is no client":  {refresh.with("Authorization", alice.AccessToken), 401, "invalid_client", "auth.application", asBasic},
			"two clients":                  {to("/token", refresh.body+"&client_id=another").with("Authorization", basic(id, secret)), 400, "invalid_request", "account.two_clients", ""},
			"another userpool":             {to("/token", refresh.body+"&"+client).with("x-authing-userpool-id", "another"), 401, "invalid_client", "auth.application", asBasic},
			"unknown token":                {to("/token", "grant_type=refresh_token&refresh_token=x&"+client), 400, "invalid_grant", "account.grant", ""},
			"more scope":                   {to("/token", refresh.body+"&scope=openid+phone&"+client), 400, "invalid_scope", "account.scope", ""},
			"no token":                     {to("/token", "grant_type=refresh_token&"+client), 400, "invalid_request", "account.no_refresh_token", ""},
			"an empty one":                 {to("/token", "grant_type=refresh_token&refresh_token=&"+client), 400, "invalid_request", "account.no_refresh_token", ""},
			"no grant type":                {to("/token", client), 400, "invalid_request", "request.invalid", ""},
			"an empty grant type":          {to("/token", "grant_type=&"+client), 400, "invalid_request", "request.invalid", ""},
			"code":                         {to("/token", "grant_type=authorization_code&code=x&redirect_uri=https%3A%2F%2Fa&"+client), 400, "unsupported_grant_type", "account.grant_type", ""},
			"client credentials":           {to("/token", "grant_type=client_credentials&scope=x&client_id=key&client_secret=x"), 400, "unsupported_grant_type", "account.grant_type", ""},
			"password":                     {to("/token", "grant_type=password&username=alice&password=x&"+client), 400, "unsupported_grant_type", "account.grant_type", ""},
			"member twice":                 {to("/token", refresh.body+"&"+client+"&grant_type=refresh_token"), 400, "invalid_request", "request.invalid", ""},
			"JSON":                         {post("/oidc/token", `{"grant_type":"refresh_token"}`), 415, "invalid_request", "request.media_type", ""},
			"no body":                      {request{path: "/oidc/token"}, 400, "invalid_request", "request.invalid", ""},
			"secret in the URL":            {to("/token?"+client, refresh.body), 401, "invalid_client", "auth.application", asBasic},
			"too large":                    {to("/token", strings.Repeat("a", 64<<10+1)), 413, "invalid_request", "request.too_large", ""},
			"GET":                          {get("/oidc/token"), 405, "invalid_request", "request.method", ""},
			"unknown route":                {get("/oidc/authorize"), 404, "invalid_request", "request.unknown_route", ""},
			"revocation, no client":        {to("/token/revocation", "token=x"), 401, "invalid_client", "auth.application", asBasic},
			"revocation, no token":         {to("/token/revocation", client), 400, "invalid_request", "request.invalid", ""},
			"introspection, no client":     {to("/token/introspection", "token=x"), 401, "invalid_client", "auth.application", asBasic},
			"introspection without secret": {to("/token/introspection", "token=x&client_id="+id), 401, "invalid_client", "auth.application", asBasic},
			"nobody's claims":              {get("/oidc/me"), 401, "invalid_token", "auth.required", asBearer},
			"claims, bad token":            {get("/oidc/me").with("Authorization", "Bearer x"), 401, "invalid_token", "auth.token_invalid", asBearer},
			"claims, bad token in the URL": {get("/oidc/me?access_token=x").with("Authorization", alice.AccessToken), 401, "invalid_token", "auth.token_invalid", asBearer},
			"claims, bad token in a body":  {to("/me", "access_token=x").with("Authorization", alice.AccessToken), 401, "invalid_token", "auth.token_invalid", asBearer},
			"claims by POST, nobody's":     {request{path: "/oidc/me"}, 401, "invalid_token", "auth.required", asBearer},
			"claims by POST, a refresh token": {
				to("/me", "access_token="+url.QueryEscape(alice.RefreshToken)), 401, "invalid_token", "auth.token_invalid", asBearer,
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for _, language := range []string{"en", "zh"} {
					a := send(c.r.with("Accept-Language", language))
					o := oauth.read(t, a.body)
					if a.status != c.status || a.media() != mediaJSON || o.oauth != c.error || o.message == "" || hasHan(o.message) {
						t.Errorf("HTTP %d %s %s, want %d %s", a.status, a.media(), a.body, c.status, c.error)
					}
					if a.header.Get("WWW-Authenticate") != c.challenge || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Language") != "en" {
						t.Errorf("headers %v, want the challenge %q", a.header, c.challenge)
					}
					if strings.Contains(string(a.body), secret) || strings.Contains(string(a.body), alice.RefreshToken) {
						t.Errorf("the answer quotes the request: %s", a.body)
					}
					checkCommonHeaders(t, a)
				}
				a := send(c.r.with("Accept", mediaProblem).with("Accept-Language", "zh"))
				if p := a.problem(t); p.Code != c.code || a.status != c.status || !hasHan(p.Title) || a.header.Get("WWW-Authenticate") != c.challenge {
					t.Errorf("as a problem: HTTP %d %s %v", a.status, a.body, a.header)
				}
			})
		}
	})
	a := send(to("/token", refresh.body+"&"+client+"&scope="))
	if a.status != http.StatusOK {
		t.Errorf("one of them has used the token up: HTTP %d %s", a.status, a.body)
	}
}
