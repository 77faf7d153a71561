package httpapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// response holds an answer back, headers included, until it has been validated.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
}

var responses = sync.Pool{New: func() any { return &response{header: http.Header{}} }}

// maxPooled keeps the buffer of a rare large answer (the contract itself) from staying in the pool.
const maxPooled = 64 << 10

func newResponse() *response { return responses.Get().(*response) }

func (w *response) release() {
	w.reset()
	if w.body.Cap() <= maxPooled {
		responses.Put(w)
	}
}

// reset forgets everything: a refused answer must leave no header behind (a cookie, a token).
func (w *response) reset() {
	clear(w.header)
	w.status = 0
	w.body.Reset()
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *response) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// validate checks the answer against the operation. Nothing written at all is no answer.
func (w *response) validate(ctx context.Context, input *openapi3filter.RequestValidationInput) error {
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 w.status,
		Header:                 w.header,
		Body:                   io.NopCloser(bytes.NewReader(w.body.Bytes())),
		Options:                options,
	})
}

// revalidate makes an answer that has an entity tag cacheable, and leaves its body out when the client has it already
// (RFC 9110 section 13.1.2).
func (w *response) revalidate(r *http.Request) {
	tag := w.header.Get("ETag")
	if tag == "" {
		return
	}
	w.header.Set("Cache-Control", "no-cache")
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if known = strings.TrimPrefix(strings.TrimSpace(known), "W/"); known == tag || known == "*" {
			w.status = http.StatusNotModified
			w.body.Reset()
		}
	}
}

// send writes the answer to the client.
func (w *response) send(to http.ResponseWriter) {
	header := to.Header()
	for name, values := range w.header {
		header[name] = values
	}
	to.WriteHeader(w.status)
	_, _ = to.Write(w.body.Bytes()) // the client may be gone
}
