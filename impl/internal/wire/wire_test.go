package wire

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

// TestBaseTime: the base dialect writes times without a zone, so they are those of UTC wherever the server is, whole
// seconds, and a machine can sort them.
func TestBaseTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 1, 2, 3, 999_999_999, time.FixedZone("CST", 8*3600))
	if got := BaseTime(at); got != "2025-12-31 17:02:03" {
		t.Errorf("%s", got)
	}
}

// TestEither: the body that there is, and a form where there is no JSON.
func TestEither(t *testing.T) {
	t.Parallel()
	json, form := "json", "form"
	for want, bodies := range map[string][2]*string{"json": {&json, nil}, "form": {nil, &form}} {
		if got := Either(bodies[0], bodies[1]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSent: a member comes back as the client wrote it, found by its exact name; without a body, or where the validated value
// does not come from there, that stays.
func TestSent(t *testing.T) {
	t.Parallel()
	body := []byte(`{"OPTIONS":{"context":1},"options" : {"Context":2, "context": { "b":1.0,"a":"\u00e9" } }, "context":3}`)
	validated := json.RawMessage(`{"a":"é","b":1.0}`)
	ctx := WithBody(t.Context(), body)
	for _, test := range []struct {
		ctx       context.Context
		validated json.RawMessage
		path      []string
		want      string
	}{
		{ctx, validated, []string{"options", "context"}, `{ "b":1.0,"a":"\u00e9" }`},
		{ctx, validated, []string{"context"}, `3`},
		{ctx, nil, []string{"options", "context"}, ""},
		{ctx, validated, []string{"options", "other"}, string(validated)},
		{ctx, validated, []string{"context", "context"}, string(validated)},
		{t.Context(), validated, []string{"context"}, string(validated)},
		{WithBody(t.Context(), []byte("a=b")), validated, []string{"context"}, string(validated)},
	} {
		if got := Sent(test.ctx, test.validated, test.path...); string(got) != test.want {
			t.Errorf("%v: %s, want %s", test.path, got, test.want)
		}
	}
}
