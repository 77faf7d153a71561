package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// printedFlow is a flow as a reader sees it.
type printedFlow struct {
	id         string
	shell      []string // to be pasted
	operations []string // of the steps
}

// TestFlowsRunAsPrinted: whoever pastes the commands of a flow into a shell gets through it, and each step calls the operation that
// it names. The one refusal on the way is the one that the flow tells of. A person types what picture and message say; only the
// minute between two codes is left out.
func TestFlowsRunAsPrinted(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "jq", "oathtool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing; run `make tools`", program)
		}
	}
	h := harness.New(t, func(c *app.Config) { c.LimitSend.Max = 0 })
	signedIn := []string{"registerUser", "signIn"} // before the flow begins
	prepares := map[string][]string{"qr-login": signedIn, "fastpass": signedIn}
	refused := map[string]string{"totp": "account.code_required"}
	flows := printedFlows(t, h, "en")
	if len(flows) != 5 {
		t.Fatalf("%d flows", len(flows))
	}
	for _, flow := range flows {
		t.Run(flow.id, func(t *testing.T) { // one after another: they share a log
			before := len(h.Log.String())
			output := paste(t, h, flow)
			want := slices.Sorted(slices.Values(append(flow.operations, prepares[flow.id]...)))
			harness.Eventually(t, "the last line of the log", func() bool { // an answer is logged after it is sent
				return len(logged(h, before, "operation")) >= len(want)
			})
			if got := slices.Sorted(slices.Values(logged(h, before, "operation"))); !slices.Equal(got, want) {
				t.Errorf("called %v, want %v\n%s", got, want, output)
			}
			if got := strings.Join(logged(h, before, "refused"), " "); got != refused[flow.id] {
				t.Errorf("refused with %q, want %q\n%s", got, refused[flow.id], output)
			}
		})
	}
}

// TestFlowsAreTheSameInBothLanguages: what is pasted, and which operations are called, does not depend on the language.
func TestFlowsAreTheSameInBothLanguages(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	english, chinese := printedFlows(t, h, "en"), printedFlows(t, h, "zh")
	if fmt.Sprint(english) != fmt.Sprint(chinese) {
		t.Errorf("%v\n\n%v", english, chinese)
	}
}

// paste runs the commands of a flow where a reader would.
func paste(t *testing.T, h *harness.Instance, flow printedFlow) (output string) {
	t.Helper()
	person := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("reads") == "SEEN" {
			fmt.Fprint(w, h.Digits.Last())
		} else {
			fmt.Fprint(w, h.SentCode(r.FormValue("address")))
		}
	}))
	defer person.Close()
	const doubles = `sleep() { :; }
read() { printf -v "${!#}" %s "$(curl -sf "$PERSON?reads=${!#}&address=${EMAIL:-}")"; }
`
	shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", doubles+strings.Join(flow.shell, "\n"))
	shell.Dir = t.TempDir()
	shell.Env = append(os.Environ(), "PERSON="+person.URL)
	credentials := must(json.Marshal(h.Credentials))(t)
	if err := os.Mkdir(filepath.Join(shell.Dir, ".data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shell.Dir, ".data", "credentials.json"), credentials, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return string(text)
}

// logged are the values of an attribute of the requests that were logged since.
func logged(h *harness.Instance, since int, attribute string) (values []string) {
	for _, match := range regexp.MustCompile(`msg=request .* `+attribute+`=(\S+)`).FindAllStringSubmatch(h.Log.String()[since:], -1) {
		values = append(values, match[1])
	}
	return values
}

// printedFlows reads the page with the flows.
func printedFlows(t *testing.T, h *harness.Instance, language string) (flows []printedFlow) {
	t.Helper()
	r := h.Send("GET", "/docs/flows", http.Header{"Accept-Language": {language}}, "")
	page := must(html.Parse(strings.NewReader(string(r.Body))))(t)
	for node := range page.Descendants() {
		switch {
		case node.DataAtom == atom.Section:
			flows = append(flows, printedFlow{id: attribute(node, "id")})
		case node.DataAtom == atom.Pre:
			flow := &flows[len(flows)-1]
			flow.shell = append(flow.shell, textOf(node))
		case node.DataAtom == atom.A && strings.HasPrefix(attribute(node, "href"), "./#/"):
			flow := &flows[len(flows)-1]
			flow.operations = append(flow.operations, textOf(node))
		}
	}
	return flows
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(node *html.Node) string {
	var b strings.Builder
	for child := range node.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data)
		}
	}
	return b.String()
}
