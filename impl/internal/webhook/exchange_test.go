package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const canary = "canary-5f1c"

// TestExchangeBounds: a request and an answer are no longer than they may be, and an answer that is not all there says so:
// half of one must not pass for a short one, nor nothing of one for an empty one.
func TestExchangeBounds(t *testing.T) {
	t.Parallel()
	const limit = 100
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   Answer
	}{
		"empty":      {func(http.ResponseWriter) {}, Answer{200, []byte{}, true}},
		"no content": {func(w http.ResponseWriter) { w.WriteHeader(204) }, Answer{204, []byte{}, true}},
		"just fits": {
			func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Repeat("x", limit)) },
			Answer{200, []byte(strings.Repeat("x", limit)), true},
		},
		"too long": {
			func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Repeat("x", limit+1)) },
			Answer{200, []byte(strings.Repeat("x", limit)), false},
		},
		"breaks off": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "50")
			_, _ = io.WriteString(w, "{}")
		}, Answer{200, nil, false}},
		"redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(307)
		}, Answer{307, []byte{}, true}},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/hook" || r.Method != http.MethodPost || r.Header.Get("X-Test") != "here" {
				t.Errorf("%s: %s %s", name, r.Method, r.URL)
			}
			test.answer(w)
		}))
		t.Cleanup(s.Close)
		to, err := Endpoint(s.URL + "/hook")
		if err != nil {
			t.Fatal(err)
		}
		got, err := Exchange(t.Context(), to, map[string]string{"X-Test": "here"}, []byte("{}"), limit)
		if err != nil || got.Status != test.want.Status || string(got.Body) != string(test.want.Body) || got.Whole != test.want.Whole {
			t.Errorf("%s: %d %q %v, %v", name, got.Status, got.Body, got.Whole, err)
		}
		if _, err := Exchange(t.Context(), to, nil, make([]byte, MaxBody+1), limit); err == nil || errors.Is(err, ErrSent) {
			t.Errorf("a request that is too long: %v", err)
		}
	}
}

// TestExchangeTells: who is answered late or not at all knows whether anything was sent, and no error quotes the URL.
func TestExchangeTells(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(done) })
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, test := range map[string]struct {
		url  string
		sent bool
	}{"hangs": {s.URL, true}, "closed": {closed.URL, false}} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		to, err := Endpoint(test.url + "/" + canary + "?token=" + canary)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Exchange(ctx, to, nil, []byte(canary), 100)
		if err == nil || errors.Is(err, ErrSent) != test.sent || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLoopback: what is this machine is not another, whatever its name looks like.
func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"localhost.example.com": false, "127.0.0.1.example.com": false, "10.0.0.1": false, "": false, "0.0.0.0": false,
	} {
		if Loopback(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}
