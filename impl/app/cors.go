package app

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rs/cors"
)

// preflightLife is how long a browser may keep what it was allowed.
const preflightLife = time.Hour

// crossOrigin lets pages of the configured origins call the service from browsers: listen to the events of a QR code and, where
// the application is public, exchange its ticket. There are no cookies, so a page can do what its tokens can, and no more.
func crossOrigin(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders: []string{"*"},
		ExposedHeaders: []string{"Access-Token", "Refresh-Token", "X-Request-Id", "Retry-After"},
		MaxAge:         int(preflightLife.Seconds()),
	}).Handler(next)
}

// isOrigin tells whether text is an origin as browsers send it (RFC 6454 section 6.2): scheme, host and port, nothing more, and no
// pattern.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && !strings.Contains(text, "*") && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Scheme+"://"+u.Host == text
}
