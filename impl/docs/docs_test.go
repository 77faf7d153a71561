package docs

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"golang.org/x/net/html"

	"github.com/menshen-auth/menshen/impl/internal/page"
)

// everyPage is all that a browser asks for.
var everyPage = map[string]string{
	"/docs/": "text/html; charset=utf-8", "/docs/flows": "text/html; charset=utf-8", "/docs/flows?lang=zh": "text/html; charset=utf-8",
	"/docs/openapi.json": "application/json", "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
	"/docs/reference.js": "text/javascript; charset=utf-8", "/docs/swagger-ui.css": "text/css; charset=utf-8",
	"/docs/pages.css": "text/css; charset=utf-8", "/docs/reference.css": "text/css; charset=utf-8", "/docs/flows.css": "text/css; charset=utf-8",
	"/docs/icon.svg": "image/svg+xml",
}

// TestPagesAreServed: every page is there, can be asked about without its content, is not sent twice, and only read; what is not
// there is not found.
func TestPagesAreServed(t *testing.T) {
	t.Parallel()
	h := New(settings)
	for path, mediaType := range everyPage {
		got := ask(h, http.MethodGet, path)
		if got.Code != http.StatusOK || got.Header().Get("Content-Type") != mediaType || got.Body.Len() == 0 {
			t.Errorf("%s: %d %s, %d bytes", path, got.Code, got.Header().Get("Content-Type"), got.Body.Len())
		}
		if head := ask(h, http.MethodHead, path); head.Code != http.StatusOK || head.Body.Len() > 0 {
			t.Errorf("HEAD %s: %d, %d bytes", path, head.Code, head.Body.Len())
		}
		again := ask(h, http.MethodGet, path, "If-None-Match", got.Header().Get("ETag"))
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s again: %d, %d bytes", path, again.Code, again.Body.Len())
		}
		if post := ask(h, http.MethodPost, path); post.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, post.Code)
		}
	}
	for _, path := range []string{"/docs/none", "/docs/flows/", "/docs/flows/none", "/docs/site/pages.css", "/docs/templates/flows.html", "/docs/../docs.go"} {
		if w := ask(h, http.MethodGet, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := ask(h, http.MethodGet, "/docs"); w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != "docs/" {
		t.Errorf("/docs: %d to %s", w.Code, w.Header().Get("Location"))
	}
}

// elsewhere is an address at another host in a style sheet.
var elsewhere = regexp.MustCompile(`url\(\s*['"]?(https?:)?//|@import`)

// TestNothingComesFromElsewhere: the policy is that of all pages, which allows this host alone, and no page, script of ours or style
// sheet asks for anything else; whoever cannot reach the internet reads all of it.
func TestNothingComesFromElsewhere(t *testing.T) {
	t.Parallel()
	h := New(settings)
	for path, mediaType := range everyPage {
		w := ask(h, http.MethodGet, path)
		if policy := w.Header().Get("Content-Security-Policy"); policy != page.Policy {
			t.Errorf("%s: %s", path, policy)
		}
		text := w.Body.String()
		switch {
		case strings.HasPrefix(mediaType, "text/html"):
			checkAddresses(t, path, text)
		case strings.HasPrefix(mediaType, "text/css") && elsewhere.MatchString(text):
			t.Errorf("%s: %s", path, elsewhere.FindString(text))
		case path == "/docs/reference.js" && regexp.MustCompile(`["'\x60](https?:)?//`).MatchString(text):
			t.Errorf("%s names another host", path)
		}
	}
}

// checkAddresses: what a page loads or leads to is here, and it has neither scripts nor styles in itself.
func checkAddresses(t *testing.T, path, text string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for node := range root.Descendants() {
		if node.Data == "style" || node.Data == "script" && node.FirstChild != nil {
			t.Errorf("%s: a <%s> with content", path, node.Data)
		}
		for _, a := range node.Attr {
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s: <%s %s>", path, node.Data, a.Key)
			case a.Key == "src" || a.Key == "href" || a.Key == "action" || a.Key == "srcset":
				found++
				if strings.Contains(a.Val, ":") || strings.HasPrefix(a.Val, "//") {
					t.Errorf("%s: <%s %s=%q>", path, node.Data, a.Key, a.Val)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("%s: only %d addresses", path, found)
	}
}

// TestFlowsAreInTheReadersLanguage: that of the browser, unless one was chosen; and caches know.
func TestFlowsAreInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	h := New(settings)
	for _, test := range []struct{ query, accept, want string }{
		{"", "", "en"},
		{"", "zh-CN,zh;q=0.9,en;q=0.8", "zh"},
		{"", "fr, de", "en"},
		{"", "en-GB", "en"},
		{"?lang=zh", "en", "zh"},
		{"?lang=en", "zh-CN", "en"},
		{"?lang=", "zh", "zh"},
		{"?lang=fr", "zh", "zh"},
		{"?lang=../../x", "", "en"},
	} {
		w := ask(h, http.MethodGet, "/docs/flows"+test.query, "Accept-Language", test.accept)
		title := map[string]string{"en": "<h1>Flows</h1>", "zh": "<h1>流程</h1>"}[test.want]
		if w.Header().Get("Content-Language") != test.want || !slices.Equal(w.Header().Values("Vary"), []string{"Accept-Language", "Accept-Encoding"}) ||
			!strings.Contains(w.Body.String(), `<html lang="`+test.want+`">`) || !strings.Contains(w.Body.String(), title) {
			t.Errorf("%q, %q: %v", test.query, test.accept, w.Header())
		}
	}
}

// TestConsoleIsPointedAtWhereThereIsOne: a link that leads nowhere is worse than none.
func TestConsoleIsPointedAtWhereThereIsOne(t *testing.T) {
	t.Parallel()
	for _, console := range []bool{true, false} {
		s := settings
		s.Console = console
		for _, path := range []string{"/docs/", "/docs/flows", "/docs/openapi.json"} {
			if got := strings.Contains(ask(New(s), http.MethodGet, path).Body.String(), "../console/"); got != console {
				t.Errorf("%s: console %v, a link %v", path, console, got)
			}
		}
	}
}

// TestContractWithoutAnOperation: a flow that names an operation that is gone is a mistake that shows, and says which.
func TestContractWithoutAnOperation(t *testing.T) {
	t.Parallel()
	without := changed(t, "operationId: bindMFA\n", "operationId: bindOther\n")
	w := ask(settings.handler(without), http.MethodGet, "/docs/")
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "bindMFA") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestReferenceIsAContract: what is shown is a valid document, and says what the contract says: only descriptions grow, and the
// servers are that of the page.
func TestReferenceIsAContract(t *testing.T) {
	t.Parallel()
	want, err := openapi3.NewLoader().LoadFromData(changed(t))
	if err != nil {
		t.Fatal(err)
	}
	got := shown(t, changed(t))
	for path, item := range got.Paths.Map() {
		for method, op := range item.Operations() {
			original := want.Paths.Value(path).GetOperation(method)
			if !strings.HasPrefix(op.Description, strings.TrimSpace(original.Description)+"\n\n**Outcome.**") {
				t.Errorf("%s: %s", op.OperationID, op.Description)
			}
			op.Description = original.Description
		}
	}
	for _, tag := range got.Tags {
		tag.ExternalDocs = nil
	}
	if len(got.Tags) != len(want.Tags) || len(got.Servers) != 1 || got.Servers[0].URL != ".." {
		t.Errorf("%d tags, servers %v", len(got.Tags), got.Servers)
	}
	signature := got.Components.SecuritySchemes["RequestSignature"].Value
	if !strings.Contains(signature.Description, "cannot compute signatures") {
		t.Error("nobody is told that signatures cannot be computed here")
	}
	signature.Description = want.Components.SecuritySchemes["RequestSignature"].Value.Description
	got.Tags, got.Servers, got.Info.Description = want.Tags, want.Servers, want.Info.Description
	if one, other := plainJSON(t, want), plainJSON(t, got); one != other {
		t.Error("the reference shows something else than the contract")
	}
}

func plainJSON(t *testing.T, doc *openapi3.T) string {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
