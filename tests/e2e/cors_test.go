package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestPagesOfOtherOrigins: a page of a configured origin may make a QR code, listen to its events and read what it is told, from
// a browser; nobody else's page may, and without the setting none. Refusals can be read too, or a page could not say why.
func TestPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	const ours, theirs = "https://app.example.com", "https://evil.example"
	open := harness.New(t, func(c *app.Config) { c.CORSOrigins = []string{ours} })
	closed := harness.New(t)
	page := open.ShowQR(nil)
	ask := func(h *harness.Instance, method, path, origin string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, h.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		if method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", http.MethodPost)
			r.Header.Set("Access-Control-Request-Headers", "content-type,x-authing-app-id")
		}
		response := must(http.DefaultClient.Do(r))(t)
		t.Cleanup(func() { _ = response.Body.Close() })
		return response
	}
	for _, try := range []struct{ what, method, path string }{
		{"before a POST", http.MethodOptions, "/api/v3/gene-qrcode"},
		{"events", http.MethodGet, "/api/v3/qrcode-events?qrcodeId=" + page.PollID},
		{"a refusal", http.MethodGet, "/api/v3/qrcode-events?qrcodeId=none"},
		{"an unknown route", http.MethodGet, "/api/v3/none"},
	} {
		for _, caller := range []struct {
			h      *harness.Instance
			origin string
			want   string
		}{{open, ours, ours}, {open, theirs, ""}, {closed, ours, ""}} {
			response := ask(caller.h, try.method, try.path, caller.origin)
			if got := response.Header.Get("Access-Control-Allow-Origin"); got != caller.want {
				t.Errorf("%s, by %s: allowed is %q, want %q", try.what, caller.origin, got, caller.want)
			}
			if response.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: credentials are allowed, of which there are none", try.what)
			}
			if caller.want != "" && !strings.Contains(strings.Join(response.Header.Values("Vary"), ","), "Origin") {
				t.Errorf("%s: a cache would give it to other origins", try.what)
			}
		}
	}
}
