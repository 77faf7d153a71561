package httpapi

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/menshen-auth/menshen/openapi"
)

// TestFormatsAreKnown: the validator passes over a format that it does not know, so a contract that uses one promises
// what nobody checks.
func TestFormatsAreKnown(t *testing.T) {
	t.Parallel()
	var doc any
	if err := yaml.Unmarshal(openapi.YAML, &doc); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	collectFormats(doc, used)
	if !used["date-time"] || !used["uri"] {
		t.Fatalf("formats %v: the contract was not read", used)
	}
	for format := range used {
		if formats[format] == nil && openapi3.SchemaStringFormats[format] == nil &&
			openapi3.SchemaIntegerFormats[format] == nil && openapi3.SchemaNumberFormats[format] == nil {
			t.Errorf("the format %q is used in the contract and checked by nobody", format)
		}
	}
	for format := range formats {
		if !used[format] {
			t.Errorf("the format %q is checked and used nowhere", format)
		}
	}
}

func collectFormats(node any, used map[string]bool) {
	switch node := node.(type) {
	case map[string]any:
		_, typed := node["type"].(string)
		if format, ok := node["format"].(string); ok && typed {
			used[format] = true
		}
		for _, child := range node {
			collectFormats(child, used)
		}
	case []any:
		for _, child := range node {
			collectFormats(child, used)
		}
	}
}

// TestFormats: what passes for a URI.
func TestFormats(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		format, value string
		ok            bool
	}{
		{"uri", "https://id.example.com/a?b#c", true},
		{"uri", "urn:a:b", true},
		{"uri", "", false},
		{"uri", "/relative", false},
		{"uri", "id.example.com", false},
		{"uri", "http://[::1", false},
		{"uri", "http://a b", false},
		{"uri", "https://x/\x7f", false},
		{"password", "anything", true},
		{"binary", "\xff\x00", true},
	} {
		if err := formats[c.format].Validate(c.value); (err == nil) != c.ok {
			t.Errorf("%s %q: %v", c.format, c.value, err)
		}
	}
}
