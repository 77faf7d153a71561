// Package page serves embedded pages to browsers: bytes that are known when the program starts, the same for everybody. A page
// is no operation of the contract: it takes no input, has no state and sets no cookie. What it does, its script does by calling
// the contract's operations as any front end does.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // for icon
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Policy is what pages may do, as the value of Content-Security-Policy: run, show and call what this service has, and nothing
// else. No other page may frame them, since a framed button is one that can be clicked by mistake.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Site is a set of files.
type Site struct{ files map[string]file }

type file struct {
	mediaType string
	plain     variant
	gzip      variant // without content where that would be no shorter
}

// variant is a file as it is sent.
type variant struct {
	content []byte
	etag    string
}

func newVariant(content []byte) variant {
	sum := sha256.Sum256(content)
	return variant{content, `"` + hex.EncodeToString(sum[:16]) + `"`}
}

// types are those of the files that sites have. Package mime reads the machine's own list, which differs from one to the next.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

// icon is what tabs and headers show.
//
//go:embed icon.svg
var icon []byte

// NewSite reads all files of a file system; every site also has the file icon.svg.
func NewSite(files fs.FS) (*Site, error) {
	s := &Site{files: map[string]file{}}
	if err := s.Add("icon.svg", icon); err != nil {
		return nil, err
	}
	return s, fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return s.Add(name, content)
	})
}

// Add adds a file, whose type its name tells.
func (s *Site) Add(name string, content []byte) error {
	mediaType := types[path.Ext(name)]
	if mediaType == "" {
		return fmt.Errorf("page: %s is of no known type", name)
	}
	f := file{mediaType: mediaType, plain: newVariant(content)}
	if packed := compress(content); len(packed) < len(content) {
		f.gzip = newVariant(packed)
	}
	s.files[name] = f
	return nil
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content) // to memory, which does not fail
	_ = w.Close()
	return b.Bytes()
}

// Handler serves the files below a prefix such as "/console": "/console/a.css" is the file a.css, "/console/a" the page a.html, and
// "/console/" index.html. The prefix itself is sent on to that, so that a page's relative addresses are right; not for good, since
// pages may move.
func (s *Site) Handler(prefix string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, below := strings.CutPrefix(r.URL.Path, prefix+"/")
		switch {
		case r.URL.Path == prefix:
			protect(w)
			Redirect(w, path.Base(prefix)+"/", http.StatusTemporaryRedirect)
		case !below:
			s.Serve(w, r, "")
		case name == "":
			s.Serve(w, r, "index.html")
		case path.Ext(name) == "":
			s.Serve(w, r, name+".html")
		default:
			s.Serve(w, r, name)
		}
	})
}

// Redirect sends a browser on to an address that is relative to its own: a proxy may have put the service below a path of its own,
// which http.Redirect would leave out.
func Redirect(w http.ResponseWriter, relative string, status int) {
	w.Header().Set("Location", relative)
	w.WriteHeader(status)
}

// Serve answers with a file, or that there is none. Browsers keep a file and ask whether it is still the same, so that a new
// version of the program never meets the script of an old one.
func (s *Site) Serve(w http.ResponseWriter, r *http.Request, name string) {
	protect(w)
	f, ok := s.files[name]
	switch {
	case !ok:
		http.Error(w, "There is no such page.", http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "A page can only be read.", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", f.mediaType)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Add("Vary", "Accept-Encoding")
	sent := f.plain
	if f.gzip.content != nil && takesGzip(r) {
		sent = f.gzip
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("ETag", sent.etag)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(sent.content))
}

// takesGzip tells whether a client names gzip, and not in order to refuse it (RFC 9110 section 12.5.3).
func takesGzip(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(value, ",") {
			name, weight, _ := strings.Cut(coding, ";")
			_, q, weighed := strings.Cut(weight, "=")
			least, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			if strings.EqualFold(strings.TrimSpace(name), "gzip") && (!weighed || err == nil && least > 0) {
				return true
			}
		}
	}
	return false
}

// protect sets what keeps a page to itself. An address of a page may end in a secret that a phone scanned, so no other host is
// told where somebody came from.
func protect(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", Policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
}
