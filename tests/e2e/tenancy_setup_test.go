package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// operator runs the program beside an instance.
type operator struct {
	t      *testing.T
	h      *harness.Instance
	binary string
}

func newOperator(t *testing.T, h *harness.Instance) operator {
	t.Helper()
	dir := t.TempDir()
	program(t, dir)
	return operator{t, h, filepath.Join(dir, "bin", "menshen.built")}
}

func (o operator) command(args ...string) *exec.Cmd {
	o.t.Helper()
	command := exec.Command(o.binary, args...)
	command.Dir = o.t.TempDir()
	command.Env = append(o.h.Environ(), "PATH="+os.Getenv("PATH"))
	return command
}

// run runs a command that must succeed, and returns what it prints.
func (o operator) run(args ...string) string {
	o.t.Helper()
	var complaint bytes.Buffer
	command := o.command(args...)
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil || complaint.Len() > 0 {
		o.t.Fatalf("menshen %s: %v\n%s%s", strings.Join(args, " "), err, output, complaint.String())
	}
	return string(output)
}

// fails runs a command that must fail with exit code 1, and returns its complaint.
func (o operator) fails(command *exec.Cmd) string {
	o.t.Helper()
	var complaint bytes.Buffer
	command.Stderr = &complaint
	err := command.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		o.t.Errorf("menshen %s: %v\n%s", strings.Join(command.Args[1:], " "), err, complaint.String())
	}
	return complaint.String()
}

// printed is what a program that calls the command reads, of userpools, applications and access keys alike.
type printed struct {
	ID              string
	UserpoolID      string `json:"userpool_id"`
	AppID           string `json:"app_id"`
	AppSecret       string `json:"app_secret"`
	Name            string
	Logo            string
	Default         bool
	DisabledAt      *time.Time `json:"disabled_at"`
	AccessTTL       *int       `json:"access_ttl_seconds"`
	SessionTTL      *int       `json:"session_ttl_seconds"`
	QRTTL           *int       `json:"qr_ttl_seconds"`
	TicketTTL       *int       `json:"ticket_ttl_seconds"`
	BrowserExchange bool       `json:"browser_exchange"`
	NumberMatching  bool       `json:"number_matching"`
	QRTypes         []string   `json:"qr_types"`
	Scopes          []string
	Secret          string
	SessionsEnded   *int      `json:"sessions_ended"`
	CreatedAt       time.Time `json:"created_at"`
}

// json runs a command that prints one JSON object, and nothing that printed does not have.
func (o operator) json(args ...string) (p printed) {
	o.t.Helper()
	list := o.jsonLines(args...)
	if len(list) != 1 {
		o.t.Fatalf("menshen %s: %d objects", strings.Join(args, " "), len(list))
	}
	return list[0]
}

func (o operator) jsonLines(args ...string) (list []printed) {
	o.t.Helper()
	for line := range strings.Lines(o.run(append(args, "--json")...)) {
		var p printed
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&p); err != nil {
			o.t.Fatalf("menshen %s: %v in %s", strings.Join(args, " "), err, line)
		}
		list = append(list, p)
	}
	return list
}

// signInTo signs in to an application with its secret, "" for without.
func signInTo(t *testing.T, h *harness.Instance, username, appID, secret string) *gen.SignInResult {
	t.Helper()
	body := withPassword(gen.AuthenticateByPasswordDto{Username: &username})
	body.ClientID = &appID
	body.Options = &gen.SigninOptionsDto{Scope: ptr("openid offline_access")}
	if secret != "" {
		body.ClientSecret = &secret
	}
	return must(h.Client.SignInWithResponse(t.Context(), nil, body))(t)
}

func tokenSet(t *testing.T, r *gen.SignInResult) *gen.LoginTokenResponseDataDto {
	t.Helper()
	if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.AccessToken == nil {
		t.Fatalf("sign in: %s", r.Body)
	}
	return r.JSON200.Data
}

// audited returns the actions of an operator on a target, oldest first.
func audited(t *testing.T, h *harness.Instance, userpoolID, target string) (actions []string) {
	t.Helper()
	for _, e := range must(h.Store.Audit().Of(t.Context(), userpoolID, target, 50))(t) {
		if e.Actor == "operator" && e.Outcome == "success" {
			actions = append(actions, e.Action)
		}
	}
	slices.Reverse(actions)
	return actions
}
