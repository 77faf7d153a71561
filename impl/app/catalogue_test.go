package app

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

var update = flag.Bool("update", false, "write testdata again from what the program says")

const catalogueFile = "testdata/errors.golden"

// owners are the first parts of the codes: the capabilities, and what answers before any of them.
var owners = regexp.MustCompile(`^(account|auth|captcha|fastpass|hook|mfa|notify|otp|qrlogin|request|service|tenancy|wechat)\.[a-z_]+$`)

// TestErrorCatalogue: clients compare codes, so a change of one must be seen by whoever reviews it. The golden file has
// every refusal of the program: stable code, kind as HTTP status, apiCode of the status dialect, number of the code
// dialect, whether it is the gate's, the messages, and the error of the oauth dialect where it is not that of the kind.
func TestErrorCatalogue(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for _, e := range apierr.Catalogue() {
		if !owners.MatchString(e.Code) {
			t.Errorf("%s: a code is <capability>.<what>", e.Code)
		}
		gate := "-"
		if e.Gate {
			gate = "gate"
		}
		oauth := ""
		if e.OAuth != e.Kind.OAuth() {
			oauth = " | " + e.OAuth
		}
		fmt.Fprintf(&b, "%-26s %d %4d %7d %-4s %s | %s%s\n", e.Code, e.Kind.Status(), e.API, e.Number, gate, e.EN, e.ZH, oauth)
	}
	if *update {
		if err := os.WriteFile(catalogueFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(catalogueFile)
	if err != nil {
		t.Fatal(err)
	}
	want, got := lines(string(golden)), lines(b.String())
	for code, line := range got {
		if want[code] != line {
			t.Errorf("changed or new:\n  is   %s\n  was  %s", line, want[code])
		}
	}
	for code, line := range want {
		if got[code] == "" {
			t.Errorf("gone: %s", line)
		}
	}
	if t.Failed() {
		t.Log("if that is meant, run: go test ./impl/app -run TestErrorCatalogue -update")
	}
}

// lines reads a catalogue by code.
func lines(text string) map[string]string {
	list := map[string]string{}
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, " ")
		list[code] = strings.TrimSpace(line)
	}
	return list
}

// TestMessagesAreForPeople: a sentence in each language, in its own script, without what only a developer would know.
func TestMessagesAreForPeople(t *testing.T) {
	t.Parallel()
	han := regexp.MustCompile(`\p{Han}`)
	for _, e := range apierr.Catalogue() {
		if han.MatchString(e.EN) || !strings.HasSuffix(e.EN, ".") {
			t.Errorf("%s: English: %s", e.Code, e.EN)
		}
		if !han.MatchString(e.ZH) || !strings.HasSuffix(e.ZH, "。") {
			t.Errorf("%s: Chinese: %s", e.Code, e.ZH)
		}
		if strings.Contains(e.EN+e.ZH, "%") {
			t.Errorf("%s: a verb of fmt in a message", e.Code)
		}
	}
}
