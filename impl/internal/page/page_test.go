package page

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var long = strings.Repeat("the same again, ", 100)

func site(t *testing.T) http.Handler {
	t.Helper()
	s, err := NewSite(fstest.MapFS{
		"index.html":   {Data: []byte("<!doctype html><title>home</title>")},
		"lib/code.js":  {Data: []byte("export {}")},
		"lib/look.css": {Data: []byte("body {}")},
		"long.txt":     {Data: []byte(long)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler("/place")
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestFilesAreFoundByTheirNames: what is there is served with its own type, the place itself leads to its index, and anything
// else is not there; no directory is listed and no path leads out.
func TestFilesAreFoundByTheirNames(t *testing.T) {
	t.Parallel()
	h := site(t)
	for path, want := range map[string]struct {
		status    int
		mediaType string
	}{
		"/place/":               {200, "text/html; charset=utf-8"},
		"/place/index.html":     {200, "text/html; charset=utf-8"},
		"/place/index":          {200, "text/html; charset=utf-8"},
		"/place/lib/code.js":    {200, "text/javascript; charset=utf-8"},
		"/place/lib/look.css":   {200, "text/css; charset=utf-8"},
		"/place/lib":            {404, ""},
		"/place/lib/":           {404, ""},
		"/place/../page.go":     {404, ""},
		"/place/lib/../code.js": {404, ""},
		"/placement":            {404, ""},
		"/index.html":           {404, ""},
	} {
		w := ask(h, http.MethodGet, path)
		if w.Code != want.status || want.mediaType != "" && w.Header().Get("Content-Type") != want.mediaType {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
	if w := ask(h, http.MethodGet, "/place"); w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != "place/" {
		t.Errorf("the place itself: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// TestPagesKeepToThemselves: whatever the answer, the browser is told to load and call nothing of others, to let nobody frame it,
// and to tell nobody where somebody came from.
func TestPagesKeepToThemselves(t *testing.T) {
	t.Parallel()
	h := site(t)
	for _, path := range []string{"/place", "/place/", "/place/lib/code.js", "/place/none"} {
		header := ask(h, http.MethodGet, path).Header()
		policy := header.Get("Content-Security-Policy")
		for _, must := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, must) {
				t.Errorf("%s: no %s in %q", path, must, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
			t.Errorf("%s: %q", path, policy)
		}
		if header.Get("Referrer-Policy") != "no-referrer" || header.Get("X-Content-Type-Options") != "nosniff" ||
			header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

// TestPagesAreOnlyRead: there is nothing to write to.
func TestPagesAreOnlyRead(t *testing.T) {
	t.Parallel()
	h := site(t)
	if w := ask(h, http.MethodHead, "/place/"); w.Code != http.StatusOK || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
	}
	if w := ask(h, http.MethodPost, "/place/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// TestBrowsersAskAgain: a kept file is used only after asking, and asking is cheap.
func TestBrowsersAskAgain(t *testing.T) {
	t.Parallel()
	h := site(t)
	first := ask(h, http.MethodGet, "/place/lib/code.js")
	if first.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("Cache-Control: %q", first.Header().Get("Cache-Control"))
	}
	etag := first.Header().Get("ETag")
	if w := ask(h, http.MethodGet, "/place/lib/code.js", "If-None-Match", etag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("the same again: %d with %d bytes", w.Code, w.Body.Len())
	}
	if other := ask(h, http.MethodGet, "/place/lib/look.css").Header().Get("ETag"); other == etag || other == "" {
		t.Errorf("two files with the tag %q", other)
	}
}

// TestFilesAreSentCompressed: to who takes that, with a tag of its own, and where it is shorter.
func TestFilesAreSentCompressed(t *testing.T) {
	t.Parallel()
	h := site(t)
	plain := ask(h, http.MethodGet, "/place/long.txt")
	if plain.Body.String() != long || plain.Header().Get("Content-Encoding") != "" || plain.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("not compressed: %v", plain.Header())
	}
	for accepted, want := range map[string]string{
		"gzip": "gzip", "gzip, deflate, br": "gzip", "br;q=1.0, GZIP;q=0.5": "gzip", "gzip ; q=1": "gzip",
		"": "", "identity": "", "gzip;q=0": "", "gzip;q=0.000": "", "gzip;q=x": "", "xgzip": "",
	} {
		if w := ask(h, http.MethodGet, "/place/long.txt", "Accept-Encoding", accepted); w.Header().Get("Content-Encoding") != want {
			t.Errorf("%q: %v", accepted, w.Header())
		}
	}
	packed := ask(h, http.MethodGet, "/place/long.txt", "Accept-Encoding", "gzip")
	etag := packed.Header().Get("ETag")
	if packed.Body.Len() >= len(long) || etag == plain.Header().Get("ETag") || packed.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d bytes, %v", packed.Body.Len(), packed.Header())
	}
	if w := ask(h, http.MethodGet, "/place/long.txt", "Accept-Encoding", "gzip", "If-None-Match", etag); w.Code != http.StatusNotModified {
		t.Errorf("the same again: %d", w.Code)
	}
	reader, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(reader); err != nil || string(text) != long {
		t.Errorf("%q, %v", text, err)
	}
	if w := ask(h, http.MethodGet, "/place/lib/look.css", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Errorf("a file of seven bytes: %v", w.Header())
	}
}

// TestUnknownTypesAreRefused: a file whose type a browser would have to guess is a mistake of whoever embedded it.
func TestUnknownTypesAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := NewSite(fstest.MapFS{"file.unheard-of": {}}); err == nil {
		t.Error("taken")
	}
}
