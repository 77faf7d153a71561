package httpapi

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// TestExplainNeverQuotes: what was sent may be a secret in the wrong place. A refusal names the place and the rule, of
// however many rules were broken, and neither the value nor more than a bound.
func TestExplainNeverQuotes(t *testing.T) {
	t.Parallel()
	contract := ourContract(t)
	const secret = "s3cr3t"
	long := strings.Repeat(secret+"门", 400)
	for _, c := range []struct {
		method, path, body string
		headers            map[string]string
		says               string
	}{
		{"POST", "/user/register", `{"username":7,"password":"` + secret + `"}`, nil, "body.username: value must be a string"},
		{"POST", "/user/register", `{"username":"` + long + `","password":["` + secret + `"]}`, nil, "body.password: value must be a string"},
		{"POST", "/user/register", `"` + secret + `"`, nil, "body: value must be an object"},
		{"POST", "/auth/mfa/bind", `{"code":"` + secret + `"}`, nil, "body.code: does not match ^[0-9]{6,8}$"},
		{"POST", "/api/v3/create-user", `{"email":"` + long + `"}`, nil, "body.email: maximum string length is 254"},
		{"POST", "/api/v3/create-user", `{"` + secret + `":1}`, nil, "is not a member of the contract"},
		{"POST", "/api/v3/create-user", `{"identities":[{"extIdpId":":` + secret + `","provider":{"` + secret + `":1}}]}`, nil, "body.identities.0.userIdInIdp: is required"},
		{"POST", "/api/v3/create-user", `{"gender":"` + secret + `","status":"` + secret + `"}`, nil, "body.gender: value is not one of the allowed values"},
		{"POST", "/api/v1/system/user/login", `{"pwdType":"` + secret + `","loginType":"` + secret + `"}`, nil, "body.account: is required"},
		{"POST", "/api/v3/gene-qrcode", `{"type":"MOBILE_APP","context":"` + secret + `"}`, map[string]string{"x-authing-app-id": long}, "header.x-authing-app-id: maximum string length is 64"},
		{"GET", "/api/v3/get-user?userIdType=" + secret + "&withCustomData=" + secret, "", nil, "query.userId: is required"},
		{"GET", "/api/v3/get-user?userId=" + url.QueryEscape(long), "", nil, "query.userId: maximum string length is 512"},
		{"GET", "/api/v3/get-user?userId=a&withIdentities=" + secret, "", nil, "query.withIdentities: cannot be read"},
		{"GET", "/api/v3/get-user?userId=a&x=%zz" + secret, "", nil, "query: is malformed"},
		{"GET", "/api/v3/get-user?userId=a", secret, nil, "body: is not taken by this operation"},
		{"POST", "/user/register", "", nil, "body: is required"},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", mediaJSON)
		for name, value := range c.headers {
			r.Header.Set(name, value)
		}
		_, err := validateRequest(r.Context(), r, contract.paths[r.URL.Path].operations[c.method])
		var refusal *apierr.Error
		if !errors.As(err, &refusal) {
			t.Errorf("%s %s: %v", c.path, c.body, err)
			continue
		}
		if !strings.Contains(refusal.Detail, c.says) || strings.Contains(refusal.Detail, secret) {
			t.Errorf("%.60s %.60s: %q, want %q", c.path, c.body, refusal.Detail, c.says)
		}
		if len(refusal.Detail) > maxDetail || !utf8.ValidString(refusal.Detail) {
			t.Errorf("%.60s: %d bytes: %q", c.path, len(refusal.Detail), refusal.Detail)
		}
	}
}

// TestExplainIsBounded: many broken rules give a long text, which is cut.
func TestExplainIsBounded(t *testing.T) {
	t.Parallel()
	h, _ := guarded(t, fake{})
	members := make([]string, 16)
	for i := range members {
		members[i] = `{"extIdpId":1,"provider":2}`
	}
	login := ask{"POST", "/api/v1/system/user/login", `{"account":1,"loginType":2,"pwdType":"3","password":4,"code":5,"codeID":6,"x":[` + strings.Join(members, ",") + `]}`}
	if w := answer(h, login.request()); w.Code != 400 || w.Body.Len() > 2*maxDetail || !strings.Contains(w.Body.String(), "body.codeID: value must be a string") {
		t.Errorf("HTTP %d %s", w.Code, w.Body)
	}
}

// TestTidyHeaders: generated code takes a header that is there for one that has a value, and one of several for a mistake.
func TestTidyHeaders(t *testing.T) {
	t.Parallel()
	op := &operation{headers: []header{{"X-Once", false}, {"X-Often", true}}}
	for name, c := range map[string]struct{ sent, once, often []string }{
		"absent":                {nil, nil, nil},
		"empty":                 {[]string{""}, nil, nil},
		"twice empty":           {[]string{"", ""}, nil, nil},
		"one":                   {[]string{"a"}, []string{"a"}, []string{"a"}},
		"one and empty":         {[]string{"", "a"}, []string{"a"}, []string{"a"}},
		"twice":                 {[]string{"a", "b"}, []string{"a", "b"}, []string{"a"}},
		"twice and empty":       {[]string{"a", "", "b"}, []string{"a", "b"}, []string{"a"}},
		"no UTF-8":              {[]string{"\xff"}, []string{"refused"}, nil},
		"no UTF-8, then a good": {[]string{"\xff", "a"}, []string{"refused"}, []string{"a"}},
	} {
		tidy := func(name string, op *operation) []string {
			r := httptest.NewRequest("GET", "/", nil)
			if c.sent != nil {
				r.Header[name] = slices.Clone(c.sent)
			}
			if err := tidyHeaders(r, op); err != nil {
				return []string{"refused"}
			}
			return r.Header.Values(name)
		}
		if got := tidy("X-Once", op); !slices.Equal(got, c.once) {
			t.Errorf("%s: %q, want %q", name, got, c.once)
		}
		if got := tidy("X-Often", op); !slices.Equal(got, c.often) {
			t.Errorf("%s, repeatable: %q, want %q", name, got, c.often)
		}
		if got := tidy("X-Other", op); !slices.Equal(got, c.sent) {
			t.Errorf("%s, not of the operation: %q", name, got)
		}
	}
}
