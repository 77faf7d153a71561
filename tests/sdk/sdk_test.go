package sdk

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/url"
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

// TestNode: what the SDK for Node.js promises its callers, it gets from Menshen.
func TestNode(t *testing.T) {
	t.Parallel()
	installed(t, "package-lock.json", "node_modules")
	for _, s := range nodeScripts {
		t.Run(s.name, func(t *testing.T) { s.run(t, "node", filepath.Join("suite", s.name+".mjs")) })
	}
}

// TestPython: what the SDK for Python promises its callers, it gets from Menshen.
func TestPython(t *testing.T) {
	t.Parallel()
	installed(t, "requirements.txt", ".venv")
	python := filepath.Join(".venv", "bin", "python")
	for _, s := range pythonScripts {
		t.Run(s.name, func(t *testing.T) { s.run(t, python, "-BEs", "-X", "utf8", filepath.Join("suite", s.name+".py")) })
	}
}

// TestEveryScriptRuns: a story that nobody runs protects nothing.
func TestEveryScriptRuns(t *testing.T) {
	t.Parallel()
	for extension, scripts := range map[string][]script{".mjs": nodeScripts, ".py": pythonScripts} {
		files, err := filepath.Glob(filepath.Join("suite", "*"+extension))
		if err != nil || len(files) == 0 {
			t.Fatalf("no scripts *%s: %v", extension, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), extension)
			listed := slices.ContainsFunc(scripts, func(s script) bool { return s.name == name })
			if !listed && name != "menshen" { // which is no script, but what all of them import
				t.Errorf("%s is not in steps_test.go", file)
			}
		}
	}
}

// installed checks that what is in a directory is what its lock file says: make leaves a copy of that there.
func installed(t *testing.T, lock, dir string) {
	t.Helper()
	want, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, ".installed")); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s is not what %s says: run `make sdk-tools`", dir, lock)
	}
}

// script is a file in suite/ and the steps that it takes.
type script struct {
	name  string
	steps []string
}

// line is what a script writes: the outcome of a step, or a question.
type line struct {
	Step   string
	OK     bool
	Detail string
	Ask    string
	Of     string
}

// settings is the first line that a script reads.
type settings struct {
	URL             string `json:"url"`
	UserpoolID      string `json:"userpoolId"`
	AppID           string `json:"appId"`
	AppSecret       string `json:"appSecret"`
	AccessKeyID     string `json:"accessKeyId"`
	AccessKeySecret string `json:"accessKeySecret"`
}

// run runs the script against a Menshen of its own, and makes a subtest of every step.
func (s script) run(t *testing.T, program string, args ...string) {
	w := &world{Instance: harness.New(t, harness.NoLimits), t: t} // a script is busier than a person
	command := exec.CommandContext(t.Context(), program, args...)
	command.WaitDelay = 10 * time.Second
	command.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*", "NODE_OPTIONS=")
	var problems bytes.Buffer
	command.Stderr = &problems
	stdin, stdout := must(command.StdinPipe())(t), must(command.StdoutPipe())(t)
	if err := command.Start(); err != nil {
		t.Fatalf("%v: run `make sdk-tools`", err)
	}
	taken := w.converse(stdin, stdout)
	if err := command.Wait(); err != nil {
		t.Errorf("%s: %v\n%s", s.name, err, problems.Bytes())
	}
	for _, step := range s.steps {
		t.Run(step, func(t *testing.T) {
			outcome, ok := taken[step]
			if !ok {
				t.Fatal("the script did not get to this step")
			}
			if !outcome.OK {
				t.Fatal(outcome.Detail)
			}
		})
		delete(taken, step)
	}
	for step := range taken {
		t.Errorf("a step that steps_test.go does not list: %s", step)
	}
}

// world is the Menshen of a script, and what there is around it.
type world struct {
	*harness.Instance
	t *testing.T
}

// converse answers what the script asks, until it ends, and returns the steps that it took.
func (w *world) converse(stdin io.WriteCloser, stdout io.Reader) map[string]line {
	c := w.Credentials
	tell := json.NewEncoder(stdin)
	w.check(tell.Encode(settings{w.URL, c.UserpoolID, c.AppID, c.AppSecret, c.AccessKeyID, c.AccessKeySecret}))
	taken := map[string]line{}
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			w.t.Logf("said: %s", lines.Text())
			continue
		}
		if l.Ask != "" {
			w.check(tell.Encode(w.answer(l.Ask, l.Of)))
			continue
		}
		if _, again := taken[l.Step]; again {
			w.t.Errorf("two steps of one name: %s", l.Step)
		}
		taken[l.Step] = l
	}
	w.check(cmp.Or(lines.Err(), stdin.Close()))
	return taken
}

// answer is what the world has to say.
func (w *world) answer(question, of string) string {
	switch question {
	case "scan": // what a phone reads in a picture: the URL of one, or a data URI
		if strings.HasPrefix(of, "data:") {
			return w.ReadQR(w.DataURI(of))
		}
		address := must(url.Parse(of))(w.t)
		id := &gen.GetQRCodePictureParams{ID: address.Query().Get("id")}
		picture := must(w.Client.GetQRCodePictureWithResponse(w.t.Context(), id))(w.t)
		return w.ReadQR(w.Picture(picture.Body))
	case "code": // what the authenticator with this secret shows next; the code that it shows now may be spent
		return w.Phone(of).NextCode()
	case "guess": // what it shows neither now nor a few minutes before or after
		return w.WrongCodes(1, of)[0]
	case "make public": // the operator says that an application has no server that could keep its secret
		if w.Exec(`UPDATE applications SET browser_exchange = true WHERE id = $1`, of) != 1 {
			w.t.Errorf("no application %s", of)
		}
		return ""
	case "wait": // a while goes by
		w.Clock.Advance(must(time.ParseDuration(of))(w.t))
		return ""
	}
	w.t.Errorf("a question that nobody can answer: %s", question)
	return ""
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func must[T any](value T, err error) func(testing.TB) T { return harness.Must(value, err) }
