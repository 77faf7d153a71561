package fault

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// command runs the program for something else than serving, on the database of the rig.
func (r *rig) command(args ...string) *exec.Cmd {
	r.t.Helper()
	path, err := binary()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(append(os.Environ(), "MENSHEN_DATA_DIR="+filepath.Join(r.t.TempDir(), "none"), "MENSHEN_REQUEST_TIMEOUT=1s"), r.Environ()...)
	return cmd
}

// keys are what `menshen keys list --json` says of sealing keys: how many values each seals, the newest last.
func (r *rig) keys() (values []int, finished bool) {
	r.t.Helper()
	out, err := r.command("keys", "list", "--json").Output()
	if err != nil {
		r.t.Fatal(err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var key struct {
			Purpose   string     `json:"purpose"`
			Values    int        `json:"values"`
			RotatedAt *time.Time `json:"rotated_at"`
		}
		if err := decoder.Decode(&key); err != nil {
			r.t.Fatal(err)
		}
		if key.Purpose == "seal" {
			values, finished = append(values, key.Values), key.RotatedAt != nil
		}
	}
	return values, finished
}

// TestRotationKilled (T10): `menshen keys rotate` is killed (SIGKILL) while a process serves, and run again: it finishes the
// rotation that was begun. The one that serves opens what was sealed anew all the time, and what it seals afterwards is under
// the new key.
func TestRotationKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.SignUp("alice").EnrolTOTP()
	p := r.start()
	lookUp := func() {
		t.Helper()
		answer := harness.Must(p.client.GetOTPSecretByUserWithResponse(t.Context(), &gen.GetOTPSecretByUserParams{UserID: alice.ID}, r.Signer().Sign))(t)
		if answer.JSON200 == nil || answer.JSON200.Data == nil || answer.JSON200.Data.Secret != alice.Secret {
			t.Errorf("look-up: %s", answer.Body)
		}
	}
	killed := r.command("keys", "rotate")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the new key", func() bool { return r.Count(`SELECT count(*) FROM keyring WHERE purpose = 'seal'`) == 2 })
	lookUp()
	if out, err := r.command("keys", "rotate").CombinedOutput(); err == nil || !strings.Contains(string(out), "being rotated by another process") {
		t.Errorf("a second rotation: %v %s", err, out)
	}
	_ = killed.Process.Kill()
	_ = killed.Wait()
	if values, finished := r.keys(); len(values) != 2 || finished {
		t.Errorf("after the kill: %v, finished: %v", values, finished)
	}
	lookUp()
	var out []byte
	harness.Eventually(t, "the end of the lock", func() bool {
		var err error
		out, err = r.command("keys", "rotate").CombinedOutput()
		return err == nil
	})
	if !strings.Contains(string(out), "finishing the rotation") {
		t.Errorf("the second run says: %s", out)
	}
	if values, finished := r.keys(); len(values) != 2 || values[0] != 0 || values[1] != 2 || !finished {
		t.Errorf("afterwards the keys seal %v, finished: %v", values, finished)
	}
	lookUp()
	r.mails.Fail(harness.AtConnect, harness.Drop)
	p.ask(email, "waiting@example.com")
	if newest, others := r.Sealed("outbox", "message_sealed"); newest != 1 || others != 0 {
		t.Errorf("of what is sealed afterwards %d are under the new key, %d under the old one", newest, others)
	}
	p.terminate()
	p.wait()
}
