package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// askEvents reaches the one operation of the contract that streams.
var askEvents = ask{http.MethodGet, "/api/v3/qrcode-events?qrcodeId=a", ""}

const (
	pending = "id: 1\nevent: status\ndata: {\"status\":\"PENDING\",\"interval\":1}\n\n"
	scanned = "id: 2\nevent: status\ndata: {\"status\":\"SCANNED\",\ndata: \"interval\":1}\n\n" // in two lines
)

// telling is a server that streams a text.
func telling(text io.Reader) fake {
	return fake{events: func() (gen.StreamQRCodeEventsResponseObject, error) {
		return gen.StreamQRCodeEvents200TextEventStreamResponse{Body: text, Headers: gen.StreamQRCodeEvents200ResponseHeaders{CacheControl: pointer("no-store")}}, nil
	}}
}

// VisitStreamQRCodeEventsResponse implements gen.StreamQRCodeEventsResponseObject.
func (v visitor) VisitStreamQRCodeEventsResponse(w http.ResponseWriter) error { return v(w) }

// TestBrokenEventsNeverLeave: of a stream everything up to the first event that breaks the contract arrives, and nothing of
// that one or after it. The log says why, and not what was in it.
func TestBrokenEventsNeverLeave(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ event, reason string }{
		"a value out of the enum": {"event: status\ndata: {\"status\":\"hunter2\"}\n\n", "status"},
		"a member missing":        {"event: status\ndata: {\"ticket\":\"hunter2\"}\n\n", "status"},
		"a value too long":        {"event: status\ndata: {\"status\":\"AUTHORIZED\",\"ticket\":\"hunter2" + strings.Repeat("x", 128) + "\"}\n\n", "ticket"},
		"not an object":           {"event: status\ndata: \"hunter2\"\n\n", "object"},
		"no JSON":                 {"event: status\ndata: hunter2\n\n", "no JSON"},
		"two values":              {"event: status\ndata: {\"status\":\"PENDING\"}\ndata: {\"hunter2\":1}\n\n", "no JSON"},
		"data without a value":    {"event: status\ndata\n\n", "no JSON"},
		"an unknown name":         {"event: secret\ndata: {\"status\":\"PENDING\"}\n\n", "none of the contract's"},
		"no name":                 {"data: {\"status\":\"PENDING\"}\n\n", "none of the contract's"},
		"a line within a line":    {"event: status\ndata: {\"status\":\"PENDING\"}\rdata: hunter2\n\n", "carriage return"},
		"no end":                  {"event: status\ndata: \"" + strings.Repeat("hunter2", maxEvent/7+1) + "\"", "too long"},
		"too long":                {":" + strings.Repeat("hunter2", maxEvent/7+1) + "\n\n", "too long"},
		"half of it":              {"event: status\ndata: {\"status\":\"hunter2", "not whole"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "retry: 1000\n\n" + pending + ":\n\n" + scanned
			h, log := guarded(t, telling(strings.NewReader(text+c.event+pending[:1])))
			w := answer(h, askEvents.request())
			if w.Code != http.StatusOK || w.Body.String() != text {
				t.Errorf("HTTP %d %.500s", w.Code, w.Body)
			}
			for _, part := range []string{"level=ERROR", "a stream was cut off", "operation=streamQRCodeEvents", "request_id=" + w.Header().Get("X-Request-Id"), c.reason} {
				if !strings.Contains(log.String(), part) {
					t.Errorf("the log does not say %q: %s", part, log)
				}
			}
			if strings.Contains(log.String(), "hunter2") {
				t.Errorf("the log quotes the event: %s", log)
			}
		})
	}
}

// pieces keeps what arrives in one piece.
type pieces struct {
	*httptest.ResponseRecorder
	all     []string
	flushed int // pieces that were flushed
}

func (p *pieces) Write(b []byte) (int, error) {
	p.all = append(p.all, string(b))
	return p.ResponseRecorder.Write(b)
}

func (p *pieces) Flush() { p.flushed = len(p.all) }

// TestEventsLeaveWhole: however the text comes, each event leaves as it is whole, alone, and at once.
func TestEventsLeaveWhole(t *testing.T) {
	t.Parallel()
	want := []string{"retry: 1000\n\n", pending, ":\n\n", scanned}
	for name, split := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "in halves": iotest.HalfReader,
		"with the end": iotest.DataErrReader,
	} {
		h, log := guarded(t, telling(struct{ io.Reader }{split(strings.NewReader(strings.Join(want, "")))}))
		w := &pieces{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, askEvents.request())
		if fmt.Sprintf("%q", w.all) != fmt.Sprintf("%q", want) || w.flushed != len(want) {
			t.Errorf("%s: %q, %d flushed", name, w.all, w.flushed)
		}
		if strings.Contains(log.String(), "cut off") || !strings.Contains(log.String(), fmt.Sprintf("bytes=%d", w.Body.Len())) {
			t.Errorf("%s: the log says %s", name, log)
		}
	}
}

// TestEventsLeaveAtOnce: an event does not wait for the next one.
func TestEventsLeaveAtOnce(t *testing.T) {
	t.Parallel()
	in, text := io.Pipe()
	h, _ := guarded(t, telling(struct{ io.Reader }{in}))
	server := httptest.NewServer(h)
	defer server.Close()
	next := make(chan string, 3)
	go func() {
		for event := range next {
			_, _ = io.WriteString(text, event)
		}
		_ = text.Close()
	}()
	next <- pending
	response, err := http.Get(server.URL + askEvents.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	for i, event := range []string{pending, ":\n\n", scanned} {
		if i > 0 {
			next <- event
		}
		got := make([]byte, len(event))
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != event {
			t.Fatalf("%q, %v", got, err)
		}
	}
	close(next)
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestStreamsThatFail: what goes wrong in the middle of a stream ends it, after what was told, and is no answer within it. The
// log says why; that a client went is nothing to log as an error.
func TestStreamsThatFail(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func() error{
		"panic": func() error { panic("disk on fire") }, "error": func() error { return errors.New("disk on fire") },
	} {
		h, log := guarded(t, telling(struct{ io.Reader }{io.MultiReader(strings.NewReader(pending+"event: status\n"), reading(func([]byte) (int, error) { return 0, then() }))}))
		w := answer(h, askEvents.request())
		if w.Code != http.StatusOK || w.Body.String() != pending {
			t.Errorf("%s: HTTP %d %s", name, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), "a stream was cut off") || !strings.Contains(log.String(), "disk on fire") {
			t.Errorf("%s: the log says %s", name, log)
		}
	}
	h, log := guarded(t, telling(strings.NewReader(pending+scanned)))
	w := &leaver{httptest.NewRecorder()}
	h.ServeHTTP(w, askEvents.request())
	if strings.Contains(log.String(), "level=ERROR") || w.Body.Len() > 0 {
		t.Errorf("a client that went: %s %s", w.Body, log)
	}
}

// TestDeepCatches: what panics on a stack of its own would end the process.
func TestDeepCatches(t *testing.T) {
	t.Parallel()
	if err := deep(func() error { panic("disk on fire") }); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("%v", err)
	}
	if err := deep(func() error { return io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

type reading func([]byte) (int, error)

func (r reading) Read(b []byte) (int, error) { return r(b) }

// leaver is a client that has gone.
type leaver struct{ *httptest.ResponseRecorder }

func (*leaver) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestRefusedStreams: what is refused before the first event is an ordinary refusal, with the status and headers of one: a
// client cannot take it for a stream, and no proxy treats it as one.
func TestRefusedStreams(t *testing.T) {
	t.Parallel()
	refusing := func(err error) fake {
		return fake{events: func() (gen.StreamQRCodeEventsResponseObject, error) { return nil, err }}
	}
	visiting := func(v visitor) fake {
		return fake{events: func() (gen.StreamQRCodeEventsResponseObject, error) { return v, nil }}
	}
	for name, c := range map[string]struct {
		server fake
		status int
	}{
		"not found":             {refusing(&apierr.Error{Kind: apierr.NotFound, Code: "test.gone", Number: 404, EN: "No.", ZH: "不。"}), 404},
		"too many":              {refusing(apierr.ErrRateLimited), 429},
		"broken":                {refusing(errors.New("disk on fire")), 500},
		"panic":                 {fake{events: func() (gen.StreamQRCodeEventsResponseObject, error) { panic("disk on fire") }}, 500},
		"no answer":             {refusing(nil), 500},
		"another status":        {visiting(writing(201, pending, "Content-Type", mediaEvents)), 500},
		"another media type":    {visiting(writing(200, pending, "Content-Type", "text/event-streams")), 500},
		"JSON":                  {visiting(writing(200, `{"status":"PENDING"}`, "Content-Type", mediaJSON)), 500},
		"a text that is closed": {telling(struct{ io.ReadCloser }{io.NopCloser(strings.NewReader(pending))}), 500},
		"a status with no body": {visiting(writing(205, "")), 500},
	} {
		h, _ := guarded(t, c.server)
		w := answer(h, askEvents.request())
		if w.Code != c.status || number(t, w) != c.status || strings.Contains(w.Body.String(), "PENDING") {
			t.Errorf("%s: HTTP %d %s", name, w.Code, w.Body)
		}
		for header, want := range map[string]string{
			"Content-Type": mediaJSON, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "", "Etag": "",
		} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("%s: %s: %q, want %q", name, header, got, want)
			}
		}
	}
	h, _ := guarded(t, telling(strings.NewReader(pending)))
	for name, r := range map[string]*http.Request{
		"no id": ask{http.MethodGet, "/api/v3/qrcode-events", ""}.request(), "a bad id of an event": askEvents.request("Last-Event-ID", "x"),
	} {
		if w := answer(h, r); w.Code != 400 || w.Header().Get("Content-Type") != mediaJSON || w.Header().Get("X-Accel-Buffering") != "" {
			t.Errorf("%s: HTTP %d %v", name, w.Code, w.Header())
		}
	}
	h, _ = guarded(t, fake{events: func() (gen.StreamQRCodeEventsResponseObject, error) {
		return gen.StreamQRCodeEvents204Response{}, nil
	}})
	if w := answer(h, askEvents.request()); w.Code != 204 || w.Body.Len() != 0 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("HTTP %d %v", w.Code, w.Header())
	}
}

// FuzzStream: whatever a handler writes, and in whatever parts, what leaves is a beginning of it that ends with an event, and
// each event of it that a client sees is one of the contract's.
func FuzzStream(f *testing.F) {
	for _, text := range []string{
		"", "\n", "\n\n", "\n\n\n", pending, scanned, pending + scanned, ":\n\n" + pending, "retry: 1\n\n", "data", "data:", "data:\n\n", "data\n\n", "event: status\n\n",
		"event:status\ndata:{\"status\":\"PENDING\"}\n\n", "event: status\nevent: x\ndata: {\"status\":\"PENDING\"}\n\n", "data: {\"status\":\"PENDING\"}\nevent: status\n\n",
		"event:  status\ndata: {}\n\n", "event: status\r\ndata: {}\r\n\r\n", "event: status\ndata: {\"status\":\"PENDING\"}\rdata: x\n\n", "\ufeffevent: status\ndata: {\"status\":\"PENDING\"}\n\n",
		" data: x\n\n", "data : x\n\n", "Data: x\n\n", "id\ndata: 1\n\n",
	} {
		f.Add(text, 1)
		f.Add(text, 7)
	}
	schemas := map[string]*openapi3.Schema{"status": spec(f).Components.Schemas["CheckQRCodeStatusDataDto"].Value}
	f.Fuzz(func(t *testing.T, text string, size int) {
		send := func(size int) string {
			w := httptest.NewRecorder()
			s := &stream{to: w, control: http.NewResponseController(w), schemas: schemas}
			for part := []byte(text); len(part) > 0; {
				n := min(len(part), size)
				if s.write(part[:n]) != nil {
					break
				}
				part = part[n:]
			}
			return w.Body.String()
		}
		sent := send(max(1, size%64))
		if !strings.HasPrefix(text, sent) || sent != "" && !strings.HasSuffix(sent, "\n\n") {
			t.Fatalf("of %q %q was sent", text, sent)
		}
		if whole := send(len(text) + 1); whole != sent {
			t.Errorf("in parts %q was sent, as a whole %q", sent, whole)
		}
		for _, event := range client(sent) {
			var value any
			if event.name != "status" || json.Unmarshal(event.data, &value) != nil || schemas["status"].VisitJSON(value) != nil {
				t.Errorf("a client sees %s %s", event.name, event.data)
			}
		}
	})
}

type seen struct {
	name string
	data []byte
}

// client is what a browser makes of a stream (HTML Living Standard, section 9.2.6).
func client(text string) (events []seen) {
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	name, data := "", []byte(nil)
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			if len(data) > 0 {
				if name == "" {
					name = "message"
				}
				events = append(events, seen{name, bytes.TrimSuffix(data, []byte("\n"))})
			}
			name, data = "", nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			data = append(append(data, value...), '\n')
		}
	}
	return events
}

func spec(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
