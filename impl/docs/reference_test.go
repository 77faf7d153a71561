package docs

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
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
	doc := shown(t, contract(t))
	for name, test := range map[string]struct {
		path string
		has  []string
	}{
		"base": {"/user/register", []string{
			"`base.code` is 10000, or -1", "| refusal | as problem | message | 消息 |\n|---|---|---|---|\n| `test.taken` | 409 | Taken \\| gone. | 已被占用。 |\n",
		}},
		"status": {"/api/v3/signin", []string{
			"`statusCode` is 200", "| refusal | apiCode | as problem |", "| `test.taken` | 4711 | 409 |", "| `test.plain` | – | 400 |",
		}},
		"code": {"/api/v1/system/user/captcha", []string{
			"`code` is 0", "| refusal | code | as problem |", "| `test.taken` | 1004711 | 409 |", "| `test.plain` | 100006 | 400 |",
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
	text := shown(t, contract(t)).Info.Description
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

// TestWhatComesNext: the links of an answer are told with the operations that they lead to, and where these are in the reference;
// an operation of a flow leads to the flow.
func TestWhatComesNext(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	doc.Paths.Value("/healthz").Get.Responses.Status(200).Value.Links = openapi3.Links{
		"b": {Value: &openapi3.Link{OperationID: "createQRCode", Description: "Two\nlines."}},
		"a": {Value: &openapi3.Link{OperationID: "bindMFA"}},
		"c": {Value: &openapi3.Link{OperationRef: "https://example.com"}},
	}
	described := shown(t, doc)
	want := "**What next**\n\n- [bindMFA](#/mfa/bindMFA) `POST /auth/mfa/bind`\n" +
		"- [createQRCode](#/qrlogin/createQRCode) `POST /api/v3/gene-qrcode`: Two lines.\n"
	if text := find(t, described, "/healthz"); !strings.HasSuffix(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
	if text := find(t, described, "/readyz"); strings.Contains(text, "What next") || strings.Contains(text, "Part of") {
		t.Errorf("nothing comes next:\n%s", text)
	}
	if text := find(t, described, "/auth/mfa/bind"); !strings.Contains(text, "**Part of** [An authenticator: enrolment, and signing in with it](flows#totp)") {
		t.Errorf("no flow in\n%s", text)
	}
}

// TestOperationsAreInAnOrder: tags stand in that of the reader's journey, none is left out, and within a tag operations of one dialect
// stand together, in the order in which the contract has them.
func TestOperationsAreInAnOrder(t *testing.T) {
	t.Parallel()
	doc := shown(t, contract(t))
	var tags []string
	for _, tag := range doc.Tags {
		tags = append(tags, tag.Name)
	}
	if !slices.Equal(tags, tagOrder) {
		t.Errorf("tags %v", tags)
	}
	place := map[string]float64{}
	taken := map[float64]string{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			at, ok := op.Extensions[orderExtension].(float64)
			if !ok || taken[at] != "" {
				t.Errorf("%s: %v, as %s", op.OperationID, op.Extensions[orderExtension], taken[at])
			}
			place[op.OperationID], taken[at] = at, op.OperationID
		}
	}
	for _, journey := range [][]string{
		{"registerUser", "loginUser", "getUserInfo", "signIn", "signInWithMFA", "getProfile", "loginWithCaptcha", "loginWithMFA"},
		{"getMFAQRCode", "bindMFA", "verifyMFA", "unbindMFA", "getRecoveryCodes", "makeRecoveryCodes", "sendEnrollFactorRequest", "enrollFactor"},
		{"createQRCode", "getQRCodePicture", "getQRCodeStatus", "streamQRCodeEvents", "setQRCodeStatus", "exchangeQRCodeTicket"},
	} {
		if !slices.IsSortedFunc(journey, func(a, b string) int { return cmp.Compare(place[a], place[b]) }) {
			t.Errorf("not in the order of %v: %v", journey, place)
		}
	}
}
