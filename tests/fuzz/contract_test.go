package fuzz

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/wechat"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
	"github.com/menshen-auth/menshen/tests/harness"
	"github.com/menshen-auth/menshen/tests/harness/script"
)

var schemathesis = script.Tool{Target: "fuzz-tools", Program: filepath.Join(".venv", "bin", "schemathesis")}

// seed is that of a usual run: who changes something shall not be told of what chance has found elsewhere. make fuzz takes others.
const seed = 20260504

// TestContract: whatever Schemathesis makes of the contract, what it allows and what it does not, in any order that its links lead
// to, no answer is a 5xx or other than the contract says; what breaks the contract is refused, and who has no credentials.
// A seed makes the same requests again, in their order; how many of them a run comes to is a matter of the machine.
func TestContract(t *testing.T) {
	schemathesis.Installed(t, "requirements.txt", ".venv")
	w := newWorld(t)
	run := bounds(t)
	t.Attr("seed", run.seed)
	report := filepath.Join(t.TempDir(), "report.json")
	command := exec.CommandContext(t.Context(), schemathesis.Program, "--config-file", "schemathesis.toml", "run", w.h.URL+"/openapi.yaml",
		"--url", w.h.URL, "--seed", run.seed, "--max-examples", run.examples, "--max-time", run.seconds,
		"--report", "json", "--report-json-path", report, "--no-color")
	command.Env = append(os.Environ(), "MENSHEN_FUZZ_WORLD="+string(harness.JSON(w.settings)), "SCHEMATHESIS_HOOKS=hooks",
		"PYTHONPATH=suite", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1", "NO_PROXY=*", "no_proxy=*")
	command.WaitDelay = 10 * time.Second
	output, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("seed %s: %v\n%s", run.seed, err, output)
	}
	told, done := readReport(t, report), readFigures(t, w.settings["figures"])
	if told.Operations.Tested != told.Operations.Total || told.Operations.Total < 60 || len(told.Errors) > 0 {
		t.Errorf("%d of %d operations were tried, %d errors", told.Operations.Tested, told.Operations.Total, len(told.Errors))
	}
	for _, phase := range run.phases {
		if done.Phases[phase] == 0 {
			t.Errorf("the phase %s had no time", phase)
		}
	}
	// Refusals alone would prove little.
	reached, refused := 0, []string(nil)
	for operation, n := range done.Successes {
		if n > 0 {
			reached++
		} else {
			refused = append(refused, operation)
		}
	}
	t.Logf("nobody succeeded at %q", refused)
	if reached < told.Operations.Total/3 {
		t.Errorf("only %d operations succeeded for anybody", reached)
	}
	t.Attr("operations", strconv.Itoa(told.Operations.Tested))
	t.Attr("succeeded", strconv.Itoa(reached))
	t.Attr("cases", strconv.Itoa(told.TestCases.Generated))
	t.Attr("stateful", strconv.Itoa(done.Phases["stateful"]))
	t.Attr("checks", strconv.Itoa(done.Checks))
	t.Attr("failures", strconv.Itoa(told.TestCases.UniqueFailures))
}

// limits are those of a run, and the phases that it must come to: on a machine that is busy a short one has no time for the last.
type limits struct {
	seed, examples, seconds string
	phases                  []string
}

func bounds(t *testing.T) limits {
	t.Helper()
	run := limits{strconv.Itoa(seed), "2", "45", []string{"examples", "coverage"}}
	if long := os.Getenv("MENSHEN_TEST_FUZZ_CONTRACT"); long != "" {
		d, err := time.ParseDuration(long)
		if err != nil {
			t.Fatal(err)
		}
		run = limits{strconv.Itoa(rand.IntN(1 << 31)), "25", fmt.Sprintf("%.0f", max(1, d.Seconds())), append(run.phases, "fuzzing", "stateful")}
	}
	if own := os.Getenv("MENSHEN_TEST_SEED"); own != "" {
		run.seed = own
	}
	return run
}

// world is the Menshen that is tried, with everything connected.
type world struct {
	h        *harness.Instance
	settings map[string]string
}

func newWorld(t *testing.T) world {
	t.Helper()
	double := wechattest.New(t)
	h := harness.New(t, harness.NoLimits, harness.Wechat(double)) // one client would be told to wait, and no more
	connection, _ := h.Official(false, wechat.Change{})
	h.MiniProgram(wechat.Change{})
	alice, bob := h.SignUp("alice"), h.SignUp("bob") // bob is whom management is about: he ends up with an authenticator
	people := http.NewServeMux()
	people.HandleFunc("/newest-code", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, h.Digits.Last()) })
	people.HandleFunc("/wechat-login", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, double.Login("open-id", "union-id"))
	})
	beside := httptest.NewServer(people)
	t.Cleanup(beside.Close)
	return world{h, map[string]string{
		"url": h.URL, "figures": filepath.Join(t.TempDir(), "figures.json"),
		"appId": h.Credentials.AppID, "appSecret": h.Credentials.AppSecret,
		"accessKeyId": h.Credentials.AccessKeyID, "accessKeySecret": h.Credentials.AccessKeySecret,
		"username": alice.Username, "userId": bob.ID, "password": harness.Password,
		"connection": connection.ID, "pushToken": wechattest.PushToken,
		"newestCode": beside.URL + "/newest-code", "wechatLogin": beside.URL + "/wechat-login",
	}}
}

// report is what Schemathesis says of its run.
type report struct {
	Operations struct{ Total, Tested int }
	TestCases  struct {
		Generated      int
		UniqueFailures int `json:"unique_failures"`
	} `json:"test_cases"`
	Errors []any
}

func readReport(t *testing.T, path string) (r report) {
	t.Helper()
	read(t, path, &r)
	return r
}

// figures are what suite/hooks.py has counted.
type figures struct {
	Successes, Phases map[string]int
	Checks            int
}

func readFigures(t *testing.T, path string) (f figures) {
	t.Helper()
	read(t, path, &f)
	return f
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
