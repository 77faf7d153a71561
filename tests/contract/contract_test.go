package contract

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/openapi"
)

// spec is the merged contract, resolved.
var spec = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openapi.YAML)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background(), openapi3.EnableExamplesValidation())
})

func contract(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := spec()
	if err != nil {
		t.Fatalf("the contract is not valid: %v", err)
	}
	return doc
}

// operation is an operation of the contract, with what its place says about it.
type operation struct {
	*openapi3.Operation
	method, path string
	item         *openapi3.PathItem
	dialect      dialect
}

// operations returns all of them, by operationId.
func operations(t testing.TB) []operation {
	t.Helper()
	var list []operation
	for path, item := range contract(t).Paths.Map() {
		for method, op := range item.Operations() {
			list = append(list, operation{op, method, path, item, dialectOf(t, op)})
		}
	}
	slices.SortFunc(list, func(a, b operation) int { return cmp.Compare(a.OperationID, b.OperationID) })
	if len(list) < 20 {
		t.Fatalf("only %d operations: the contract was not read", len(list))
	}
	return list
}

func find(t testing.TB, operationID string) operation {
	t.Helper()
	for _, op := range operations(t) {
		if op.OperationID == operationID {
			return op
		}
	}
	t.Fatalf("no operation %s", operationID)
	return operation{}
}

// body is the request body of a media type, nil without one.
func (op operation) body(mediaType string) *openapi3.MediaType {
	if op.RequestBody == nil {
		return nil
	}
	return op.RequestBody.Value.Content[mediaType]
}

// sampled is the request body whose examples are tried: JSON, or the form where there is nothing else.
func (op operation) sampled() *openapi3.MediaType {
	return cmp.Or(op.body(mediaJSON), op.body(mediaForm))
}

// sentAs is the media type of sampled.
func (op operation) sentAs() string {
	if op.body(mediaJSON) != nil {
		return mediaJSON
	}
	return mediaForm
}

// answer is the JSON answer with HTTP 200, nil where the operation answers with something else.
func (op operation) answer() *openapi3.MediaType {
	return op.Responses.Status(200).Value.Content["application/json"]
}

// enveloped tells whether refusals are an answer of the operation: HTTP 200, in the dialect.
func (op operation) enveloped() bool {
	media := op.answer()
	return media != nil && media.Schema.Value.Properties[op.dialect.property()] != nil
}

// refusals are the codes of what the operation itself refuses.
func (op operation) refusals() (codes []string) {
	list, _ := op.Extensions["x-menshen-refusals"].([]any)
	for _, code := range list {
		codes = append(codes, code.(string))
	}
	return codes
}

// examples returns the values of all examples of a media type, by name.
func examples(media *openapi3.MediaType) map[string]any {
	list := map[string]any{}
	if media.Example != nil {
		list["example"] = media.Example
	}
	for name, example := range media.Examples {
		list[name] = example.Value.Value
	}
	return list
}

// schemas calls visit for every schema of the contract that is written in place, with where it is. Schemas behind a $ref
// are visited once, under components.
func schemas(t testing.TB, visit func(where string, schema *openapi3.Schema)) {
	t.Helper()
	var walk func(where string, ref *openapi3.SchemaRef)
	walk = func(where string, ref *openapi3.SchemaRef) {
		if ref == nil || ref.Ref != "" {
			return
		}
		visit(where, ref.Value)
		for name, property := range ref.Value.Properties {
			walk(where+"."+name, property)
		}
		walk(where+"[]", ref.Value.Items)
		walk(where+".*", ref.Value.AdditionalProperties.Schema)
	}
	content := func(where string, content openapi3.Content) {
		for mediaType, media := range content {
			walk(where+" "+mediaType, media.Schema)
		}
	}
	responses := func(where string, response *openapi3.ResponseRef) {
		if response.Ref != "" {
			return
		}
		content(where, response.Value.Content)
		for name, header := range response.Value.Headers {
			if header.Ref == "" {
				walk(where+" header "+name, header.Value.Schema)
			}
		}
	}
	c := contract(t).Components
	for name, schema := range c.Schemas {
		walk(name, schema)
	}
	for name, parameter := range c.Parameters {
		walk("parameter "+name, parameter.Value.Schema)
	}
	for name, header := range c.Headers {
		walk("header "+name, header.Value.Schema)
	}
	for name, response := range c.Responses {
		responses("response "+name, response)
	}
	for _, op := range operations(t) {
		for _, parameter := range op.Parameters {
			if parameter.Ref == "" {
				walk(op.OperationID+" parameter "+parameter.Value.Name, parameter.Value.Schema)
			}
		}
		if op.RequestBody != nil {
			content(op.OperationID+" body", op.RequestBody.Value.Content)
		}
		for status, response := range op.Responses.Map() {
			responses(op.OperationID+" "+status, response)
		}
	}
}

// moduleRoot is the directory of go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}

// hasHan tells whether text has a Chinese character.
func hasHan(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 0x4E00 && r <= 0x9FFF })
}
