package harness

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// Must returns what a call of the generated client returned, and ends the test when nobody answered:
//
//	r := harness.Must(h.Client.GetHealthWithResponse(ctx))(t)
func Must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// Raw is an answer that no generated code has looked at.
type Raw struct {
	Body         []byte
	HTTPResponse *http.Response
}

// Send makes a request that the generated client would not make. Header values are sent as they are, repeated and empty
// ones too.
func (h *Instance) Send(method, path string, header http.Header, body string) *Raw {
	h.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, h.URL+path, strings.NewReader(body))
	h.must(err)
	for name, values := range header {
		r.Header[name] = values
	}
	response, err := httpClient.Do(r)
	h.must(err)
	text, err := io.ReadAll(response.Body)
	h.must(err)
	h.check(response.Body.Close())
	return &Raw{text, response}
}

// Outcome is what an answer says, in whichever dialect.
type Outcome struct {
	HTTP   int         `json:"-"`
	Header http.Header `json:"-"`
	Body   string      `json:"-"`

	Base *struct { // base dialect
		Code int    `json:"code"`
		Msg  string `json:"msg"`
	} `json:"base"`

	StatusCode int    `json:"statusCode"` // status dialect
	APICode    int    `json:"apiCode"`
	Message    string `json:"message"`
	RequestID  string `json:"requestId"`

	Code *int   `json:"code"` // code dialect
	Msg  string `json:"msg"`

	Error       string `json:"error"` // oauth dialect
	Description string `json:"error_description"`

	Data json.RawMessage `json:"data"`
}

// OutcomeOf reads a result of the generated client, or a *Raw.
func OutcomeOf(result any) Outcome {
	v := reflect.Indirect(reflect.ValueOf(result))
	body := v.FieldByName("Body").Bytes()
	response := v.FieldByName("HTTPResponse").Interface().(*http.Response)
	o := Outcome{HTTP: response.StatusCode, Header: response.Header, Body: string(body)}
	_ = json.Unmarshal(body, &o) // what is no JSON says nothing
	return o
}

// Success tells whether the operation did what it was asked to.
func (o Outcome) Success() bool {
	switch {
	case o.HTTP != http.StatusOK:
		return false
	case o.Base != nil:
		return o.Base.Code == BaseSuccess
	case o.Code != nil:
		return *o.Code == 0
	case o.StatusCode != 0:
		return o.StatusCode == http.StatusOK
	}
	return o.Error == "" // no envelope: the HTTP status says it
}

// Text is the message for people.
func (o Outcome) Text() string {
	if o.Base != nil {
		return o.Base.Msg
	}
	return o.Message + o.Msg + o.Description
}
