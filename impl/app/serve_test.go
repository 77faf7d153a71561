package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// served is a running Serve.
type served struct {
	t         *testing.T
	config    Config
	announced announcement
	banner    string
	log       bytes.Buffer // to be read after stop only
	cancel    context.CancelFunc
	done      chan error
}

// announcement is a writer that passes on what is written.
type announcement chan string

func (a announcement) Write(b []byte) (int, error) {
	a <- string(b)
	return len(b), nil
}

// serve runs Serve until it has announced itself.
func serve(t *testing.T, c Config) *served {
	t.Helper()
	s := launch(t, c)
	s.await()
	return s
}

// launch runs Serve.
func launch(t *testing.T, c Config) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{t: t, config: c, announced: make(announcement, 1), cancel: cancel, done: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	go func() { s.done <- Serve(ctx, c, log, s.announced) }()
	t.Cleanup(func() { _ = s.stop(30 * time.Second) })
	return s
}

// await waits until Serve has announced itself.
func (s *served) await() {
	s.t.Helper()
	select {
	case s.banner = <-s.announced:
	case err := <-s.done:
		s.done <- err
		s.t.Fatalf("Serve = %v", err)
	case <-time.After(time.Minute):
		s.t.Fatal("Serve does not announce itself")
	}
}

// stop ends the service, if it has not ended before, and tells how it did.
func (s *served) stop(within time.Duration) error {
	s.t.Helper()
	s.cancel()
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case <-time.After(within):
		s.t.Errorf("Serve does not return within %v", within)
		return nil
	}
}

// post sends a request and returns the answer's outcome code and its text.
func (s *served) post(path, body string) (int, string) {
	s.t.Helper()
	r, err := http.Post(s.config.PublicURL+path, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	return outcome(s.t, r)
}

func outcome(t *testing.T, r *http.Response) (int, string) {
	t.Helper()
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var envelope struct {
		Base struct{ Code int }
	}
	if err := json.Unmarshal(answer, &envelope); err != nil {
		t.Fatalf("%d %s: %v", r.StatusCode, answer, err)
	}
	return envelope.Base.Code, string(answer)
}

const success = 10000

// reachable is a directory that does not exist yet, in a place that the user of the private PostgreSQL can get to.
func reachable(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("", "serve-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(base, "data")
}

// TestServeOnPrivatePostgres (design 7): from nothing to a service, with everything it needs in one directory; nobody
// else can use that directory meanwhile; after a stop, a new start finds everything, under the same keys.
func TestServeOnPrivatePostgres(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	const alice = `{"username":"alice","password":"purple guards at every door"}`
	began := time.Now()
	s := serve(t, settings(t, dir))
	t.Logf("first start: %v", time.Since(began).Round(time.Millisecond))
	c, err := readCredentials(filepath.Join(dir, "credentials.json"))
	if err != nil || c.BaseURL != s.config.PublicURL {
		t.Errorf("credentials of %q, %v; want %s", c.BaseURL, err, s.config.PublicURL)
	}
	masterKey, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if raw, bad := base64.StdEncoding.DecodeString(strings.TrimSpace(string(masterKey))); err != nil || bad != nil || len(raw) != 32 {
		t.Errorf("master.key: %v, %v", err, bad)
	}
	for _, file := range []string{"credentials.json", "master.key"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want 0600", file, info.Mode(), err)
		}
	}

	// T13: what a person sees at the start, and what the log keeps, shows where the secrets are and none of them.
	for _, want := range []string{s.config.PublicURL, filepath.Join(dir, "credentials.json"), "private", "openapi.yaml"} {
		if !strings.Contains(s.banner, want) {
			t.Errorf("the banner does not say %q:\n%s", want, s.banner)
		}
	}
	if code, answer := s.post("/user/register", alice); code != success {
		t.Fatalf("register: %s", answer)
	}
	login := func(s *served) {
		t.Helper()
		for _, body := range []string{alice, fmt.Sprintf(`{"username":%q,"password":%q}`, c.Username, c.Password)} {
			if code, answer := s.post("/user/login", body); code != success {
				t.Errorf("login: %s", answer)
			}
		}
	}
	login(s)
	second := settings(t, dir)
	err = Serve(t.Context(), second, slog.New(slog.DiscardHandler), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("a second Serve on the directory: %v; want a message with the directory and the process that has it", err)
	}
	if conn, err := net.Dial("tcp", second.Addr); err == nil {
		conn.Close()
		t.Error("the second one still listens")
	}
	login(s) // the first is unharmed

	if err := s.stop(10 * time.Second); err != nil {
		t.Errorf("stop: %v", err)
	}
	for _, secret := range []string{c.AppSecret, c.AccessKeySecret, c.Password, strings.TrimSpace(string(masterKey)), "purple guards at every door"} {
		if strings.Contains(s.banner, secret) || strings.Contains(s.log.String(), secret) {
			t.Errorf("banner or log shows %q", secret)
		}
	}
	moved := settings(t, dir)
	began = time.Now()
	again := serve(t, moved)
	t.Logf("second start: %v", time.Since(began).Round(time.Millisecond))
	login(again)
	c.BaseURL = moved.PublicURL // it has another port, and the file says so
	if now, err := readCredentials(filepath.Join(dir, "credentials.json")); err != nil || now != c {
		t.Errorf("credentials after a restart: %+v, %v; want %+v", now, err, c)
	}
	if now, err := os.ReadFile(filepath.Join(dir, "master.key")); err != nil || !bytes.Equal(now, masterKey) {
		t.Errorf("another master key after a restart: %v", err)
	}

	// A private PostgreSQL that dies takes the service with it, and says so: a supervisor then starts both.
	pid, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	n, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(n, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-again.done:
		again.done <- err
		if err == nil || !strings.Contains(err.Error(), "PostgreSQL has ended") {
			t.Errorf("Serve without its database: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("Serve goes on without its database")
	}
}

// begin sends the head of a request and waits until the service asks for its body: it is in flight then.
func (s *served) begin(body string) (net.Conn, *bufio.Reader) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.config.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "POST /user/register HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", s.config.Addr, len(body))
	answers := bufio.NewReader(conn)
	line, err := answers.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		s.t.Fatalf("%q, %v", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		s.t.Fatal(err)
	}
	return conn, answers
}

// TestServeDrains (security, faults: SIGTERM under load fails no request in flight): when the context ends, the service
// says that it is not ready, and to who has a connection that it will end, then lets nobody new in; who is in is answered, and
// Serve returns without an error.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	s := serve(t, own(t))
	const body = `{"username":"alice","password":"purple guards at every door"}`
	conn, answers := s.begin(body)
	s.cancel()
	ready := true
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		r, err := http.Get(s.config.PublicURL + "/readyz")
		if err != nil {
			break // nobody is let in any more
		}
		r.Body.Close()
		ready = ready && r.StatusCode == http.StatusOK
		if !ready && !r.Close {
			t.Error("a client is left on a connection that is about to end")
		}
	}
	if ready {
		t.Error("load balancers were not told before the door was shut")
	}
	if late, err := net.Dial("tcp", s.config.Addr); err == nil {
		late.Close()
		t.Error("new connections are still let in")
	}
	select {
	case err := <-s.done:
		t.Fatalf("Serve returns before the request in flight is answered: %v", err)
	default:
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatalf("the request in flight is not answered: %v", err)
	}
	if code, answer := outcome(t, r); code != success {
		t.Errorf("the request in flight: %s", answer)
	}
	if err := s.stop(10 * time.Second); err != nil {
		t.Errorf("Serve = %v", err)
	}
}

// TestServeGivesUpOnSlowClients: a client that never finishes does not hold up a stop for longer than MENSHEN_DRAIN_TIMEOUT.
func TestServeGivesUpOnSlowClients(t *testing.T) {
	t.Parallel()
	s := serve(t, own(t, "MENSHEN_DRAIN_TIMEOUT=100ms", "MENSHEN_DRAIN_DELAY=0s"))
	s.begin(`{}`)
	if err := s.stop(10 * time.Second); err == nil || !strings.Contains(err.Error(), "in flight") {
		t.Errorf("Serve = %v", err)
	}
}

// TestServeOnOwnDatabase (design 6, 7): no private PostgreSQL, no demo user, and no other file than the credentials of the
// first start. A second replica serves the same tenancy, from a directory of its own: in that of the first it would
// destroy the only copy of the secrets.
func TestServeOnOwnDatabase(t *testing.T) {
	t.Parallel()
	config := own(t)
	s := serve(t, config)
	if c := kept(t, s.config.DataDir); c.Username != "" || !strings.Contains(s.banner, "your own") || strings.Contains(s.banner, config.DatabaseURL) {
		t.Errorf("credentials %+v, banner:\n%s", c, s.banner)
	}
	environ := []string{"MENSHEN_DATABASE_URL=" + config.DatabaseURL, "MENSHEN_MASTER_KEY=" + aMasterKey}
	err := Serve(t.Context(), settings(t, s.config.DataDir, environ...), slog.New(slog.DiscardHandler), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), s.config.DataDir) {
		t.Errorf("a second Serve on the directory: %v", err)
	}
	other := settings(t, t.TempDir(), environ...)
	replica := serve(t, other)
	const alice = `{"username":"alice","password":"purple guards at every door"}`
	if code, answer := s.post("/user/register", alice); code != success {
		t.Errorf("register: %s", answer)
	}
	if code, answer := replica.post("/user/login", alice); code != success {
		t.Errorf("login at the replica: %s", answer)
	}
	if _, err := os.Stat(filepath.Join(other.DataDir, "credentials.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the replica has credentials, too: %v", err)
	}
}

// TestServeRefusesToStart: with a message that says what is wrong, and without the password of the database.
func TestServeRefusesToStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	portTaken := own(t)
	portTaken.Addr = taken.Addr().String()
	noDatabase := settings(t, t.TempDir(), "MENSHEN_MASTER_KEY="+aMasterKey, "MENSHEN_DATABASE_URL=postgres://menshen:hunter2@127.0.0.1:1/menshen?sslmode=disable")
	for want, c := range map[string]Config{"MENSHEN_ADDR": portTaken, "database": noDatabase} {
		err := Serve(t.Context(), c, slog.New(slog.DiscardHandler), io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
