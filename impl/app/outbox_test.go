package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// screen is a writer that can be read while it is written to.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *screen) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *screen) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// shows waits until the screen has a text.
func (p *screen) shows(t *testing.T, text string) {
	t.Helper()
	for began := time.Now(); !strings.Contains(p.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("it does not show %q in 20 s, but\n%s", text, p)
		}
	}
}

// drop puts a letter into an outbox, as the channel does.
func drop(t *testing.T, dir string, of message.Channel, l channel.Letter) {
	t.Helper()
	c, err := channel.NewDirectory(dir, of)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Deliver(t.Context(), l, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// dropped makes an outbox with an e-mail and an SMS to Alice, and one to Bob.
func dropped(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "outbox")
	drop(t, dir, message.Email, channel.Letter{ID: "1", To: "Alice@example.com", Subject: "Your code", Text: "It is\n\n    271828\n", Code: "271828"})
	drop(t, dir, message.Phone, channel.Letter{ID: "2", To: "+8613800138000", Text: "[Acme] 314159 is it\n", Code: "314159"})
	drop(t, dir, message.Email, channel.Letter{ID: "3", To: "bob@example.com", Subject: "Hello", Text: "Bob\n"})
	return dir
}

// show runs the command until it ends.
func show(t *testing.T, o outboxCommand, dir string) string {
	t.Helper()
	var p screen
	if err := o.show(t.Context(), dir, &p); err != nil {
		t.Errorf("%+v: %v", o, err)
	}
	return p.String()
}

// TestOutboxShowsMessages: the messages that were not sent, oldest first, each with when, how and to whom; of one address
// if that is wanted, however it is spelt; where there is no outbox yet, nothing.
func TestOutboxShowsMessages(t *testing.T) {
	t.Parallel()
	dir := dropped(t)
	for name, test := range map[string]struct {
		command outboxCommand
		want    []string
	}{
		"all":           {outboxCommand{}, []string{"email to Alice@example.com\n  Your code\n", "\n  It is\n  \n      271828\n\n", "phone to +8613800138000\n  [Acme] 314159 is it\n\n", "email to bob@example.com\n  Hello\n\n  Bob\n\n"}},
		"of Alice":      {outboxCommand{To: "alice@EXAMPLE.com"}, []string{"email to Alice@example.com\n"}},
		"of her phone":  {outboxCommand{To: "+8613800138000"}, []string{"phone to +8613800138000\n"}},
		"of nobody":     {outboxCommand{To: "carol@example.com"}, nil},
		"of a domain":   {outboxCommand{To: "example.com"}, nil},
		"of a sentence": {outboxCommand{To: "Hello"}, nil},
	} {
		got := show(t, test.command, dir)
		at := 0
		for _, part := range test.want {
			i := strings.Index(got[at:], part)
			if i < 0 {
				t.Errorf("%s: %q is not there, or not in its place:\n%s", name, part, got)
				break
			}
			at += i + len(part)
		}
		if n := strings.Count(got, " to "); n != strings.Count(strings.Join(test.want, ""), " to ") {
			t.Errorf("%s: %d messages:\n%s", name, n, got)
		}
	}
	if got := show(t, outboxCommand{}, filepath.Join(t.TempDir(), "none")); got != "" {
		t.Errorf("without an outbox: %s", got)
	}
}

// TestOutboxAsJSON: one object a line, for programs.
func TestOutboxAsJSON(t *testing.T) {
	t.Parallel()
	var to, codes []string
	for line := range strings.Lines(show(t, outboxCommand{JSON: true}, dropped(t))) {
		var e channel.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if time.Since(e.At) > time.Minute || (e.Subject == "") != (e.Channel == message.Phone) || e.Text == "" {
			t.Errorf("%+v", e)
		}
		to, codes = append(to, e.To), append(codes, e.Code)
	}
	if !slices.Equal(to, []string{"Alice@example.com", "+8613800138000", "bob@example.com"}) || !slices.Equal(codes, []string{"271828", "314159", ""}) {
		t.Errorf("codes %q to %q", codes, to)
	}
}

// TestOutboxFollows: with --follow what is there is shown, then what arrives, each once, until the command is stopped.
func TestOutboxFollows(t *testing.T) {
	t.Parallel()
	dir := dropped(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var p screen
	done := make(chan error, 1)
	go func() { done <- outboxCommand{Follow: true, To: "alice@example.com"}.show(ctx, dir, &p) }()
	p.shows(t, "271828")
	for i := range 3 {
		code := fmt.Sprint(100001 + i)
		drop(t, dir, message.Email, channel.Letter{ID: code, To: "alice@example.com", Subject: "Your code", Text: code + "\n", Code: code})
		drop(t, dir, message.Email, channel.Letter{ID: "of-bob-" + code, To: "bob@example.com", Subject: "No code", Text: "Bob\n"})
		p.shows(t, code)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}
	if n := strings.Count(p.String(), " to "); n != 4 || strings.Contains(p.String(), "Bob") {
		t.Errorf("%d messages were shown, want 4 to Alice:\n%s", n, p.String())
	}
}

// TestOutboxCode: --code prints the code of the newest message to the address and nothing else, so that a script can use
// it. Messages without a code, and codes of an earlier try, are passed over.
func TestOutboxCode(t *testing.T) {
	t.Parallel()
	dir := dropped(t)
	for to, want := range map[string]string{"": "314159\n", "alice@example.com": "271828\n", "+8613800138000": "314159\n"} {
		if got := show(t, outboxCommand{Code: true, To: to}, dir); got != want {
			t.Errorf("to %q: %q, want %q", to, got, want)
		}
	}
	drop(t, dir, message.Email, channel.Letter{ID: "4", To: "alice@example.com", Subject: "Your code", Text: "161803\n", Code: "161803"})
	if got := show(t, outboxCommand{Code: true, To: "Alice@example.com"}, dir); got != "161803\n" {
		t.Errorf("the newest: %q", got)
	}
}

// TestOutboxCodeIsWaitedFor: a script asks for a code right after the request that sends it. One that is half a minute old
// is not the one it waits for; when none comes it is told what may be wrong.
func TestOutboxCodeIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "outbox")
	drop(t, dir, message.Email, channel.Letter{ID: "1", To: "alice@example.com", Subject: "x", Text: "x\n"})
	old := time.Now().UTC().Add(-codeFresh - time.Second)
	text, err := json.Marshal(channel.Entry{At: old, Channel: message.Email, To: "alice@example.com", Text: "x", Code: "000000"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, old.Format("20060102T150405.000000Z")+"-email-old.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if all := show(t, outboxCommand{}, dir); strings.Count(all, " to ") != 2 {
		t.Fatalf("the old one is not shown at all:\n%s", all)
	}
	t.Run("arrives", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "made", "later")
		var p screen
		done := make(chan error, 1)
		go func() { done <- outboxCommand{Code: true}.show(t.Context(), dir, &p) }()
		time.Sleep(3 * outboxNap)
		drop(t, dir, message.Phone, channel.Letter{ID: "1", To: "+8613800138000", Text: "271828\n", Code: "271828"})
		if err := <-done; err != nil || p.String() != "271828\n" {
			t.Errorf("%q, %v", p.String(), err)
		}
	})
	t.Run("does not arrive", func(t *testing.T) {
		t.Parallel()
		var p screen
		began := time.Now()
		err := outboxCommand{Code: true}.show(t.Context(), dir, &p)
		if !errors.Is(err, errNoCode) || p.String() != "" || !strings.Contains(err.Error(), "MENSHEN_DATA_DIR") {
			t.Errorf("%q, %v", p.String(), err)
		}
		if waited := time.Since(began); waited < codeWait {
			t.Errorf("waited %v, want %v", waited, codeWait)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := (outboxCommand{Code: true}).show(ctx, dir, &screen{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// TestOutboxCommandLine: the options as the README writes them.
func TestOutboxCommandLine(t *testing.T) {
	t.Parallel()
	var line commandLine
	parser := kong.Must(&line, kong.Exit(func(int) {}))
	for _, test := range []struct {
		args []string
		want outboxCommand
	}{
		{[]string{"outbox"}, outboxCommand{}},
		{[]string{"outbox", "--to", "alice@example.com", "--code"}, outboxCommand{To: "alice@example.com", Code: true}},
		{[]string{"outbox", "--json", "-f"}, outboxCommand{JSON: true, Follow: true}},
		{[]string{"outbox", "--follow"}, outboxCommand{Follow: true}},
	} {
		if parsed, err := parser.Parse(test.args); err != nil || parsed.Command() != "outbox" || line.Outbox != test.want {
			t.Errorf("%q: %+v, %v", test.args, line.Outbox, err)
		}
		line = commandLine{}
	}
}

// TestOutboxIsOfThePrivatePostgres: the command reads the outbox of its data directory, and says why there is none with a
// database of one's own. It reads the environment, and so runs alone.
func TestOutboxIsOfThePrivatePostgres(t *testing.T) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "MENSHEN_") && !strings.HasPrefix(name, "MENSHEN_TEST_") {
			t.Setenv(name, "")
		}
	}
	dir := dropped(t)
	t.Setenv("MENSHEN_DATA_DIR", filepath.Dir(dir))
	if err := (outboxCommand{To: "nobody"}).Run(t.Context()); err != nil {
		t.Errorf("with the private PostgreSQL: %v", err)
	}
	t.Setenv("MENSHEN_DATABASE_URL", "postgres://db/menshen")
	t.Setenv("MENSHEN_PUBLIC_URL", "https://id.example.com")
	t.Setenv("MENSHEN_MASTER_KEY", aMasterKey)
	if err := (outboxCommand{}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no development outbox") {
		t.Errorf("with a database of one's own: %v", err)
	}
	t.Setenv("MENSHEN_QR_TTL", "x")
	if err := (outboxCommand{}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "MENSHEN_QR_TTL") {
		t.Errorf("with a wrong setting: %v", err)
	}
}
