package contract

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// operationID is a verb and more: generated clients have it as the name of a function.
var operationID = regexp.MustCompile(
	`^(bind|change|check|create|enroll|exchange|get|import|introspect|list|login|make|redeem|register|reset|revoke|send|set|sign|stream|unbind|verify)[A-Z][A-Za-z]*$`)

// TestOperationsAreComplete: whoever reads an operation finds its name, its purpose in both languages, who may call it,
// examples, and how it fails.
func TestOperationsAreComplete(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	ids := map[string]bool{}
	for _, op := range operations(t) {
		t.Run(op.OperationID, func(t *testing.T) {
			if !operationID.MatchString(op.OperationID) {
				t.Errorf("the operationId is not a verb and a noun in lower camel case")
			}
			if ids[op.OperationID] {
				t.Errorf("the operationId is used twice")
			}
			ids[op.OperationID] = true
			if len(op.Tags) != 1 || doc.Tags.Get(op.Tags[0]) == nil {
				t.Errorf("tags %v: want exactly one that base.yaml declares", op.Tags)
			}
			if !hasHan(op.Summary) || !regexp.MustCompile(`[A-Za-z]{2}`).MatchString(op.Summary) {
				t.Errorf("summary %q: want English and Chinese", op.Summary)
			}
			if strings.TrimSpace(op.Description) == "" {
				t.Error("no description")
			}
			if op.Security == nil {
				t.Error("security is not stated; `security: []` says that anybody may call")
			}
			if codes := op.refusals(); !slices.IsSorted(codes) {
				t.Errorf("x-menshen-refusals %v: not in the order of the alphabet", codes)
			}
			checkFailure(t, op)
		})
	}
}

// checkFailure: the dialect is read from the default response, and clients may ask for problem details everywhere.
func checkFailure(t *testing.T, op operation) {
	t.Helper()
	want := map[string]string{"application/json": string(op.dialect) + "Error", "application/problem+json": "Problem"}
	content := op.Responses.Default().Value.Content
	for mediaType, name := range want {
		if media := content[mediaType]; media == nil || media.Schema.Ref != "#/components/schemas/"+name {
			t.Errorf("default response: %s is not %s", mediaType, name)
		}
	}
	if len(content) != len(want) {
		t.Errorf("default response: %d media types, want %d", len(content), len(want))
	}
	if op.Responses.Status(200) == nil {
		t.Error("no 200 response")
	}
	for answered, response := range op.Responses.Map() {
		cacheable := answered == "304" && op.Responses.Status(200).Value.Headers["ETag"] != nil
		resumed := answered == "204" && op.Responses.Status(200).Value.Content["text/event-stream"] != nil
		if answered != "200" && answered != "default" && !cacheable && !resumed {
			t.Errorf("response %s: what is no failure is 200, 304 beside an ETag, or 204 at the end of events", answered)
		}
		if answered != "default" && strings.TrimSpace(*response.Value.Description) == "" {
			t.Errorf("response %s: no description", answered)
		}
	}
}

// TestDataSchemasAreNamed: consumers get a type with a name for every object, not one made up by their generator.
func TestDataSchemasAreNamed(t *testing.T) {
	t.Parallel()
	named := contract(t).Components.Schemas
	schemas(t, func(where string, schema *openapi3.Schema) {
		if named[where] == nil && len(schema.Properties) > 0 {
			t.Errorf("%s: an object with members, written in place; name it under components.schemas", where)
		}
	})
	for _, op := range operations(t) {
		for _, media := range []*openapi3.MediaType{op.body("application/json"), op.body("application/x-www-form-urlencoded"), op.answer()} {
			if media != nil && media.Schema.Ref == "" {
				t.Errorf("%s: a body whose schema is not under components.schemas", op.OperationID)
			}
		}
	}
}

// TestEnumsHaveNoDuplicates: a value that comes twice is a slip, and two names for it in every client.
func TestEnumsHaveNoDuplicates(t *testing.T) {
	t.Parallel()
	schemas(t, func(where string, schema *openapi3.Schema) {
		seen := map[string]bool{}
		for _, value := range schema.Enum {
			if text := fmt.Sprint(value); seen[text] {
				t.Errorf("%s: %s is in the enum twice", where, text)
			} else {
				seen[text] = true
			}
		}
		if names, ok := schema.Extensions["x-enum-varnames"].([]any); ok && len(names) != len(schema.Enum) {
			t.Errorf("%s: %d names for %d values", where, len(names), len(schema.Enum))
		}
	})
}

// TestComponentsAreUsed: what nothing refers to is what somebody forgot to remove.
func TestComponentsAreUsed(t *testing.T) {
	t.Parallel()
	text := string(read(t, moduleRoot(t)+"/openapi/openapi.yaml"))
	c := contract(t).Components
	used := func(kind, name string) {
		if !regexp.MustCompile(`'#/components/` + kind + `/` + name + `'`).MatchString(text) {
			t.Errorf("components.%s.%s: nothing refers to it", kind, name)
		}
	}
	for name := range c.Schemas {
		used("schemas", name)
	}
	for name := range c.Parameters {
		used("parameters", name)
	}
	for name := range c.Responses {
		used("responses", name)
	}
	for name := range c.Headers {
		used("headers", name)
	}
	for name := range c.Examples {
		used("examples", name)
	}
	for name := range c.SecuritySchemes {
		if !strings.Contains(text, "- "+name+": []") {
			t.Errorf("components.securitySchemes.%s: no operation takes it", name)
		}
	}
}
