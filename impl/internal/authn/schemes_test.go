package authn

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// accounts take credentials that begin with good, have lost the database for those that begin with lost, and refuse all
// others as stale. They note in what order they were asked.
type accounts struct{ asked []string }

var (
	errStale = &apierr.Error{Kind: apierr.Unauthenticated, Code: "test.stale"}
	errLost  = errors.New("database lost")
)

func (a *accounts) judge(kind, credential string) error {
	a.asked = append(a.asked, kind)
	switch {
	case strings.HasPrefix(credential, "good"):
		return nil
	case strings.HasPrefix(credential, "lost"):
		return errLost
	}
	return errStale.WithDetail(kind)
}

func (a *accounts) VerifyAccess(_ context.Context, token string) (User, error) {
	return User{ID: token}, a.judge("access", token)
}

func (a *accounts) Renew(_ context.Context, token string) (User, Pair, error) {
	return User{ID: token}, Pair{Access: "new", Refresh: "newer"}, a.judge("refresh", token)
}

func (a *accounts) VerifyManagement(_ context.Context, token string) (Management, error) {
	verdict, _, _ := strings.Cut(token, ".")
	return Management{UserpoolID: "pool of " + verdict, KeyID: verdict}, a.judge("management", verdict)
}

func (a *accounts) VerifySignature(_ context.Context, r SignedRequest) (Management, error) {
	return Management{UserpoolID: "pool of " + r.KeyID, KeyID: r.KeyID}, a.judge("signature", r.KeyID)
}

func (a *accounts) VerifyApplication(_ context.Context, id, _ string) (Application, error) {
	return Application{ID: id}, a.judge("application", id)
}

func requirements(names ...string) openapi3.SecurityRequirements {
	list := openapi3.SecurityRequirements{}
	for _, name := range names {
		r := openapi3.NewSecurityRequirement()
		if name != "" {
			r = r.Authenticate(name)
		}
		list = append(list, r)
	}
	return list
}

// managementToken is a token that says of itself that it is for management.
func managementToken(verdict string) string {
	return verdict + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"scoped_userpool_id":"pool"}`)) + ".signature"
}

func basic(id string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":secret"))
}

// TestAuthenticate: schemes are tried in the order of the contract, the first good credential wins, a stale token does no
// harm where none is needed, and whatever else is wrong never passes for an anonymous call.
func TestAuthenticate(t *testing.T) {
	t.Parallel()
	session := requirements("AccessToken", "RefreshToken")
	managed := requirements("ManagementToken", "RequestSignature")
	for name, c := range map[string]struct {
		requirements openapi3.SecurityRequirements
		headers      []string
		want         string // who is calling; empty for anonymous
		err          error
		asked        string
	}{
		"nothing needed, nothing sent":         {requirements(), nil, "", nil, ""},
		"nothing needed, nothing looked at":    {requirements(), []string{"Access-Token", "lost", "Authorization", basic("stale")}, "", nil, ""},
		"needed and missing":                   {session, nil, "", ErrUnauthenticated, ""},
		"empty is missing":                     {session, []string{"Access-Token", "", "Refresh-Token", ""}, "", ErrUnauthenticated, ""},
		"good access token":                    {session, []string{"Access-Token", "good"}, "user good", nil, "access"},
		"good access token, refresh untouched": {session, []string{"Access-Token", "good", "Refresh-Token", "good"}, "user good", nil, "access"},
		"stale access token, good refresh":     {session, []string{"Access-Token", "stale", "Refresh-Token", "good r"}, "user good r renewed", nil, "access refresh"},
		"refresh token alone":                  {session, []string{"Refresh-Token", "good"}, "user good renewed", nil, "refresh"},
		"both stale: the first reason":         {session, []string{"Access-Token", "stale", "Refresh-Token", "stale"}, "", errStale, "access refresh"},
		"database lost: nobody is asked next":  {session, []string{"Access-Token", "lost", "Refresh-Token", "good"}, "", errLost, "access"},
		"order of the contract":                {requirements("RefreshToken", "AccessToken"), []string{"Access-Token", "good", "Refresh-Token", "good r"}, "user good r renewed", nil, "refresh"},

		"management token":                    {managed, []string{"Authorization", "Bearer " + managementToken("good")}, "key good", nil, "management"},
		"stale management token":              {managed, []string{"Authorization", "Bearer " + managementToken("stale")}, "", errStale, "management"},
		"management token without its scheme": {managed, []string{"Authorization", managementToken("good")}, "", ErrUnauthenticated, ""},
		"user's token, sent along":            {managed, []string{"Authorization", "Bearer good"}, "", ErrUnauthenticated, ""},
		"signature":                           {managed, []string{"Authorization", "authing good:x"}, "key good", nil, "signature"},
		"scheme in other case":                {managed, []string{"Authorization", "AUTHING good:x"}, "key good", nil, "signature"},
		"wrong signature":                     {managed, []string{"Authorization", "authing stale:x"}, "", errStale, "signature"},
		"scheme of somebody else":             {managed, []string{"Authorization", "Digest good"}, "", ErrUnauthenticated, ""},

		"user token, raw":                               {requirements("UserToken"), []string{"Authorization", "good"}, "user good", nil, "access"},
		"user token, bearer":                            {requirements("UserToken"), []string{"Authorization", "bearer  good"}, "user good", nil, "access"},
		"user token, another scheme":                    {requirements("UserToken"), []string{"Authorization", "Basic good"}, "", ErrUnauthenticated, ""},
		"user token in the wrong header":                {requirements("UserToken"), []string{"Access-Token", "good"}, "", ErrUnauthenticated, ""},
		"token of the code dialect, after an empty one": {requirements("", "IThingsToken"), []string{"iThings-token", "", "iThings-token", "good"}, "user good", nil, "access"},
		"token of the code dialect":                     {requirements("", "IThingsToken"), []string{"iThings-token", "good"}, "user good", nil, "access"},

		"optional, nothing sent":              {requirements("", "ApplicationBasic"), nil, "", nil, ""},
		"optional, stale token":               {requirements("", "IThingsToken"), []string{"iThings-token", "stale"}, "", nil, "access"},
		"optional, user's token sent along":   {requirements("", "ManagementToken", "RequestSignature"), []string{"Authorization", "Bearer good"}, "", nil, ""},
		"optional, stale management token":    {requirements("", "ManagementToken", "RequestSignature"), []string{"Authorization", "Bearer " + managementToken("stale")}, "", errStale, "management"},
		"optional, empty one last":            {requirements("IThingsToken", ""), []string{"iThings-token", "stale"}, "", nil, "access"},
		"optional, good application":          {requirements("", "ApplicationBasic"), []string{"Authorization", basic("good")}, "app good", nil, "application"},
		"optional, wrong application":         {requirements("", "ApplicationBasic"), []string{"Authorization", basic("stale")}, "", errStale, "application"},
		"optional, wrong signature":           {requirements("", "ManagementToken", "RequestSignature"), []string{"Authorization", "authing stale:x"}, "", errStale, "signature"},
		"optional, token and lost database":   {requirements("", "IThingsToken"), []string{"iThings-token", "lost"}, "", errLost, "access"},
		"optional, secret and lost database":  {requirements("", "ApplicationBasic"), []string{"Authorization", basic("lost")}, "", errLost, "application"},
		"optional, refresh and lost database": {requirements("", "RefreshToken"), []string{"Refresh-Token", "lost"}, "", errLost, "refresh"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &accounts{}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for pair := range slices.Chunk(c.headers, 2) {
				r.Header.Add(pair[0], pair[1])
			}
			p, err := New(a).Authenticate(t.Context(), c.requirements, r, nil)
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if got := describe(p); got != c.want {
				t.Errorf("%q is calling, want %q", got, c.want)
			}
			if got := strings.Join(a.asked, " "); got != c.asked {
				t.Errorf("asked %q, want %q", got, c.asked)
			}
		})
	}
}

// TestMalformedCredentialsAreNoAnonymousCall: a client that meant to prove itself, and failed at the spelling, must hear of
// it rather than act for the default application.
func TestMalformedCredentialsAreNoAnonymousCall(t *testing.T) {
	t.Parallel()
	for scheme, values := range map[string][]string{
		"ApplicationBasic": {"Basic !", "Basic", "Basic bm8gY29sb24=", "basic "},
		"RequestSignature": {"authing", "authing ", "authing no-colon", "authing :"},
	} {
		for _, value := range values {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set("Authorization", value)
			if p, err := New(&accounts{}).Authenticate(t.Context(), requirements("", scheme), r, nil); !refused(err) {
				t.Errorf("%s: Authorization: %s: %q is calling, error %v", scheme, value, describe(p), err)
			}
		}
	}
}

// describe writes a principal; a mixture of several would show.
func describe(p Principal) string {
	var parts []string
	if p.User != nil {
		parts = append(parts, "user "+p.User.ID)
	}
	if p.Management != nil {
		parts = append(parts, "key "+p.Management.KeyID)
	}
	if p.Application != nil {
		parts = append(parts, "app "+p.Application.ID)
	}
	if p.Renewed != nil {
		parts = append(parts, "renewed")
	}
	return strings.Join(parts, " ")
}

// TestCheck: the program does not start on requirements that nobody here would enforce.
func TestCheck(t *testing.T) {
	t.Parallel()
	a := New(&accounts{})
	for _, name := range []string{"AccessToken", "RefreshToken", "UserToken", "ManagementToken", "RequestSignature", "ApplicationBasic", "IThingsToken", ""} {
		if err := a.Check(requirements("", name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.Check(requirements("AccessToken", "Passport")); err == nil || !strings.Contains(err.Error(), "Passport") {
		t.Errorf("unknown scheme: %v", err)
	}
	both := openapi3.SecurityRequirements{openapi3.NewSecurityRequirement().Authenticate("AccessToken").Authenticate("RefreshToken")}
	if err := a.Check(both); err == nil {
		t.Error("two schemes at once were taken")
	}
}

// TestRequire: what a handler asks for is what Authenticate found, and a scope is not implied by anything.
func TestRequire(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if _, err := RequireUser(ctx); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := RequireScope(ctx, ScopeUserRead); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := RequireManagement(ctx); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("nobody: %v", err)
	}
	ctx = With(t.Context(), Principal{User: &User{ID: "alice"}})
	if u, err := RequireUser(ctx); err != nil || u.ID != "alice" {
		t.Errorf("%v %v", u, err)
	}
	if _, err := RequireScope(ctx, ScopeUserRead); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("a user passes for an access key: %v", err)
	}
	ctx = With(t.Context(), Principal{Management: &Management{KeyID: "k", Scopes: []string{ScopeUserRead}}})
	if m, err := RequireScope(ctx, ScopeUserRead); err != nil || m.KeyID != "k" {
		t.Errorf("%v %v", m, err)
	}
	for _, scope := range []string{"", "user", ScopeUserWrite, "user:read:all", "USER:READ", ScopeOTPSecretRead} {
		if _, err := RequireScope(ctx, scope); !errors.Is(err, ErrForbidden) {
			t.Errorf("%q: %v", scope, err)
		}
	}
	if m, err := RequireManagement(ctx); err != nil || m.KeyID != "k" {
		t.Errorf("%v %v", m, err)
	}
	if _, err := RequireUser(ctx); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("an access key passes for a user: %v", err)
	}
}

// TestTokenInTheURL: it was put there on purpose. One that is bad is refused, and not replaced by whatever else the client sends
// along: that would show somebody another user than the one that was asked for.
func TestTokenInTheURL(t *testing.T) {
	t.Parallel()
	for target, c := range map[string]struct {
		want string
		err  error
	}{
		"/?access_token=good+url":              {"user good url", nil},
		"/?access_token=stale":                 {"", errStale},
		"/?access_token=lost":                  {"", errLost},
		"/?access_token=":                      {"user good header", nil},
		"/":                                    {"user good header", nil},
		"/?access_token=stale&access_token=go": {"", errStale},
	} {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Authorization", "Bearer good header")
		p, err := New(&accounts{}).Authenticate(t.Context(), requirements("QueryToken", "UserToken", ""), r, nil)
		if describe(p) != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %q, %v; want %q, %v", target, describe(p), err, c.want, c.err)
		}
	}
}

// TestManagementOfAnotherUserpool: a management call that names another userpool than its key's is refused, whichever credential
// it has; an empty header, which one official SDK sends, names none. What others send there is not about a key.
func TestManagementOfAnotherUserpool(t *testing.T) {
	t.Parallel()
	managed := requirements("ManagementToken", "RequestSignature", "UserToken", "ApplicationBasic")
	for _, authorization := range []string{"Bearer " + managementToken("good"), "authing good:x", "good", basic("good")} {
		for _, c := range []struct {
			userpools []string
			refused   bool
		}{
			{nil, false},
			{[]string{""}, false},
			{[]string{"pool of good"}, false},
			{[]string{"", "pool of good"}, false},
			{[]string{"another"}, true},
			{[]string{"Pool of good"}, true},
			{[]string{"pool of good", "another"}, true},
		} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", authorization)
			r.Header["X-Authing-Userpool-Id"] = c.userpools
			p, err := New(&accounts{}).Authenticate(t.Context(), managed, r, nil)
			management := strings.HasPrefix(authorization, "Bearer ") || strings.HasPrefix(authorization, "authing ")
			if want := c.refused && management; errors.Is(err, ErrUserpool) != want || !want && err != nil {
				t.Errorf("%.10s in %q: %q, %v", authorization, c.userpools, describe(p), err)
			}
		}
	}
}
