package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
)

// registrar notes what gets as far as an operation.
type registrar struct {
	gen.StrictServerInterface
	seen *gen.RegisterRequest
}

func (s *registrar) RegisterUser(_ context.Context, r gen.RegisterUserRequestObject) (gen.RegisterUserResponseObject, error) {
	s.seen = r.JSONBody
	if r.JSONBody == nil {
		s.seen = r.FormdataBody
	}
	return gen.RegisterUser200JSONResponse{}, nil
}

// register makes a function that sends a body through the whole gate and returns what the operation saw of it; nil for nothing.
func register(f *testing.F, mediaType string) func(t *testing.T, body string) *gen.RegisterRequest {
	server := &registrar{}
	h, log := guarded(f, fake{StrictServerInterface: server})
	return func(t *testing.T, body string) *gen.RegisterRequest {
		t.Helper()
		server.seen = nil
		log.Reset()
		r := httptest.NewRequest(http.MethodPost, "/user/register", strings.NewReader(body))
		r.Header.Set("Content-Type", mediaType)
		w := answer(h, r)
		want := map[bool]int{true: http.StatusBadRequest, false: http.StatusOK}[server.seen == nil]
		if w.Code != want && w.Code != http.StatusRequestEntityTooLarge || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q: HTTP %d %q, want %d\n%s", body, w.Code, w.Body, want, log)
		}
		return server.seen
	}
}

// FuzzJSONBody: whatever JSON comes through the gate, the operation sees what the standard decoder reads of it, and nothing that
// could be read in two ways.
func FuzzJSONBody(f *testing.F) {
	for _, seed := range []string{
		`{"username":"alice","password":"12345678"}`, `{"username":"alice","password":"12345678","Username":"bob","x":[{}]}`, ``, `null`, `[]`,
		`{"username":"\u0061lice","password":"\ud83d\ude00345678","username":"bob"}`, `{"username":null,"password":1e400}`, `{"username":"门神","password":"1234567\u0000"}`,
		"\xef\xbb\xbf{}", `{"username":"alice","password":"12345678"}{}`, `{"username":"alice","password":"\ud800 2345678"}`, `{"username":"alice\n","password":"12345678"}`,
	} {
		f.Add(seed)
	}
	send := register(f, mediaJSON)
	f.Fuzz(func(t *testing.T, body string) {
		seen := send(t, body)
		if seen == nil {
			return
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("%q was let through: %v", body, err)
		}
		if members["username"] != seen.Username || members["password"] != seen.Password {
			t.Errorf("%q was seen as %+v", body, *seen)
		}
	})
}

// FuzzFormBody: the same of forms. A member of the URL is none of the form.
func FuzzFormBody(f *testing.F) {
	for _, seed := range []string{
		"username=alice&password=12345678", "username=alice&password=12345678&username=bob", "username=%00&password=%ff%fe", "", "&", "=", "username", "%zz=1",
		"username=al+ice&password=1234567%2B", "username=alice;password=12345678", "username=%E9%97%A8&password=%F0%9F%98%80345678", "Username=alice&password=12345678",
		"username[]=alice&password=12345678", "username=7&password=12345678", "username=null&password=truetrue",
	} {
		f.Add(seed)
	}
	send := register(f, "application/x-www-form-urlencoded")
	f.Fuzz(func(t *testing.T, body string) {
		seen := send(t, body)
		if seen == nil {
			return
		}
		values, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("%q was let through: %v", body, err)
		}
		for name, want := range map[string]string{"username": seen.Username, "password": seen.Password} {
			if got := values[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%q was seen as %+v", body, *seen)
			}
		}
	})
}
