package docs

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/openapi"
)

// changed is the contract, where every operation declares three refusals more, with other texts in it.
func changed(t *testing.T, replaced ...string) []byte {
	t.Helper()
	text := strings.ReplaceAll(string(openapi.YAML), "x-menshen-refusals: [", "x-menshen-refusals: [test.taken, test.plain, test.nobody, ")
	for i := 0; i < len(replaced); i += 2 {
		if !strings.Contains(text, replaced[i]) {
			t.Fatalf("nothing to replace: %s", replaced[i])
		}
		text = strings.ReplaceAll(text, replaced[i], replaced[i+1])
	}
	return []byte(text)
}

// Refusals that every operation of these tests has: three of its own, one of its credentials, one of the gate.
var (
	taken = &apierr.Error{
		Kind: apierr.Conflict, Code: "test.taken", API: 4711, Number: 1004711, OAuth: "invalid_grant", EN: "Taken | gone.", ZH: "已被占用。",
	}
	plain  = &apierr.Error{Kind: apierr.Invalid, Code: "test.plain", Number: 100006, OAuth: "invalid_request", EN: "Plain.", ZH: "错误。"}
	nobody = &apierr.Error{Kind: apierr.Unauthenticated, Code: "test.nobody", Number: 100005, OAuth: "invalid_client", EN: "Who?", ZH: "谁？"}
	token  = &apierr.Error{Kind: apierr.Unauthenticated, Code: "auth.token", Number: 100005, EN: "A bad token.", ZH: "令牌无效。"}
	gate   = &apierr.Error{Kind: apierr.RateLimited, Code: "test.gate", Gate: true, Number: 100027, EN: "Too often.", ZH: "过于频繁。"}
)

var settings = Settings{
	PublicURL: "https://id.example.com", Console: true,
	Refusals: func(string) []*apierr.Error { return []*apierr.Error{taken, plain, nobody, token, gate} },
}

// ask asks for a page; header has names and values in turn.
func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// shown is a contract as the reference shows it.
func shown(t *testing.T, contract []byte) *openapi3.T {
	t.Helper()
	w := ask(settings.handler(contract), http.MethodGet, "/docs/openapi.json")
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %v", w.Code, err)
	}
	return doc
}
