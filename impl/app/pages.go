package app

import (
	"net/http"
	"strings"

	"github.com/menshen-auth/menshen/impl/console"
	"github.com/menshen-auth/menshen/impl/docs"
	"github.com/menshen-auth/menshen/impl/internal/page"
)

// pages puts what browsers look at before the operations of the contract, which have no path below the pages' prefixes.
func pages(c Config, reference docs.Settings, next http.Handler) (http.Handler, error) {
	if c.Docs == settingOn {
		reference.PublicURL, reference.Console = c.PublicURL, c.Console == settingOn
		next = below(docs.Prefix, docs.New(reference), next)
	}
	if c.Console != settingOn {
		return next, nil
	}
	consoles, err := console.Handler(c.Docs == settingOn)
	if err != nil {
		return nil, err
	}
	next = below(console.Prefix, consoles, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) { // whoever types the bare address is a person
			page.Redirect(w, strings.TrimPrefix(console.Prefix, "/")+"/", http.StatusFound)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

// below serves a prefix with pages, and leaves everything else to next. A ServeMux would tidy up paths that the gate has to refuse.
func below(prefix string, pages, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == prefix || strings.HasPrefix(r.URL.Path, prefix+"/") {
			pages.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
