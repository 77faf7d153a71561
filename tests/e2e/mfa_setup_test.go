package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/notify/channel"
	"github.com/menshen-auth/menshen/tests/harness"
)

// resident is alice, with a password, an e-mail address and a number: every door is hers. She is signed in.
func resident(h *harness.Instance) *harness.Person {
	dto := everything()
	dto.Username = ptr("alice")
	h.CreateUser(dto)
	return h.SignIn("alice")
}

// entrance is a door to a session, with all that a person does there: the first factor, and the authenticator's code or a
// recovery code.
type entrance struct {
	name  string
	amr   string // of the session (RFC 8176)
	enter func(code string) any
}

// entrances are all doors to a session of the resident.
func entrances(t *testing.T, h *harness.Instance) []entrance {
	sent := func(by gen.CaptchaRequestType, to string) func(string) any {
		return func(code string) any {
			r := delivered(h, by, gen.CaptchaUseLogin, to, to).login(t, h)
			if r.JSON200 == nil || r.JSON200.MFAToken == nil {
				t.Fatalf("a code that was sent: %s", r.Body)
			}
			return h.FinishInCodeDialect(*r.JSON200.MFAToken, code)
		}
	}
	login := func(code string) gen.LoginRequest {
		return gen.LoginRequest{Username: "alice", Password: harness.Password, Code: &code}
	}
	return []entrance{
		{"/user/login with JSON", "[pwd otp mfa]", func(code string) any {
			return must(h.Client.LoginUserWithResponse(t.Context(), login(code)))(t)
		}},
		{"/user/login with a form", "[pwd otp mfa]", func(code string) any {
			return must(h.Client.LoginUserWithFormdataBodyWithResponse(t.Context(), login(code)))(t)
		}},
		{"signin, signin-with-mfa", "[pwd otp mfa]", func(code string) any {
			if len(code) > 8 {
				return h.FinishWithRecoveryCode(h.Waiting("alice"), code)
			}
			return h.Finish(h.Waiting("alice"), code)
		}},
		{"password, login-mfa", "[pwd otp mfa]", func(code string) any {
			return h.FinishInCodeDialect(h.WaitingInCodeDialect("alice"), code)
		}},
		{"a code by e-mail, login-mfa", "[otp mfa]", sent(byEmail, emailOfBob)},
		{"a code by SMS, login-mfa", "[sms otp mfa]", sent(byPhone, phoneOfBob)},
	}
}

// accessOf is the access token of an answer, in whichever dialect; empty without one.
func accessOf(result any) string {
	o := harness.OutcomeOf(result)
	var data struct {
		Access string `json:"access_token"`
		Token  struct {
			Access string `json:"accessToken"`
		} `json:"token"`
	}
	_ = json.Unmarshal(o.Data, &data) // what has no data has no token
	return o.Header.Get("Access-Token") + data.Access + data.Token.Access
}

// wantIn: the answer has opened a session that works.
func wantIn(t *testing.T, h *harness.Instance, what string, result any) (access string) {
	t.Helper()
	wantSuccess(t, what, result)
	if access = accessOf(result); access == "" || !h.Alive(access) {
		t.Errorf("%s: no session: %s", what, harness.OutcomeOf(result).Body)
	}
	return access
}

// wantSaid: refused, in whichever dialect, for this reason, and without a token.
func wantSaid(t *testing.T, what string, result any, reason string) harness.Outcome {
	t.Helper()
	o := harness.OutcomeOf(result)
	if o.Success() || !strings.Contains(o.Text(), reason) || accessOf(result) != "" {
		t.Errorf("%s: want a refusal that says %q, got HTTP %d %s", what, reason, o.HTTP, o.Body)
	}
	return o
}

// What refusals of codes say, in all dialects.
const (
	saysWrong    = "The authenticator code is wrong."
	saysUsed     = "has been used"
	saysWait     = "Too many wrong codes"
	saysDisabled = "The authenticator is disabled"
	saysBound    = "An authenticator is bound already"
	saysStale    = "too long ago"
)

// oathtool computes a code with somebody else's program.
func oathtool(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	return tool(t, "oathtool", "--totp", "--base32", "--now", at.UTC().Format("2006-01-02 15:04:05 UTC"), secret)
}

// zbar reads the picture of a data URI with another reader than that of the harness.
func zbar(t *testing.T, dataURI string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "picture.png")
	if err := os.WriteFile(file, pngOf(t, dataURI), 0o600); err != nil {
		t.Fatal(err)
	}
	return tool(t, "zbarimg", "--quiet", "--raw", file)
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is missing; run `make tools`", name)
	}
	command := exec.CommandContext(t.Context(), name, args...)
	var complaints strings.Builder // zbarimg has some that mean nothing
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, complaints.String())
	}
	return strings.TrimSpace(string(output))
}

// pngOf is the picture of a data URI.
func pngOf(t *testing.T, dataURI string) []byte {
	t.Helper()
	text, ok := strings.CutPrefix(dataURI, "data:image/png;base64,")
	if !ok {
		t.Fatalf("not a PNG data URI: %.40s", dataURI)
	}
	return must(base64.StdEncoding.DecodeString(text))(t)
}

// speaking is a client of somebody who is signed in and speaks a language.
func speaking(h *harness.Instance, p *harness.Person, language string) *gen.ClientWithResponses {
	return h.NewClient(harness.Header("Access-Token", p.AccessToken), harness.Header("Authorization", p.AccessToken), in(language))
}

// wantAMR: the session of a token was proved like this.
func wantAMR(t *testing.T, h *harness.Instance, what, access, amr string) {
	t.Helper()
	const query = `SELECT count(*) FROM sessions WHERE id = $1 AND '[' || array_to_string(amr, ' ') || ']' = $2`
	if h.Count(query, sessionOf(t, access), amr) != 1 {
		t.Errorf("%s: the session was not proved by %s", what, amr)
	}
}

// refresh is a Person with its next pair of tokens, after the clock was moved.
func refresh(t *testing.T, h *harness.Instance, p *harness.Person) {
	t.Helper()
	p.Adopt(renewed(t, info(t, h, "", p.RefreshToken)))
}

// letter is a message to somebody.
type letter = channel.Entry
