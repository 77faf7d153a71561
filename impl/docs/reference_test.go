package docs

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/menshen-auth/menshen/impl/internal/envelope"
	"github.com/menshen-auth/menshen/openapi"
)

func find(t *testing.T, doc *openapi3.T, path string) string {
	t.Helper()
	for _, op := range doc.Paths.Value(path).Operations() {
		return op.Description
	}
	t.Fatalf("no %s", path)
	return ""
}

// TestRefusalsAreTold: at each operation stands what it refuses, with the number that its dialect has for it, the status of problem
// details, and the messages in both languages.
func TestRefusalsAreTold(t *testing.T) {
	t.Parallel()
	doc := shown(t, changed(t))
	for name, test := range map[string]struct {
		path string
		has  []string
	}{
		"base": {"/user/register", []string{
			"`base.code` is 10000, or -1", "| refusal | as problem | message | 消息 |\n|---|---|---|---|\n| `test.taken` | 409 | Taken \\| gone. | 已被占用。 |\n",
		}},
		"status": {"/api/v3/signin", []string{
			"`statusCode` is 200", "| refusal | apiCode | as problem |", "| `test.taken` | 4711 | 409 |", "| `test.plain` | – | 400 |", "| `test.nobody` | – | 401 |",
		}},
		"code": {"/api/v1/system/user/captcha", []string{
			"`code` is 0", "| refusal | code | as problem |", "| `test.taken` | 1004711 | 409 |", "| `test.plain` | 100006 | 400 |", "| `test.nobody` | 100005 | 401, always |",
		}},
		"oauth": {"/oidc/token", []string{
			"its real HTTP status and the shape of the oauth dialect", "| refusal | error | as problem |", "| `test.taken` | invalid_grant | 409 |",
		}},
		"a picture": {"/api/v3/qrcode.png", []string{"There is no envelope", "the shape of the status dialect", "| `test.taken` | 4711 | 409 |"}},
		"a stream":  {"/api/v3/qrcode-events", []string{"There is no envelope", "only when the stream has ended"}},
	} {
		text := find(t, doc, test.path)
		for _, want := range append(test.has, "**Credentials** may be refused with `auth.token`;") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
		if strings.Contains(text, "test.gate") || strings.Contains(text, "A bad token.") {
			t.Errorf("%s: what is common to many is repeated:\n%s", name, text)
		}
	}
}

// TestWhatIsCommonIsToldOnce: refusals of the gate and of credentials stand at the top, with their numbers in every dialect.
func TestWhatIsCommonIsToldOnce(t *testing.T) {
	t.Parallel()
	text := shown(t, changed(t)).Info.Description
	for _, want := range []string{
		"| `test.gate` | 429 | – | 100027 |", "| `request.unknown_route` | 404 |", "| `request.method` | 405 |", "| `auth.token` | 401 | – | 100005 |",
		"[The flows](flows)", "(../openapi.yaml)", "(../console/)", "**Dialects.**",
	} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%d times %q in\n%s", strings.Count(text, want), want, text)
		}
	}
	if strings.Contains(text, "test.taken") {
		t.Error("an operation's own refusal passes for one of all")
	}
}

// TestWhatComesNext: the links of an answer are told in their order, with the operations that they lead to, where these are in the
// reference, and what goes into which of their members; an operation of a flow leads to the flow.
func TestWhatComesNext(t *testing.T) {
	t.Parallel()
	doc := shown(t, changed(t, "description: Alive.\n", `description: Alive.
          links:
            b: {operationId: createQRCode, description: "Two\nlines.", parameters: {size: $response.body#/a}, requestBody: {in: [{type: MOBILE_APP}]}}
            a: {operationId: bindMFA}
            c: {operationRef: "https://example.com"}
`))
	want := "**What next**\n\n" +
		"- [createQRCode](#/qrlogin/createQRCode) `POST /api/v3/gene-qrcode`: Two lines. *Takes* `size` ← `$response.body#/a`, `in[].type` ← `MOBILE_APP`\n" +
		"- [bindMFA](#/mfa/bindMFA) `POST /auth/mfa/bind`\n"
	if text := find(t, doc, "/healthz"); !strings.HasSuffix(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
	if text := find(t, doc, "/readyz"); strings.Contains(text, "What next") || strings.Contains(text, "Part of") {
		t.Errorf("nothing comes next:\n%s", text)
	}
	if text := find(t, doc, "/auth/mfa/bind"); !strings.Contains(text, "**Part of** [An authenticator: enrolment, and signing in with it](flows#totp)") {
		t.Errorf("no flow in\n%s", text)
	}
}

// ordered is the contract as the reference shows it, in the order in which it does.
func ordered(t *testing.T) contract {
	t.Helper()
	doc, err := parse(ask(New(settings), http.MethodGet, "/docs/openapi.json").Body.Bytes()) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestOperationsAreInAnOrder: tags stand in that of the reader's journey, none is left out, and within a tag operations of one dialect
// stand together, in the order in which the contract has them.
func TestOperationsAreInAnOrder(t *testing.T) {
	t.Parallel()
	doc := ordered(t)
	var tags, ids []string
	for _, tag := range doc.at(doc.root, "tags").Content {
		tags = append(tags, doc.text(tag, "name"))
	}
	if !slices.Equal(tags, tagOrder) {
		t.Errorf("tags %v", tags)
	}
	for _, item := range pairs(doc.at(doc.root, "paths")) {
		for _, op := range pairs(item) {
			ids = append(ids, doc.text(op, "operationId"))
		}
	}
	for _, journey := range [][]string{
		{"registerUser", "loginUser", "getUserInfo", "signIn", "signInWithMFA", "getProfile", "loginWithCaptcha", "loginWithMFA"},
		{"getMFAQRCode", "bindMFA", "verifyMFA", "unbindMFA", "getRecoveryCodes", "makeRecoveryCodes", "sendEnrollFactorRequest", "enrollFactor"},
		{"createQRCode", "getQRCodePicture", "getQRCodeStatus", "streamQRCodeEvents", "setQRCodeStatus", "exchangeQRCodeTicket"},
	} {
		if !slices.IsSortedFunc(journey, func(a, b string) int { return cmp.Compare(slices.Index(ids, a), slices.Index(ids, b)) }) {
			t.Errorf("not in the order of %v: %v", journey, ids)
		}
	}
}

// TestFirstExampleIsTheUsualOne: what a reader sees first, and "try it out" sends, is what the contract has first: of an answer, a success.
func TestFirstExampleIsTheUsualOne(t *testing.T) {
	t.Parallel()
	want, err := parse(openapi.YAML)
	if err != nil {
		t.Fatal(err)
	}
	got := ordered(t)
	asWritten, err := want.operations()
	if err != nil {
		t.Fatal(err)
	}
	asShown, err := got.operations()
	if err != nil {
		t.Fatal(err)
	}
	successes, requests := 0, 0
	for id, op := range asShown {
		body, original := got.at(op.node, "requestBody", "content"), want.at(asWritten[id].node, "requestBody", "content")
		for mediaType, media := range pairs(body) {
			if name, usual := first(got.at(media, "examples")), first(want.at(original, mediaType, "examples")); name != usual {
				t.Errorf("%s: the first request is %s, not %s", id, name, usual)
			} else if name != "" {
				requests++
			}
		}
		examples := got.at(op.node, "responses", "200", "content", "application/json", "examples")
		if name := first(examples); name != "" && op.dialect != envelope.OAuth {
			successes++
			if !succeeded(got, got.at(examples, name, "value")) {
				t.Errorf("%s: the first answer is %s, which is none of a success", id, name)
			}
		}
	}
	if successes < 40 || requests < 5 {
		t.Errorf("only %d answers and %d requests have several examples", successes, requests)
	}
}

// first is the name of a mapping's first member.
func first(mapping *yaml.Node) string {
	for name := range pairs(mapping) {
		return name
	}
	return ""
}

func succeeded(c contract, answer *yaml.Node) bool {
	return c.text(answer, "base", "code") == "10000" || c.text(answer, "statusCode") == "200" || c.text(answer, "code") == "0"
}
