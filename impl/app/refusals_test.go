package app

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/envelope"
	"github.com/menshen-auth/menshen/impl/internal/httpapi"
	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// compiled is the contract, by operation, and as the gate has it.
func compiled(t *testing.T) (map[string]*openapi3.Operation, *httpapi.Contract) {
	t.Helper()
	doc, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	contract, err := httpapi.Compile(doc, authn.New(nil))
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]*openapi3.Operation{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			operations[op.OperationID] = op
		}
	}
	return operations, contract
}

// elsewhere are the refusals of no operation: what the gate says before it has found one, and what the command line does.
var elsewhere = regexp.MustCompile(`^(request\.(method|unknown_route)|tenancy\..*|wechat\.settings)$`)

// TestRefusalsBelongToOperations: a refusal that no operation declares was forgotten there, or can go.
func TestRefusalsBelongToOperations(t *testing.T) {
	t.Parallel()
	operations, contract := compiled(t)
	declared := map[string]bool{}
	for id := range operations {
		for _, e := range contract.Refusals(id) {
			declared[e.Code] = true
		}
	}
	for _, e := range apierr.Catalogue() {
		if declared[e.Code] == elsewhere.MatchString(e.Code) {
			t.Errorf("%s: of an operation: %v", e.Code, declared[e.Code])
		}
	}
}

// TestExamplesShowWhatIsRefused: a refusal in an example is one that the operation has, word by word.
func TestExamplesShowWhatIsRefused(t *testing.T) {
	t.Parallel()
	operations, contract := compiled(t)
	shown := 0
	for id, op := range operations {
		dialect, err := envelope.Of(strings.TrimPrefix(op.Responses.Default().Ref, "#/components/responses/"))
		if err != nil {
			t.Fatal(err)
		}
		media := op.Responses.Status(200).Value.Content["application/json"]
		if media == nil || dialect == envelope.OAuth { // where a refusal is no 200
			continue
		}
		for name, example := range media.Examples {
			value := example.Value.Value.(map[string]any)
			if _, succeeded := value["data"]; succeeded || strings.EqualFold(said(value), "success") {
				continue
			}
			shown++
			if !isShown(t, dialect, value, contract.Refusals(id)) {
				t.Errorf("%s, example %s: none of the operation's refusals: %v", id, name, value)
			}
		}
	}
	if shown < len(operations)/2 {
		t.Errorf("only %d examples were looked at", shown)
	}
}

// said is what an answer says to people.
func said(answer map[string]any) string {
	if base, ok := answer["base"].(map[string]any); ok {
		answer = base
	}
	for _, member := range []string{"message", "msg"} {
		if text, ok := answer[member].(string); ok {
			return text
		}
	}
	return ""
}

// isShown tells whether a value is the answer of one of the refusals, to which it may add.
func isShown(t *testing.T, d envelope.Dialect, value map[string]any, refusals []*apierr.Error) bool {
	t.Helper()
	for _, e := range refusals {
		text, err := json.Marshal(envelope.Failure(d, e, lang.English, ""))
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
		if within(answer, value) {
			return true
		}
	}
	return false
}

// within tells whether a value has all that another has; a text may go on.
func within(part, whole any) bool {
	switch part := part.(type) {
	case map[string]any:
		whole, ok := whole.(map[string]any)
		for name, value := range part {
			ok = ok && within(value, whole[name])
		}
		return ok
	case string:
		whole, ok := whole.(string)
		return ok && strings.HasPrefix(whole, part)
	}
	return part == whole
}
