package contract

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// terminal are the operations after which there is nothing to call, and why.
var terminal = map[string]string{
	"getContractJSON":    "it is read, and leads to any operation",
	"getContractYAML":    "the same",
	"getHealth":          "a probe asks again by its own clock",
	"getReadiness":       "the same",
	"getJWKS":            "the keys verify tokens without another call",
	"getOTPSecretByUser": "what is done with the secret happens elsewhere",
	"resetFactor":        "the factor is gone, and nothing waits",
	"unbindMFA":          "the same",
	"revokeToken":        "the session has ended",
	"sendWechatPush":     "WeChat calls it, and knows what it does next",
}

// TestOperationsSayWhatComesNext: whoever has an answer finds what to call with it, and which of its values go where. A link that leads
// nowhere, or carries what is not there, would be followed in vain.
func TestOperationsSayWhatComesNext(t *testing.T) {
	t.Parallel()
	all := map[string]operation{}
	for _, op := range operations(t) {
		all[op.OperationID] = op
	}
	for id, op := range all {
		links := op.Responses.Status(200).Value.Links
		if reason, ends := terminal[id]; ends == (len(links) > 0) {
			t.Errorf("%s: %d links, and among the terminal operations: %v (%s)", id, len(links), ends, reason)
		}
		for name, ref := range links {
			for _, err := range follow(op, all, ref.Value) {
				t.Errorf("%s, link %s: %v", id, name, err)
			}
		}
	}
	for id := range terminal {
		if _, ok := all[id]; !ok {
			t.Errorf("terminal: there is no operation %s", id)
		}
	}
}

// sentence is a description of one line.
var sentence = regexp.MustCompile("^[A-Z`].*\\.$")

// follow returns what is wrong with a link of an operation.
func follow(from operation, all map[string]operation, link *openapi3.Link) (wrong []error) {
	to, ok := all[link.OperationID]
	if !ok {
		return []error{fmt.Errorf("leads to %q, which there is not", link.OperationID)}
	}
	if !sentence.MatchString(link.Description) {
		wrong = append(wrong, fmt.Errorf("description %q: want a sentence of one line", link.Description))
	}
	for name, value := range link.Parameters {
		parameter := to.parameter(name)
		if parameter == nil {
			wrong = append(wrong, fmt.Errorf("%s has no parameter %s", link.OperationID, name))
			continue
		}
		wrong = append(wrong, flow(from, value, parameter.Schema.Value, name)...)
	}
	if link.RequestBody != nil {
		if to.RequestBody == nil {
			return append(wrong, fmt.Errorf("%s takes no body", link.OperationID))
		}
		wrong = append(wrong, flow(from, link.RequestBody, to.sampled().Schema.Value, "body")...)
	}
	return wrong
}

// flow returns what is wrong with a value of a link that goes to where a schema stands. An object need not be complete: the caller adds
// what only it knows.
func flow(from operation, value any, to *openapi3.Schema, where string) (wrong []error) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			property := to.Properties[name]
			if property == nil {
				wrong = append(wrong, fmt.Errorf("%s has no member %s", where, name))
				continue
			}
			wrong = append(wrong, flow(from, member, property.Value, where+"."+name)...)
		}
		return wrong
	case []any:
		for _, item := range value {
			wrong = append(wrong, flow(from, item, to.Items.Value, where+"[]")...)
		}
		return wrong
	case string:
		if !strings.HasPrefix(value, "$") {
			break
		}
		source, err := from.source(value)
		if err == nil && !slices.Equal(source.Type.Slice(), to.Type.Slice()) {
			err = fmt.Errorf("%s is of the type %v, %s of %v", value, source.Type.Slice(), where, to.Type.Slice())
		}
		if err != nil {
			return []error{err}
		}
		return nil
	}
	if err := to.VisitJSON(value, openapi3.VisitAsRequest()); err != nil {
		return []error{fmt.Errorf("%s: %w", where, err)}
	}
	return nil
}

// source is the schema of what a runtime expression (OpenAPI 3.0.3 section 4.7.20.3) takes from a call of the operation.
func (op operation) source(expression string) (*openapi3.Schema, error) {
	var schema *openapi3.Schema
	switch place, name, _ := strings.Cut(expression, "#/"); place {
	case "$response.body":
		schema = at(op.answer().Schema.Value, name)
	case "$request.body":
		schema = at(op.sampled().Schema.Value, name)
	default:
		name, isResponse := strings.CutPrefix(expression, "$response.header.")
		if header := op.Responses.Status(200).Value.Headers[name]; isResponse && header != nil {
			schema = header.Value.Schema.Value
		}
		name, isRequest := strings.CutPrefix(expression, "$request.")
		if parameter := op.parameter(name); isRequest && parameter != nil {
			schema = parameter.Schema.Value
		}
	}
	if schema == nil {
		return nil, fmt.Errorf("%s: there is nothing", expression)
	}
	return schema, nil
}

// parameter returns that of a name, with or without its place before it; nil for none.
func (op operation) parameter(name string) *openapi3.Parameter {
	for _, ref := range op.Parameters {
		if p := ref.Value; name == p.Name || name == p.In+"."+p.Name {
			return p
		}
	}
	return nil
}

// at is the schema to which a JSON pointer leads; nil for none.
func at(schema *openapi3.Schema, pointer string) *openapi3.Schema {
	for step := range strings.SplitSeq(pointer, "/") {
		_, err := strconv.Atoi(step)
		switch property := schema.Properties[step]; {
		case property != nil:
			schema = property.Value
		case err == nil && schema.Items != nil:
			schema = schema.Items.Value
		default:
			return nil
		}
	}
	return schema
}

// TestWrongLinksAreFound: a check of links that finds nothing would let everything pass.
func TestWrongLinksAreFound(t *testing.T) {
	t.Parallel()
	all := map[string]operation{}
	for _, op := range operations(t) {
		all[op.OperationID] = op
	}
	from := all["createQRCode"]
	good := openapi3.Link{OperationID: "getQRCodeStatus", Description: "Ask.", Parameters: map[string]any{"qrcodeId": "$response.body#/data/qrcodeId"}}
	if wrong := follow(from, all, &good); wrong != nil {
		t.Fatalf("a good link: %v", wrong)
	}
	for name, change := range map[string]func(*openapi3.Link){
		"to nowhere":                   func(l *openapi3.Link) { l.OperationID = "getNothing" },
		"without a description":        func(l *openapi3.Link) { l.Description = "" },
		"of two lines":                 func(l *openapi3.Link) { l.Description = "Ask.\nAgain." },
		"to no parameter":              func(l *openapi3.Link) { l.Parameters = map[string]any{"id": "a"} },
		"from no member":               func(l *openapi3.Link) { l.Parameters = map[string]any{"qrcodeId": "$response.body#/data/id"} },
		"from no header":               func(l *openapi3.Link) { l.Parameters = map[string]any{"qrcodeId": "$response.header.Id"} },
		"from no parameter":            func(l *openapi3.Link) { l.Parameters = map[string]any{"qrcodeId": "$request.query.id"} },
		"from no member that was sent": func(l *openapi3.Link) { l.Parameters = map[string]any{"qrcodeId": "$request.body#/id"} },
		"from no place":                func(l *openapi3.Link) { l.Parameters = map[string]any{"qrcodeId": "$response"} },
		"of another type":              func(l *openapi3.Link) { l.Parameters = map[string]any{"qrcodeId": "$response.body#/data/expiresIn"} },
		"of a wrong constant":          func(l *openapi3.Link) { l.Parameters = map[string]any{"qrcodeId": ""} },
		"with a body":                  func(l *openapi3.Link) { l.RequestBody = map[string]any{} },
		"with no member": func(l *openapi3.Link) {
			*l = openapi3.Link{OperationID: "setQRCodeStatus", Description: "Scan.", RequestBody: map[string]any{"id": "a"}}
		},
		"with a wrong member": func(l *openapi3.Link) {
			*l = openapi3.Link{OperationID: "setQRCodeStatus", Description: "Scan.", RequestBody: map[string]any{"action": "LOOK"}}
		},
	} {
		link := good
		change(&link)
		if follow(from, all, &link) == nil {
			t.Errorf("a link %s passes", name)
		}
	}
}
