package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/wechat"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
)

// operator runs menshen connection against a double of WeChat.
type operator struct {
	*town
	all    *wechat.Connections
	wechat *wechattest.Server
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	o := &operator{town: newTown(t), wechat: wechattest.New(t)}
	o.Config.WechatAPI = o.wechat.URL
	var err error
	if o.all, err = o.Connections(); err != nil {
		t.Fatal(err)
	}
	return o
}

// run runs a command line with standard input, and returns what it prints.
func (o *operator) run(stdin string, args ...string) (string, error) {
	o.t.Helper()
	var line commandLine
	parser, err := kong.New(&line, kong.Exit(func(int) { o.t.Errorf("%v exits", args) }))
	if err != nil {
		o.t.Fatal(err)
	}
	parsed, err := parser.Parse(append([]string{"connection"}, args...))
	if err != nil {
		return "", err
	}
	in, c := &secretReader{in: bufio.NewReader(strings.NewReader(stdin))}, line.Connection
	var out bytes.Buffer
	switch strings.Fields(parsed.Command())[1] {
	case "create":
		err = c.Create.run(o.t.Context(), o.App, o.all, in, &out)
	case "set":
		err = c.Set.run(o.t.Context(), o.App, o.all, in, &out)
	case "delete":
		err = c.Delete.run(o.t.Context(), o.all, &out)
	case "test":
		err = o.all.Test(o.t.Context(), c.Test.ID)
	case "list":
		var list []db.Connection
		if list, err = o.all.List(o.t.Context()); err == nil {
			err = o.printConnections(&out, c.List.JSON, list...)
		}
	}
	for _, secret := range []string{wechattest.OfficialSecret, wechattest.PushToken, wechattest.AESKey} {
		if strings.Contains(out.String(), secret) || err != nil && strings.Contains(plain(err), secret) {
			o.t.Errorf("%v shows %s: %s %v", args, secret, &out, err)
		}
	}
	return out.String(), err
}

func (o *operator) must(stdin string, args ...string) string {
	o.t.Helper()
	out, err := o.run(stdin, args...)
	if err != nil {
		o.t.Fatalf("%v: %v", args, err)
	}
	return out
}

func (o *operator) file(name, text string) string {
	o.t.Helper()
	path := filepath.Join(o.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

// TestOperatorConnectsWechat (Q10): the story of an operator: an official account is connected with secrets from files and
// standard input, tested, listed, changed field by field, turned off, deleted. What is printed has no secret.
func TestOperatorConnectsWechat(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	var made shownConnection
	out := o.must(wechattest.OfficialSecret+"\r\n"+wechattest.PushToken+"\n", "create", "official-account", "--json", "--name", "图书馆",
		"--wechat-app-id", wechattest.OfficialID, "--aes-key-file", o.file("key", wechattest.AESKey+"\nsecond line\n"))
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	if want := o.Config.PublicURL + "/api/v3/wechat-push?connection=" + made.ID; made.PushURL != want || made.Type != db.WechatOfficialAccount || !made.CreateUsers {
		t.Errorf("%s", out)
	}
	o.must("", "test", made.ID)
	o.must("wrong\n", "set", made.ID, "--secret-file", "-")
	if _, err := o.run("", "test", made.ID); !errors.Is(err, wechat.ErrRefused) || !strings.Contains(plain(err), "40125") {
		t.Errorf("with the wrong secret: %v", err)
	}
	o.must("", "set", made.ID, "--secret-file", o.file("secret", wechattest.OfficialSecret), "--remove-aes-key", "--lang=en", "--create-users=false", "--disabled")
	o.must("", "test", made.ID)
	o.must("s\n", "create", "mini-program", "--wechat-app-id", "wx1", "--page", "pages/login/index", "--env-version", "trial")
	table := o.must("", "list")
	for _, part := range []string{made.ID, "图书馆", "off", "on", made.PushURL, "wx1"} {
		if !strings.Contains(table, part) {
			t.Errorf("the list is without %q:\n%s", part, table)
		}
	}
	first, _, _ := strings.Cut(o.must("", "list", "--json"), "\n")
	var listed shownConnection
	if err := json.Unmarshal([]byte(first), &listed); err != nil || listed.ID != made.ID || listed.DisabledAt == nil || listed.CreateUsers || listed.Lang != "en" {
		t.Errorf("%s, %v", first, err)
	}
	o.must("", "set", made.ID, "--disabled=false")
	o.must("", "delete", made.ID, "--yes")
	if list := o.must("", "list"); strings.Contains(list, made.ID) || strings.Count(list, "\n") != 2 {
		t.Errorf("after the deletion:\n%s", list)
	}
}

// TestLogoOfConnection: the logo is fetched from where pages find it, or read from a file; what cannot be had, or drawn, is an
// error, and nothing is changed.
func TestLogoOfConnection(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 9, 9))); err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/logo.png":
			_, _ = w.Write(picture.Bytes())
		case "/long.png":
			_, _ = w.Write(append(picture.Bytes(), make([]byte, 1<<20)...))
		case "/logo.svg":
			_, _ = w.Write([]byte("<svg/>"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	var made shownConnection
	out := o.must("s\n", "create", "mini-program", "--json", "--wechat-app-id=wx1", "--logo-url", site.URL+"/logo.png")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	logo := func() []byte {
		t.Helper()
		text, err := o.Store.Connections().Logo(t.Context(), o.pool, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if !bytes.Equal(logo(), picture.Bytes()) {
		t.Error("the logo was not fetched")
	}
	for _, args := range [][]string{
		{"--logo-url", site.URL + "/gone.png"},
		{"--logo-url", site.URL + "/logo.svg"},
		{"--logo-url", site.URL + "/long.png"},
		{"--logo-url", "http://127.0.0.1:1/logo.png"},
		{"--logo-url", "nonsense"},
		{"--logo", o.file("a.svg", "<svg/>")},
		{"--logo", "/none.png"},
		{"--logo", o.file("a.png", ""), "--remove-logo"},
	} {
		if _, err := o.run("", append([]string{"set", made.ID, "--name", "changed"}, args...)...); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
	if list := o.must("", "list"); strings.Contains(list, "changed") || !bytes.Equal(logo(), picture.Bytes()) {
		t.Errorf("something was changed:\n%s", list)
	}
	o.must("", "set", made.ID, "--logo-url", "https://example.com/logo.svg", "--logo", o.file("logo.png", picture.String()))
	o.must("", "set", made.ID, "--remove-logo")
	if logo() != nil {
		t.Error("the logo is still there")
	}
}

// TestSecretsOfConnections: a secret is asked for where none is named, and an empty one is an error that says which.
func TestSecretsOfConnections(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	for says, try := range map[string]struct {
		stdin string
		args  []string
	}{
		"AppSecret":                     {"", []string{"create", "mini-program", "--wechat-app-id=wx1"}},
		"Token of the server":           {"s\n", []string{"create", "official-account", "--wechat-app-id=wx1"}},
		"EncodingAESKey":                {"", []string{"set", "c", "--aes-key-file", o.file("empty", "\nkey")}},
		"app id is missing":             {"s\n", []string{"create", "mini-program"}},
		"push token: of an official":    {"s\n!\n", []string{"create", "official-account", "--wechat-app-id=wx1"}},
		"no connection of this type":    {"s\n", []string{"set", "nobody", "--secret-file=-"}},
		"no such file":                  {"", []string{"set", "c", "--secret-file=/none"}},
		"unknown flag --secret":         {"", []string{"set", "c", "--secret=s"}},
		"must be one of":                {"", []string{"create", "mobile-app"}},
		"There is no such application.": {"s\n", []string{"create", "mini-program", "--app=nobody", "--wechat-app-id=wx1"}},
	} {
		if _, err := o.run(try.stdin, try.args...); err == nil || !strings.Contains(strings.ToLower(plain(err)), strings.ToLower(says)) {
			t.Errorf("%v: %v, want %q", try.args, err, says)
		}
	}
}
