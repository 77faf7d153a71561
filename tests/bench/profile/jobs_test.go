package main

import (
	"net/http"
	"testing"

	"github.com/menshen-auth/menshen/tests/harness"
)

// TestJobs: each job makes what it needs and can then be repeated: a profile is of the work, not of refusals.
func TestJobs(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	for name, prepare := range jobs {
		r, err := prepare(t.Context(), h.Client, h.Credentials)
		for range 3 {
			if err == nil {
				err = r.send(t.Context(), http.DefaultClient, h.URL)
			}
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := request{method: http.MethodGet, path: "/auth/mfa/qrcode", success: `"code":10000`}
	if r.send(t.Context(), http.DefaultClient, h.URL) == nil {
		t.Error("a refusal passes for the work")
	}
}
