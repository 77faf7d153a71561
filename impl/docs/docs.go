package docs

import (
	"embed"
	"io/fs"
	"net/http"
	"sync"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/page"
	"github.com/menshen-auth/menshen/openapi"
)

// Prefix is where the pages are.
const Prefix = "/docs"

// Settings of New.
type Settings struct {
	Refusals  func(operationID string) []*apierr.Error // all that a caller of the operation may be refused with
	PublicURL string                                   // where clients reach the service
	Console   bool                                     // whether there is one, to point at
}

//go:embed site
var embedded embed.FS

// New returns the pages. They are made when the first is asked for, and stay as they are: that takes as long as the rest of a start,
// and most processes are never asked.
func New(s Settings) http.Handler { return s.handler(openapi.YAML) }

func (s Settings) handler(contract []byte) http.Handler {
	site := sync.OnceValues(func() (*page.Site, error) { return s.site(contract) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		made, err := site()
		if err != nil { // a mistake in what is built in, which holds no secrets
			http.Error(w, "docs: "+err.Error(), http.StatusInternalServerError)
			return
		}
		serve(made, w, r)
	})
}

// serve answers with a page. The flows are in the language of the reader, who may also choose: ?lang=zh.
func serve(site *page.Site, w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != Prefix+"/flows" {
		site.Handler(Prefix).ServeHTTP(w, r)
		return
	}
	l := lang.Match(append(r.URL.Query()["lang"], r.Header.Values("Accept-Language")...)...)
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Content-Language", l.String())
	site.Serve(w, r, flowsPage(l))
}

// site is every file.
func (s Settings) site(contract []byte) (*page.Site, error) {
	files, err := fs.Sub(embedded, "site")
	if err != nil {
		return nil, err
	}
	site, err := page.NewSite(files)
	if err != nil {
		return nil, err
	}
	made, err := s.pages(contract)
	if err != nil {
		return nil, err
	}
	for name, content := range made {
		if err := site.Add(name, content); err != nil {
			return nil, err
		}
	}
	return site, nil
}
