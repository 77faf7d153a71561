package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// dialect is one of the shapes of answer. The tests read and write it on their own, from what the introduction of
// the contract says, so that they do not believe the code they test.
type dialect string

const (
	base   dialect = "Base"
	status dialect = "Status"
	code   dialect = "Code"
	oauth  dialect = "OAuth"
)

const failurePrefix = "#/components/responses/"

// dialectOf reads the dialect of an operation off its default response.
func dialectOf(t testing.TB, op *openapi3.Operation) dialect {
	t.Helper()
	failure := op.Responses.Default()
	if failure == nil {
		t.Fatalf("%s: no default response", op.OperationID)
	}
	name, ok := strings.CutSuffix(strings.TrimPrefix(failure.Ref, failurePrefix), "Failure")
	if d := dialect(name); !ok || d != base && d != status && d != code && d != oauth {
		t.Fatalf("%s: the default response %q is no dialect's failure", op.OperationID, failure.Ref)
	}
	return dialect(name)
}

// property is the member that tells the outcome; none in the oauth dialect, where the HTTP status does.
func (d dialect) property() string {
	return map[dialect]string{base: "base", status: "statusCode", code: "code"}[d]
}

// success is a success without data.
func (d dialect) success() map[string]any {
	switch d {
	case base:
		return map[string]any{"base": map[string]any{"code": 10000.0, "msg": "Success"}}
	case status:
		return map[string]any{"statusCode": 200.0, "message": "Success", "requestId": "934108e5"}
	}
	return map[string]any{"code": 0.0, "msg": "success"}
}

// refusal is a refusal, which never has data.
func (d dialect) refusal() map[string]any {
	switch d {
	case base:
		return map[string]any{"base": map[string]any{"code": -1.0, "msg": "No."}}
	case status:
		return map[string]any{"statusCode": 403.0, "message": "No.", "apiCode": 2333.0, "requestId": "934108e5"}
	case oauth:
		return map[string]any{"error": "invalid_grant", "error_description": "No."}
	}
	return map[string]any{"code": 1000005.0, "msg": "No."}
}

// outcome is what an answer says.
type outcome struct {
	success   bool
	number    int // code, or statusCode
	apiCode   int
	message   string
	requestID string
	data      any
	oauth     string // error of the oauth dialect
}

// read reads an answer of the dialect.
func (d dialect) read(t testing.TB, body []byte) outcome {
	t.Helper()
	var all struct {
		Base *struct {
			Code int
			Msg  string
		}
		Code       *int
		Msg        string
		StatusCode *int
		Message    string
		APICode    int
		RequestID  string
		Data       any

		Error       string
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatalf("not JSON: %v: %.200s", err, body)
	}
	switch {
	case d == base && all.Base != nil:
		return outcome{success: all.Base.Code == 10000, number: all.Base.Code, message: all.Base.Msg, data: all.Data}
	case d == status && all.StatusCode != nil:
		return outcome{success: *all.StatusCode == 200, number: *all.StatusCode, apiCode: all.APICode, message: all.Message, requestID: all.RequestID, data: all.Data}
	case d == code && all.Code != nil:
		return outcome{success: *all.Code == 0, number: *all.Code, message: all.Msg, data: all.Data}
	case d == oauth && all.Error != "":
		return outcome{oauth: all.Error, message: all.Description}
	}
	t.Fatalf("not an answer of the %s dialect: %.200s", d, body)
	return outcome{}
}
