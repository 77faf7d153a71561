package contract

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

const (
	mediaJSON    = "application/json"
	mediaForm    = "application/x-www-form-urlencoded"
	mediaXML     = "text/xml"
	mediaProblem = "application/problem+json"
)

// request is what goes over the wire, tidied by nobody.
type request struct {
	method string // POST when empty
	path   string // with its query
	media  string // Content-Type; none when empty
	header http.Header
	body   string
}

func post(path, body string) request {
	return request{path: path, media: mediaJSON, body: body}
}

func get(path string) request { return request{method: http.MethodGet, path: path} }

// with returns the request with one more header value.
func (r request) with(name, value string) request {
	header := r.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Add(name, value)
	r.header = header
	return r
}

// unless returns the request with the headers that it does not have itself.
func (r request) unless(headers map[string]string) request {
	for name, value := range headers {
		if _, sent := r.header[http.CanonicalHeaderKey(name)]; !sent {
			r = r.with(name, value)
		}
	}
	return r
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) media() string { return a.header.Get("Content-Type") }

// problem reads problem details.
func (a answer) problem(t testing.TB) (p struct {
	Type, Title, Detail, Code, RequestID string
	Status                               int
},
) {
	t.Helper()
	if a.media() != mediaProblem {
		t.Fatalf("%s, want %s: %.300s", a.media(), mediaProblem, a.body)
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("%v: %.300s", err, a.body)
	}
	return p
}

var client = &http.Client{Timeout: 30 * time.Second}

func send(t testing.TB, h *harness.Instance, r request) answer {
	t.Helper()
	method := r.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, h.URL+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	response, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// start returns a Menshen that limits nothing, for tests that send a lot.
func start(t testing.TB) *harness.Instance {
	t.Helper()
	return harness.New(t, func(c *app.Config) {
		v := reflect.ValueOf(c).Elem()
		for _, field := range reflect.VisibleFields(v.Type()) {
			if strings.HasPrefix(field.Name, "Limit") {
				v.FieldByIndex(field.Index).FieldByName("Max").SetInt(0)
			}
		}
		c.SMSBudget = 0
	})
}

// checkAnswer holds an answer against the contract: status, headers, media type and body of the operation, and what every
// answer has.
func checkAnswer(t testing.TB, op operation, a answer) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), op.method, "http://menshen"+op.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: request,
			Route:   &routers.Route{Spec: contract(t), Path: op.path, PathItem: op.item, Method: op.method, Operation: op.Operation},
		},
		Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)),
		Options: &openapi3filter.Options{
			IncludeResponseStatus:   true,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.EnableFormatValidation()},
		},
	})
	if err != nil {
		t.Errorf("%s: HTTP %d breaks the contract: %v\n%.300s", op.OperationID, a.status, err, a.body)
	}
	checkHeaders(t, op.dialect, a)
}

// checkHeaders looks at what every answer has.
func checkHeaders(t testing.TB, d dialect, a answer) {
	t.Helper()
	checkCommonHeaders(t, a)
	if d == status && a.media() == mediaJSON && a.status != http.StatusOK {
		if o, id := d.read(t, a.body), a.header.Get("X-Request-Id"); o.requestID != id || o.number != a.status {
			t.Errorf("requestId %q and statusCode %d, want those of the headers, %q and %d", o.requestID, o.number, id, a.status)
		}
	}
}

func checkCommonHeaders(t testing.TB, a answer) {
	t.Helper()
	if a.header.Get("X-Request-Id") == "" || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Cache-Control") == "" {
		t.Errorf("X-Request-Id, X-Content-Type-Options or Cache-Control is missing: %v", a.header)
	}
}
