package docs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// contract is a copy of the contract, for a test to change.
func contract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Refusals that every operation of these tests has: one of its own, one of its credentials, one of the gate.
var (
	taken = &apierr.Error{
		Kind: apierr.Conflict, Code: "test.taken", API: 4711, Number: 1004711, OAuth: "invalid_grant", EN: "Taken | gone.", ZH: "已被占用。",
	}
	plain = &apierr.Error{Kind: apierr.Invalid, Code: "test.plain", Number: 100006, OAuth: "invalid_request", EN: "Plain.", ZH: "错误。"}
	token = &apierr.Error{Kind: apierr.Unauthenticated, Code: "auth.token", Number: 100005, EN: "A bad token.", ZH: "令牌无效。"}
	gate  = &apierr.Error{Kind: apierr.RateLimited, Code: "test.gate", Gate: true, Number: 100027, EN: "Too often.", ZH: "过于频繁。"}
)

// settings are those of a service with this contract.
func settings(t *testing.T, doc *openapi3.T) Settings {
	t.Helper()
	text, err := doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return Settings{
		Contract: text, PublicURL: "https://id.example.com", Console: true,
		Refusals: func(string) []*apierr.Error { return []*apierr.Error{taken, plain, token, gate} },
	}
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

// shown is the contract as the reference shows it.
func shown(t *testing.T, doc *openapi3.T) *openapi3.T {
	t.Helper()
	w := ask(New(settings(t, doc)), http.MethodGet, "/docs/openapi.json")
	var decorated openapi3.T
	if err := json.Unmarshal(w.Body.Bytes(), &decorated); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %v", w.Code, err)
	}
	return &decorated
}
