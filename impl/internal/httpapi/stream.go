package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

const (
	mediaEvents = "text/event-stream"
	// eventsExtension says, beside the schema of a stream, which schema the data of an event of each name has. OpenAPI 3.0
	// has no word for that.
	eventsExtension = "x-menshen-events"
	// streamWrite is how long a client may take to accept an event. The server's own limit is for whole answers.
	streamWrite = 10 * time.Second
	// maxEvent bounds an event, in bytes.
	maxEvent = 64 << 10
)

// eventSchemas are the schemas of an operation's events, by name; nil for an operation that does not stream.
func eventSchemas(doc *openapi3.T, op *openapi3.Operation) (map[string]*openapi3.Schema, error) {
	ok := op.Responses.Status(http.StatusOK)
	if ok == nil || ok.Value.Content[mediaEvents] == nil {
		return nil, nil
	}
	names, _ := ok.Value.Content[mediaEvents].Extensions[eventsExtension].(map[string]any)
	schemas := map[string]*openapi3.Schema{}
	for name, ref := range names {
		text, _ := ref.(string)
		component := doc.Components.Schemas[strings.TrimPrefix(text, "#/components/schemas/")]
		if component == nil {
			return nil, fmt.Errorf("%s: event %s has the unknown schema %q", eventsExtension, name, text)
		}
		schemas[name] = component.Value
	}
	if len(schemas) == 0 {
		return nil, fmt.Errorf("streams without %s", eventsExtension)
	}
	return schemas, nil
}

// stream sends an answer of server-sent events as it comes. Held back is only what has not been checked: each event until it
// is whole.
type stream struct {
	to      http.ResponseWriter
	control *http.ResponseController
	schemas map[string]*openapi3.Schema
	request string // X-Request-Id
	head    bool   // the client asks for the headers only
	text    io.Reader
	partial bytes.Buffer
	sent    int
	broken  error // the first event that breaks the contract; it and what follows are not sent
	gone    bool  // the client is
}

// startStream checks everything but the body, and sends the headers.
func (w *response) startStream() error {
	s := w.stream
	err := openapi3filter.ValidateResponse(w.input.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: w.input, Status: w.status, Header: w.header,
		Options: &openapi3filter.Options{ExcludeResponseBody: true, IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		return err
	}
	s.control = http.NewResponseController(s.to)
	_ = s.control.SetReadDeadline(time.Time{}) // one that passes would end the request; a writer that has none is in memory
	header := s.to.Header()
	for name, values := range w.header {
		header[name] = values
	}
	header.Set("X-Request-Id", s.request)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Accel-Buffering", "no") // nginx would wait for more
	s.to.WriteHeader(w.status)
	w.streamed, w.input = true, nil
	return nil
}

// partSize is how much text is read at a time, in bytes; most events are shorter.
const partSize = 1 << 10

// pump sends the text that a handler has left. Waiting for events takes minutes, thousands of times at once, so it is done
// without what a request needs at first: the deep stack (see deep), and all that was validated.
func (s *stream) pump() (err error) {
	defer caught(&err)
	for part := make([]byte, partSize); ; {
		n, err := s.text.Read(part)
		if n > 0 {
			if err := s.write(part[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// deep runs what takes a lot of stack on a stack of its own. One that has grown shrinks late and by halves, and would be kept
// by each stream.
func deep(f func() error) error {
	done := make(chan error)
	go func() {
		var err error
		defer func() { done <- err }()
		defer caught(&err)
		err = f()
	}()
	return <-done
}

// errHead ends a stream that nobody reads: net/http sends the headers when the handler returns.
var errHead = errors.New("only the headers were asked for")

// write takes a part of the text and sends the events that are whole by it.
func (s *stream) write(part []byte) error {
	if s.broken != nil {
		return s.broken
	}
	if s.head {
		s.gone = true
		return errHead
	}
	s.partial.Write(part)
	for {
		end := bytes.Index(s.partial.Bytes(), []byte("\n\n"))
		if end > maxEvent || end < 0 && s.partial.Len() > maxEvent {
			s.broken = errors.New("an event is too long")
		}
		if s.broken != nil || end < 0 {
			return s.broken
		}
		event := s.partial.Next(end + 2)
		if s.broken = deep(func() error { return s.check(event) }); s.broken != nil {
			return s.broken
		}
		_ = s.control.SetWriteDeadline(time.Now().Add(streamWrite))
		n, err := s.to.Write(event)
		s.sent += n
		if err != nil {
			s.gone = true
			return err
		}
		_ = s.control.Flush() // the next write fails too if the client is gone
	}
}

// check validates the data of an event (HTML Living Standard, section 9.2.6: lines of the form "field: value").
func (s *stream) check(event []byte) error {
	if bytes.ContainsRune(event, '\r') {
		return errors.New("an event has a carriage return, where clients end a line")
	}
	name, data := "message", []string(nil)
	for line := range strings.SplitSeq(string(event), "\n") {
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			data = append(data, value)
		}
	}
	if data == nil {
		return nil // a comment, or an order to the client
	}
	schema := s.schemas[name]
	if schema == nil {
		return fmt.Errorf("event %q is none of the contract's", name)
	}
	var value any
	if err := json.Unmarshal([]byte(strings.Join(data, "\n")), &value); err != nil {
		return fmt.Errorf("event %q: data is no JSON", name)
	}
	checks := append([]openapi3.SchemaValidationOption{openapi3.VisitAsResponse(), openapi3.MultiErrors()}, options.SchemaValidationOptions...)
	if err := schema.VisitJSON(value, checks...); err != nil {
		return fmt.Errorf("event %q: %w", name, err)
	}
	return nil
}
