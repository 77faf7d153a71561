package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/tests/harness"
)

// must is harness.Must, which every test needs in every other line.
func must[T any](value T, err error) func(testing.TB) T { return harness.Must(value, err) }

// wantSuccess: the operation did what it was asked to.
func wantSuccess(t *testing.T, what string, result any) {
	t.Helper()
	if o := harness.OutcomeOf(result); !o.Success() {
		t.Errorf("%s: want success, got HTTP %d %s", what, o.HTTP, o.Body)
	}
}

// wantRefused: the operation refused, in the base dialect, and the message says why.
func wantRefused(t *testing.T, what string, result any, message string) {
	t.Helper()
	o := refusal(t, what, result, http.StatusOK)
	if o.Base == nil || o.Base.Code != harness.BaseFailure || !strings.Contains(o.Base.Msg, message) {
		t.Errorf("%s: want a refusal that says %q, got %s", what, message, o.Body)
	}
}

// wantStatus: the operation refused, in the status dialect. apiCode 0 is none.
func wantStatus(t *testing.T, what string, result any, statusCode, apiCode int) {
	t.Helper()
	o := refusal(t, what, result, http.StatusOK)
	if o.StatusCode != statusCode || o.APICode != apiCode || o.Message == "" || o.RequestID == "" {
		t.Errorf("%s: want statusCode %d and apiCode %d, got %s", what, statusCode, apiCode, o.Body)
	}
}

// wantCode: the operation refused, in the code dialect.
func wantCode(t *testing.T, what string, result any, code int) {
	t.Helper()
	o := refusal(t, what, result, http.StatusOK)
	if o.Code == nil || *o.Code != code || o.Msg == "" {
		t.Errorf("%s: want code %d, got %s", what, code, o.Body)
	}
}

// wantGate: the gate refused, with a real status and the envelope of the operation.
func wantGate(t *testing.T, what string, result any, status int) harness.Outcome {
	t.Helper()
	o := refusal(t, what, result, status)
	if o.Text() == "" {
		t.Errorf("%s: a refusal without an envelope: %s", what, o.Body)
	}
	return o
}

// refusal is what all refusals have in common: no data, and no tokens.
func refusal(t *testing.T, what string, result any, status int) harness.Outcome {
	t.Helper()
	o := harness.OutcomeOf(result)
	if o.HTTP != status {
		t.Errorf("%s: want HTTP %d, got %d %s", what, status, o.HTTP, o.Body)
	}
	if o.Data != nil || o.Header.Get("Access-Token") != "" || o.Header.Get("Refresh-Token") != "" {
		t.Errorf("%s: a refusal carries data: %v %s", what, o.Header, o.Body)
	}
	return o
}

// wantSame: nobody can tell the two answers apart, but for what names the request and the moment.
func wantSame(t *testing.T, what string, one, other any) {
	t.Helper()
	a, b := harness.OutcomeOf(one), harness.OutcomeOf(other)
	if bodyA, bodyB := anonymous(a), anonymous(b); a.HTTP != b.HTTP || bodyA != bodyB {
		t.Errorf("%s can be told apart: HTTP %d %s, HTTP %d %s", what, a.HTTP, bodyA, b.HTTP, bodyB)
	}
	for _, o := range []harness.Outcome{a, b} {
		o.Header.Del("X-Request-Id")
		o.Header.Del("Date")
	}
	var headersA, headersB strings.Builder
	_, _ = a.Header.Write(&headersA), b.Header.Write(&headersB) // builders take everything
	if headersA.String() != headersB.String() {
		t.Errorf("%s can be told apart by their headers: %v, %v", what, a.Header, b.Header)
	}
}

// codeID is what names a code that was made.
var codeID = regexp.MustCompile(`"codeID":"[0-9A-Za-z]{20}"`)

// anonymous is the body without the ids of request and code, which are also all that may vary in it.
func anonymous(o harness.Outcome) string {
	body := codeID.ReplaceAllString(o.Body, `"codeID":""`)
	if o.RequestID == "" {
		return body
	}
	return strings.ReplaceAll(body, o.RequestID, "")
}

func ptr[T any](v T) *T { return &v }

// wantText: a message says this.
func wantText(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("the message does not say %q:\n%s", part, text)
	}
}
