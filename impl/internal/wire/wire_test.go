package wire

import (
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
