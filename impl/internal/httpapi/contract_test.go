package httpapi

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// sound is a contract that the gate can guard.
const sound = `
openapi: 3.0.3
info: {title: x, version: '1'}
paths:
  /thing:
    post:
      operationId: makeThing
      security: [{}, AccessToken: []]
      x-menshen-refusals: []
      parameters: [{name: X-Thing, in: header, schema: {type: string}}]
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/Thing'}}
      responses:
        '200':
          description: x
          content: {application/json: {schema: {type: object, properties: {base: {type: object}}}}}
        default: {$ref: '#/components/responses/BaseFailure'}
components:
  securitySchemes:
    AccessToken: {type: apiKey, in: header, name: Access-Token}
    IThingsToken: {type: apiKey, in: header, name: iThings-token}
    Passport: {type: apiKey, in: header, name: Passport}
  schemas:
    Thing: {type: object, properties: {name: {type: string, pattern: '^a$'}}}
  responses:
    BaseFailure: {description: x}
    OtherFailure: {description: x}
`

func parse(t *testing.T, text string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestCompileRefusesWhatItCannotGuard: the program does not start on a contract with a hole in it.
func TestCompileRefusesWhatItCannotGuard(t *testing.T) {
	t.Parallel()
	if _, err := Compile(parse(t, sound), authenticator); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		says  string
		edits []string // old, new, and so on
	}{
		"route with a variable": {"variables are not supported", []string{
			"  /thing:\n", "  /thing/{id}:\n    parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n",
		}},
		"no default response":      {"no default response", []string{"        default: {$ref: '#/components/responses/BaseFailure'}\n", ""}},
		"default of no dialect":    {"no dialect", []string{"responses/BaseFailure'}", "responses/OtherFailure'}"}},
		"default written in place": {"no dialect", []string{"default: {$ref: '#/components/responses/BaseFailure'}", "default: {description: x}"}},
		"no operationId":           {"operationId", []string{"      operationId: makeThing\n", ""}},
		"no security":              {"security", []string{"      security: [{}, AccessToken: []]\n", ""}},
		"scheme that nobody knows": {`"Passport"`, []string{"AccessToken: []]", "Passport: []]"}},
		"scheme that is not there": {"Visa", []string{"AccessToken: []]", "Visa: []]"}},
		"two schemes at once":      {"two schemes", []string{"AccessToken: []]", "{AccessToken: [], IThingsToken: []}]"}},
		"form and query":           {"form and query", []string{"in: header, schema", "in: query, schema", "application/json: {schema: {$ref", "application/x-www-form-urlencoded: {schema: {$ref"}},
		"stream of no known events": {"streams without x-menshen-events", []string{
			"content: {application/json: {schema: {type: object, properties: {base: {type: object}}}}}", "content: {text/event-stream: {schema: {type: string}}}",
		}},
		"events of no known schema": {`event made has the unknown schema "#/components/schemas/Nothing"`, []string{
			"content: {application/json: {schema: {type: object, properties: {base: {type: object}}}}}",
			"content: {text/event-stream: {x-menshen-events: {made: '#/components/schemas/Nothing'}, schema: {type: string}}}",
		}},
		"no refusals":                  {"must be stated", []string{"      x-menshen-refusals: []\n", ""}},
		"refusals that are no list":    {"as a list", []string{"refusals: []", "refusals: auth.required"}},
		"refusal of no catalogue":      {`unknown code "thing.broken"`, []string{"refusals: []", "refusals: [thing.broken]"}},
		"refusal that is no code":      {`unknown code ""`, []string{"refusals: []", "refusals: [7]"}},
		"refusal that is stated twice": {"twice", []string{"refusals: []", "refusals: [auth.required, auth.required]"}},
		"refusal of the gate":          {"follows", []string{"refusals: []", "refusals: [request.invalid]"}},
		"pattern that is none":         {"contract:", []string{"'^a$'", "'(a'"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.NewReplacer(c.edits...).Replace(sound)
			if text == sound {
				t.Fatal("the contract was not changed")
			}
			_, err := Compile(parse(t, text), authenticator)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want an error that says %q, got %v", c.says, err)
			}
		})
	}
}

// TestErrorsOfCompileNameThePlace, since a contract has many operations.
func TestErrorsOfCompileNameThePlace(t *testing.T) {
	t.Parallel()
	_, err := Compile(parse(t, strings.Replace(sound, "      security: [{}, AccessToken: []]\n", "", 1)), authenticator)
	if err == nil || !strings.Contains(err.Error(), "POST /thing") {
		t.Errorf("%v", err)
	}
}

// TestCompileReadsTheContract: dialects, headers and what has an envelope come from the contract, not from lists in code.
func TestCompileReadsTheContract(t *testing.T) {
	t.Parallel()
	c := ourContract(t)
	plain := map[string]bool{
		"verifyWechatPush": true, "sendWechatPush": true,
		"getJWKS": true, "streamQRCodeEvents": true, "getQRCodePicture": true, "getHealth": true, "getReadiness": true, "getContractYAML": true, "getContractJSON": true,
		"getToken": true, "revokeToken": true, "introspectToken": true, "getUserClaims": true, "getUserClaimsByPost": true, "getDiscovery": true,
	}
	for route, p := range c.paths {
		var allow []string
		for _, method := range slices.Sorted(maps.Keys(p.operations)) {
			allow = append(allow, map[string]string{"GET": "GET, HEAD", "POST": "POST"}[method])
		}
		for _, op := range p.operations {
			if op.dialect == 0 || op.dialect != p.dialect || op.enveloped == plain[op.id] || p.allow != strings.Join(allow, ", ") {
				t.Errorf("%s: dialect %d, enveloped %v, Allow %q", route, op.dialect, op.enveloped, p.allow)
			}
		}
	}
	captcha := c.paths["/api/v1/system/user/captcha"].operations["POST"]
	if len(captcha.headers) != 6 {
		t.Errorf("%d headers of the captcha", len(captcha.headers))
	}
	for _, h := range captcha.headers {
		if !h.repeatable {
			t.Errorf("%s is not repeatable", h.name)
		}
	}
}
