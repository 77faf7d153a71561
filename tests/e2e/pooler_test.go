package e2e

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// throughPooler are stories of each capability. With `make pooler` all are told.
var throughPooler = []string{
	"TestRegisterWithCode", "TestTokensRenewOnTheFly", "TestCodeByEmail", "TestPhoneEntersAtEveryDoor", "TestOTPSecret", "TestQRLogin",
	"TestEventsOfAnotherReplica", "TestNumberMatching", "TestFastpass", "TestOfficialAccountSignsIn", "TestHooksOfASignIn",
	"TestUserpoolsShareNothing", "TestKeysChangeUnderASession",
}

// TestStoriesThroughPooler tells stories of this package once more, with PgBouncer between the instances and PostgreSQL: it
// lends four connections of the server to all instances, each for one transaction.
func TestStoriesThroughPooler(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.v", "-test.timeout=5m", "-test.run=^("+strings.Join(throughPooler, "|")+")$")
	command.Env = append(os.Environ(), "MENSHEN_TEST_POOLER=pgbouncer")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, story := range throughPooler {
		if !strings.Contains(string(output), "--- PASS: "+story+" ") {
			t.Errorf("%s was not told", story)
		}
	}
	t.Attr("stories", strconv.Itoa(len(throughPooler)))
}

// TestKeysChangeUnderASession (T10): while two replicas serve, an operator replaces the key that secrets are sealed with. A
// person's authenticator and session are good before and after it, at both, and nothing stays under the old key.
func TestKeysChangeUnderASession(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	replica := h.Replica()
	alice := h.SignUp("alice").EnrolTOTP()
	alice.Login(alice.Code())
	if err := h.RotateKeys(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if newest, others := h.Sealed("mfa_factors", "secret_sealed"); newest != 1 || others != 0 {
		t.Errorf("%d secrets under the new key, %d under others", newest, others)
	}
	for _, at := range []*harness.Instance{h, replica} {
		h.Clock.Advance(30 * time.Second)
		code := alice.Code()
		r := must(at.Client.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: "alice", Password: harness.Password, Code: &code}))(t)
		if !harness.OutcomeOf(r).Success() {
			t.Errorf("login: %s", r.Body)
		}
		info := must(at.NewClient(harness.Header("Access-Token", alice.AccessToken)).GetUserInfoWithResponse(t.Context(), nil))(t)
		if !harness.OutcomeOf(info).Success() {
			t.Errorf("the session from before: %s", info.Body)
		}
	}
}
