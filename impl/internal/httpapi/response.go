package httpapi

import (
	"bytes"
	"context"
	"errors"
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
	input  *openapi3filter.RequestValidationInput // what the answer is validated with; nil before there is one
	// stream is for operations that stream. An answer that does is validated event by event, and held back no longer than that.
	stream   *stream
	streamed bool
}

var responses = sync.Pool{New: func() any { return &response{header: http.Header{}} }}

// maxPooled keeps the buffer of a rare large answer (the contract itself) from staying in the pool.
const maxPooled = 64 << 10

func newResponse() *response { return responses.Get().(*response) }

func (w *response) release() {
	w.reset()
	w.input, w.stream, w.streamed = nil, nil, false
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

// streams tells whether the answer is one of events; its first byte decides.
func (w *response) streams() bool {
	media, _, _ := strings.Cut(w.header.Get("Content-Type"), ";")
	return w.stream != nil && w.status == http.StatusOK && strings.TrimSpace(media) == mediaEvents
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
	if !w.streams() {
		return w.body.Write(b)
	}
	if !w.streamed {
		if err := w.startStream(); err != nil {
			return 0, err
		}
	}
	if err := w.stream.write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ReadFrom implements io.ReaderFrom, by which generated code hands a reader over. That of a stream is left for pump, and the
// request's context ends after it: generated code would close it before.
func (w *response) ReadFrom(text io.Reader) (int64, error) {
	w.WriteHeader(http.StatusOK)
	if !w.streams() {
		return w.body.ReadFrom(text)
	}
	if _, closed := text.(io.Closer); closed || w.streamed || w.stream.text != nil {
		return 0, errors.New("the text of a stream is not one reader, or would be closed before it is read")
	}
	w.stream.text = text
	return 0, nil
}

// validate checks the answer against the operation. Nothing written at all is no answer.
func (w *response) validate(ctx context.Context) error {
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: w.input,
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

// sent is the length of the body in bytes.
func (w *response) sent() int {
	if w.streamed {
		return w.stream.sent
	}
	return w.body.Len()
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
