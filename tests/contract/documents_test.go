package contract

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestContractKeepsTheDocuments: clients written after one of the five published documents work. Every parameter and
// member is where the document has it, with its type, requiredness, values and default; and nothing is there that the
// table does not know.
func TestContractKeepsTheDocuments(t *testing.T) {
	t.Parallel()
	for _, document := range documents {
		t.Run(document.id+" "+document.operationID, func(t *testing.T) {
			t.Parallel()
			op := find(t, document.operationID)
			if op.method != document.method || op.path != document.path {
				t.Errorf("%s %s, want %s %s", op.method, op.path, document.method, document.path)
			}
			ours := fieldsOf(op)
			for _, want := range document.fields {
				key := want.in + " " + want.name
				got, ok := ours[key]
				if !ok {
					t.Errorf("%s: missing", key)
					continue
				}
				delete(ours, key)
				if diff := compare(got, want); diff != "" {
					t.Errorf("%s: %s %s", key, diff, want.differs)
				}
			}
			for key := range ours {
				t.Errorf("%s: in the contract, and neither in the document nor among the differences", key)
			}
		})
	}
}

func compare(got, want field) string {
	var diffs []string
	if got.typ != want.typ && (got.typ != "integer" || want.typ != "number") { // every integer is a number
		diffs = append(diffs, fmt.Sprintf("type %s, want %s", got.typ, want.typ))
	}
	if got.need != want.need {
		diffs = append(diffs, fmt.Sprintf("need %d, want %d", got.need, want.need))
	}
	if got.byDefault != want.byDefault {
		diffs = append(diffs, fmt.Sprintf("default %v, want %v", got.byDefault, want.byDefault))
	}
	slices.Sort(got.enum)
	if values := slices.Sorted(slices.Values(want.enum)); !slices.Equal(got.enum, values) {
		diffs = append(diffs, fmt.Sprintf("values %v, want %v", got.enum, values))
	}
	return strings.Join(diffs, "; ")
}

// fieldsOf lists the fields of an operation by place and name.
func fieldsOf(op operation) map[string]field {
	fields := map[string]field{}
	add := func(in, name string, schema *openapi3.Schema, need need) {
		f := field{in: in, name: name, typ: strings.Join(schema.Type.Slice(), "|"), need: need, byDefault: schema.Default}
		for _, value := range schema.Enum {
			f.enum = append(f.enum, fmt.Sprint(value))
		}
		fields[in+" "+name] = f
	}
	for _, p := range op.Parameters {
		add(p.Value.In, p.Value.Name, p.Value.Schema.Value, needIf(p.Value.Required))
	}
	var members func(in, prefix string, schema *openapi3.Schema)
	members = func(in, prefix string, schema *openapi3.Schema) {
		for name, property := range schema.Properties {
			need := needIf(slices.Contains(schema.Required, name))
			if need == optional && prefix == "" && requiresOnSuccess(op.dialect, schema, name) {
				need = onSuccess
			}
			add(in, prefix+name, property.Value, need)
			members(in, prefix+name+".", property.Value)
		}
	}
	if media := op.body("application/json"); media != nil {
		members("body", "", media.Schema.Value)
	}
	if media := op.answer(); media != nil {
		members("answer", "", media.Schema.Value)
	}
	return fields
}

func needIf(is bool) need {
	if is {
		return required
	}
	return optional
}

// requiresOnSuccess tells whether a success without the member breaks the schema while a refusal without it does not.
func requiresOnSuccess(d dialect, schema *openapi3.Schema, name string) bool {
	return schema.Properties[name] != nil && name == "data" &&
		schema.VisitJSON(d.success()) != nil && schema.VisitJSON(d.refusal()) == nil
}
