package httpapi

import (
	"errors"
	"net/http"
	"testing"

	"github.com/menshen-auth/menshen/gen"
)

// TestRevalidation: a client that has an answer with an entity tag is told so, without the body (RFC 9110 section 13.1.2,
// which compares weakly). What has no tag is never kept.
func TestRevalidation(t *testing.T) {
	t.Parallel()
	tagged := visitor(func(w http.ResponseWriter) error {
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Content-Type", mediaJSON)
		_, err := w.Write([]byte(`{"status":"ok"}`))
		return err
	})
	h, _ := guarded(t, fake{health: func() (gen.GetHealthResponseObject, error) { return tagged, nil }})
	for known, status := range map[string]int{
		"":                 200,
		`"two"`:            200,
		`one`:              200,
		`"one"`:            304,
		`"two", "one"`:     304,
		`"two","one","3"`:  304,
		`W/"one"`:          304,
		`"two", W/"one"`:   304,
		`*`:                304,
		`"one" and "more"`: 200,
	} {
		w := answer(h, askHealth.request("If-None-Match", known))
		if w.Code != status || (w.Body.Len() == 0) != (status == 304) || w.Header().Get("ETag") != `"one"` || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("If-None-Match: %s: HTTP %d, %d bytes, %v", known, w.Code, w.Body.Len(), w.Header())
		}
	}
	h, _ = guarded(t, failing(func() error { return errors.New("disk on fire") }))
	if w := answer(h, askHealth.request("If-None-Match", "*")); w.Code != 500 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("HTTP %d %v", w.Code, w.Header())
	}
}
