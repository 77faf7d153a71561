package contract

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// dataAtTimes are the operations whose success has data in some cases only.
var dataAtTimes = map[string]string{"changeQRCodeStatus": "its older clients know none; after SCAN there is what the user must see (Q5)"}

// TestOperationsHaveExamples: the reference shows every operation by its examples, and "try it out" sends them. There is one of each
// body and answer that is no picture, of a refusal where the operation has any, and of each parameter that must be sent.
func TestOperationsHaveExamples(t *testing.T) {
	t.Parallel()
	for _, op := range operations(t) {
		bodies := map[string]openapi3.Content{"200": op.Responses.Status(200).Value.Content, "default": op.Responses.Default().Value.Content}
		if op.RequestBody != nil {
			bodies["request"] = op.RequestBody.Value.Content
		}
		for where, content := range bodies {
			for mediaType, media := range content {
				if len(examples(media)) == 0 && media.Schema.Value.Format != "binary" {
					t.Errorf("%s, %s, %s: no example", op.OperationID, where, mediaType)
				}
				if mediaType == mediaForm && len(content) == 1 {
					checkFormExample(t, op, media)
				}
			}
		}
		for _, parameter := range op.Parameters {
			if p := parameter.Value; p.Required && p.Example == nil {
				t.Errorf("%s: %s has no example", op.OperationID, p.Name)
			}
		}
		if op.enveloped() && op.refuses() && !op.showsRefusal(t) {
			t.Errorf("%s: no example of a refusal", op.OperationID)
		}
	}
}

// checkFormExample: the fields of a form are filled from the examples of the schema's members, not from that of the whole.
func checkFormExample(t *testing.T, op operation, media *openapi3.MediaType) {
	t.Helper()
	for _, example := range examples(media) {
		for name := range example.(map[string]any) {
			if media.Schema.Value.Properties[name].Value.Example == nil {
				t.Errorf("%s: the member %s of its form has no example", op.OperationID, name)
			}
		}
	}
}

// refuses tells whether the operation or its security refuses anything.
func (op operation) refuses() bool {
	open := len(*op.Security) == 0 || slices.ContainsFunc(*op.Security, func(r openapi3.SecurityRequirement) bool { return len(r) == 0 })
	return !open || len(op.refusals()) > 0
}

func (op operation) showsRefusal(t *testing.T) bool {
	t.Helper()
	for _, example := range examples(op.answer()) {
		if !op.dialect.read(t, encode(t, example)).success {
			return true
		}
	}
	return false
}

// TestExamplesAreTrue: what a reader copies from the contract works. The loading of the contract validates every example
// against its schema; here it is looked at whether they are examples of what they should be.
func TestExamplesAreTrue(t *testing.T) {
	t.Parallel()
	for _, op := range operations(t) {
		if !op.enveloped() {
			continue
		}
		t.Run(op.OperationID, func(t *testing.T) {
			t.Parallel()
			schema := op.answer().Schema.Value
			successes := 0
			for name, example := range examples(op.answer()) {
				value := plain(t, example).(map[string]any)
				if err := schema.VisitJSON(value, openapi3.EnableFormatValidation()); err != nil {
					t.Errorf("example %s: %v", name, err)
				}
				_, hasData := value["data"]
				wantData := schema.Properties["data"] != nil
				switch succeeded := op.dialect.read(t, encode(t, value)).success; {
				case succeeded && (hasData == wantData || dataAtTimes[op.OperationID] != ""):
					successes++
				case succeeded:
					t.Errorf("example %s: a success, data: %v, want %v", name, hasData, wantData)
				case hasData:
					t.Errorf("example %s: a refusal with data", name)
				}
			}
			if successes == 0 {
				t.Error("no example of a success")
			}
		})
	}
}

// TestSuccessNeedsData: a handler that forgets its data cannot pass for a success, and a refusal never needs data.
func TestSuccessNeedsData(t *testing.T) {
	t.Parallel()
	for _, op := range operations(t) {
		if !op.enveloped() {
			continue
		}
		schema := op.answer().Schema.Value
		if err := schema.VisitJSON(op.dialect.refusal()); err != nil {
			t.Errorf("%s: a refusal without data is refused: %v", op.OperationID, err)
		}
		err := schema.VisitJSON(op.dialect.success())
		if hasData := schema.Properties["data"] != nil && dataAtTimes[op.OperationID] == ""; hasData == (err == nil) {
			t.Errorf("%s: data in the contract: %v; a success without data: %v", op.OperationID, hasData, err)
		}
		for _, member := range schema.Required {
			broken := maps.Clone(op.dialect.refusal())
			delete(broken, member)
			if schema.VisitJSON(broken) == nil {
				t.Errorf("%s: an answer without %s is taken", op.OperationID, member)
			}
		}
	}
}

// TestFailuresAreNoSuccesses: what the gate answers cannot be read as a success in any dialect.
func TestFailuresAreNoSuccesses(t *testing.T) {
	t.Parallel()
	for _, d := range []dialect{base, status, code, oauth} {
		schema := contract(t).Components.Schemas[string(d)+"Error"].Value
		if schema.VisitJSON(d.success()) == nil {
			t.Errorf("%sError takes a success", d)
		}
		if err := schema.VisitJSON(d.refusal()); err != nil {
			t.Errorf("%sError: %v", d, err)
		}
	}
}

// TestRequestExamplesAreValid: every printed request, JSON or form, would get past the gate.
func TestRequestExamplesAreValid(t *testing.T) {
	t.Parallel()
	for _, op := range operations(t) {
		if op.RequestBody == nil {
			continue
		}
		for mediaType, media := range op.RequestBody.Value.Content {
			for name, example := range examples(media) {
				if err := media.Schema.Value.VisitJSON(plain(t, example), openapi3.VisitAsRequest(), openapi3.EnableFormatValidation()); err != nil {
					t.Errorf("%s, %s, %s: %v", op.OperationID, mediaType, name, err)
				}
			}
		}
	}
}

func encode(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// plain returns value as a JSON decoder would.
func plain(t testing.TB, value any) any {
	t.Helper()
	var decoded any
	if err := json.Unmarshal(encode(t, value), &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}
