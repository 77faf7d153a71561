package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/menshen-auth/menshen/openapi"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestHealth: the process lives as long as it answers, whatever its database does.
func TestHealth(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	for _, state := range []string{"with a database", "without one"} {
		r := must(h.Client.GetHealthWithResponse(t.Context()))(t)
		if r.JSON200 == nil || r.JSON200.Status != "ok" {
			t.Errorf("%s: HTTP %d %s", state, r.HTTPResponse.StatusCode, r.Body)
		}
		if head := h.Send("HEAD", "/healthz", nil, ""); head.HTTPResponse.StatusCode != 200 || len(head.Body) != 0 {
			t.Errorf("%s: HEAD: HTTP %d %s", state, head.HTTPResponse.StatusCode, head.Body)
		}
		if err := h.Store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadiness (T8): a server whose clock is off would take codes of the wrong time, and one without a database none at
// all. Both tell the load balancer when to ask again.
func TestReadiness(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	ready := func(what string) {
		t.Helper()
		if r := must(h.Client.GetReadinessWithResponse(t.Context()))(t); r.JSON200 == nil || r.JSON200.Status != "ok" {
			t.Errorf("%s: HTTP %d %s", what, r.HTTPResponse.StatusCode, r.Body)
		}
	}
	notReady := func(what string) {
		t.Helper()
		o := wantGate(t, what, must(h.Client.GetReadinessWithResponse(t.Context()))(t), 503)
		if o.StatusCode != 503 || o.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %v %s", what, o.Header, o.Body)
		}
	}
	ready("at first")
	for _, off := range []time.Duration{4 * time.Second, -4 * time.Second, time.Hour} { // 3 s are allowed
		h.Clock.Advance(off)
		notReady("a clock that is off by " + off.String())
		h.Clock.Advance(-off)
		ready("with the right time again")
	}
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	notReady("without a database")
}

// TestContractIsServed: the service tells its own contract, byte for byte, and the same as JSON.
func TestContractIsServed(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	asYAML := must(h.Client.GetContractYAMLWithResponse(t.Context()))(t)
	if !bytes.Equal(asYAML.Body, openapi.YAML) || asYAML.HTTPResponse.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("openapi.yaml: %d bytes of %s, want the %d that were built in", len(asYAML.Body), asYAML.HTTPResponse.Header.Get("Content-Type"), len(openapi.YAML))
	}
	asJSON := must(h.Client.GetContractJSONWithResponse(t.Context()))(t)
	var fromYAML, fromJSON struct {
		Paths map[string]map[string]any `yaml:"paths" json:"paths"`
	}
	if err := yaml.Unmarshal(openapi.YAML, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON.Body, &fromJSON); err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(fromYAML.Paths))
	if got := slices.Sorted(maps.Keys(fromJSON.Paths)); len(got) == 0 || !slices.Equal(got, want) {
		t.Errorf("openapi.json has the paths %v, openapi.yaml %v", got, want)
	}
	tag := asYAML.HTTPResponse.Header.Get("ETag")
	if len(tag) < 10 || tag[0] != '"' || asJSON.HTTPResponse.Header.Get("ETag") != tag {
		t.Errorf("ETags %s and %s", tag, asJSON.HTTPResponse.Header.Get("ETag"))
	}
	again := must(h.Replica().Client.GetContractYAMLWithResponse(t.Context()))(t)
	if got := again.HTTPResponse.Header.Get("ETag"); got != tag {
		t.Errorf("another replica has the ETag %s", got)
	}
}

// TestContractIsNotSentTwice (RFC 9110 section 13.1.2): who names the version it has is spared the body, also when a proxy
// has made the tag a weak one.
func TestContractIsNotSentTwice(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	for _, path := range []string{"/openapi.yaml", "/openapi.json"} {
		ask := func(known string) *harness.Raw {
			return h.Send("GET", path, http.Header{"If-None-Match": {known}}, "")
		}
		tag := ask(`"another"`).HTTPResponse.Header.Get("ETag")
		for known, want := range map[string]int{`"another"`: 200, tag: 304, `"another", ` + tag: 304, "W/" + tag: 304, "*": 304} {
			r := ask(known)
			if r.HTTPResponse.StatusCode != want || (len(r.Body) == 0) != (want == 304) || r.HTTPResponse.Header.Get("ETag") != tag {
				t.Errorf("%s, If-None-Match %s: HTTP %d, %d bytes, want HTTP %d", path, known, r.HTTPResponse.StatusCode, len(r.Body), want)
			}
		}
	}
}
