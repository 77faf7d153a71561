package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestReferenceTellsEveryRefusal: what an operation declares to refuse stands in its table; what the gate refuses, once.
func TestReferenceTellsEveryRefusal(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	var doc openapi3.T
	if err := json.Unmarshal(h.Send("GET", "/docs/openapi.json", nil, "").Body, &doc); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			codes, _ := op.Extensions["x-menshen-refusals"].([]any)
			for _, code := range codes {
				rows++
				if !strings.Contains(op.Description, "\n| `"+code.(string)+"` |") {
					t.Errorf("%s: nothing of %s in\n%s", op.OperationID, code, op.Description)
				}
			}
			if strings.Contains(op.Description, "`request.invalid`") || !strings.Contains(op.Description, "**Outcome.**") {
				t.Errorf("%s: %s", op.OperationID, op.Description)
			}
		}
	}
	if rows < 100 {
		t.Errorf("only %d refusals are declared", rows)
	}
	if !strings.Contains(doc.Info.Description, "`request.invalid`") {
		t.Error("nothing is told of the gate")
	}
}

// TestReferenceCanBeSwitchedOff: then there is nothing below /docs, and the gate says so in its own words.
func TestReferenceCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.Docs = "off" })
	for _, path := range []string{"/docs", "/docs/", "/docs/flows", "/docs/openapi.json", "/docs/swagger-ui-bundle.js"} {
		if o := wantGate(t, path, h.Send("GET", path, nil, ""), 404); o.StatusCode != 404 || o.RequestID == "" {
			t.Errorf("%s: %s", path, o.Body)
		}
	}
}
