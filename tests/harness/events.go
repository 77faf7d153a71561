package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
)

// streams has no time-out: what it reads has no end.
var streams = &http.Client{Transport: httpClient.Transport}

// Event is a server-sent event.
type Event struct {
	ID, Name, Data string
}

// Status is what the page learns by an event.
func (e Event) Status(t testing.TB) gen.CheckQRCodeStatusDataDto {
	t.Helper()
	var status gen.CheckQRCodeStatusDataDto
	if err := json.Unmarshal([]byte(e.Data), &status); err != nil {
		t.Fatalf("event %+v: %v", e, err)
	}
	return status
}

// Events is an open stream of server-sent events, read as section 9.2.6 of the HTML Living Standard says. It shares nothing
// with the service.
type Events struct {
	t            testing.TB
	HTTPResponse *http.Response
	LastID       string        // of the newest event
	Retry        time.Duration // how long to wait before coming back, as the stream says
	Comments     int           // so far
	text         *bufio.Reader
	cancel       context.CancelFunc
}

// OpenEvents listens to a login QR code at a server, from after the event with the id lastID on; empty for all.
func OpenEvents(ctx context.Context, t testing.TB, server, pollID, lastID string) (*Events, error) {
	ctx, cancel := context.WithCancel(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/api/v3/qrcode-events?qrcodeId="+url.QueryEscape(pollID), nil)
	if err != nil {
		cancel()
		return nil, err
	}
	r.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	response, err := streams.Do(r)
	if err != nil {
		cancel()
		return nil, err
	}
	return &Events{t: t, HTTPResponse: response, LastID: lastID, text: bufio.NewReader(response.Body), cancel: cancel}, nil
}

// Events listens to the QR code, from after the event with the id lastID on; empty for all. It ends with the test.
func (l *Login) Events(lastID string) *Events {
	l.h.t.Helper()
	e, err := OpenEvents(context.Background(), l.h.t, l.h.URL, l.PollID, lastID)
	l.h.must(err)
	l.h.t.Cleanup(e.Close)
	if e.HTTPResponse.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(e.HTTPResponse.Body)
		l.h.t.Fatalf("events: HTTP %d %s", e.HTTPResponse.StatusCode, text)
	}
	return e
}

// Close goes away without a word.
func (e *Events) Close() {
	e.cancel()
	_ = e.HTTPResponse.Body.Close()
}

// Read waits for the next event, but not longer than Patience. At the end of the stream it returns io.EOF.
func (e *Events) Read() (Event, error) {
	defer time.AfterFunc(Patience, e.cancel).Stop()
	event, data := Event{Name: "message"}, []string(nil)
	for {
		line, err := e.text.ReadString('\n')
		if errors.Is(err, io.EOF) && line != "" {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return Event{}, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			event.ID = e.LastID
			if event.Data = strings.Join(data, "\n"); data != nil {
				return event, nil
			}
			event = Event{Name: "message"}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			e.Comments++
		case "id":
			e.LastID = value
		case "event":
			event.Name = value
		case "data":
			data = append(data, value)
		case "retry":
			if n, err := strconv.Atoi(value); err == nil {
				e.Retry = time.Duration(n) * time.Millisecond
			}
		}
	}
}

// Next is Read, and ends the test when there is no event.
func (e *Events) Next() Event {
	e.t.Helper()
	event, err := e.Read()
	if err != nil {
		e.t.Fatalf("no event: %v", err)
	}
	return event
}

// Rest are the events until the end of the stream, which must come.
func (e *Events) Rest() (rest []Event) {
	e.t.Helper()
	for {
		event, err := e.Read()
		if errors.Is(err, io.EOF) {
			return rest
		}
		if err != nil {
			e.t.Fatalf("the stream does not end well: %v; after %+v", err, rest)
		}
		rest = append(rest, event)
	}
}
