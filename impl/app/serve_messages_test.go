package app

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest/port"
)

// get reads what an address serves.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

const askBob = `{"type":"email","use":"register","account":"bob@example.com"}`

// TestDevelopmentOutbox: on the private PostgreSQL a code that there is no channel for ends in the data directory, where
// nobody else can look, and `menshen outbox` shows it; the banner says so. With it, one registers.
func TestDevelopmentOutbox(t *testing.T) {
	t.Parallel()
	dir := reachable(t)
	s := serve(t, settings(t, dir))
	if !strings.Contains(s.banner, "menshen outbox") {
		t.Errorf("the banner does not show how to get a code:\n%s", s.banner)
	}
	code, answer := s.post("/api/v1/system/user/captcha", askBob)
	_, id, _ := strings.Cut(answer, `"codeID":"`)
	id, _, _ = strings.Cut(id, `"`)
	if code != success && !strings.Contains(answer, `"codeID"`) {
		t.Fatalf("ask for a code: %s", answer)
	}
	digits := strings.TrimSpace(show(t, outboxCommand{Code: true, To: "bob@example.com"}, outboxDir(dir)))
	if len(digits) != 6 {
		t.Fatalf("the outbox has the code %q", digits)
	}
	body := fmt.Sprintf(`{"regType":"email","account":"bob@example.com","codeID":%q,"code":%q,"isWithLogin":true}`, id, digits)
	if _, answer := s.post("/api/v1/system/user/register", body); !strings.Contains(answer, `"accessToken"`) {
		t.Errorf("register: %s", answer)
	}
	if info, err := os.Stat(outboxDir(dir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the outbox: %v, %v; want 0700", info.Mode(), err)
	}
	if err := s.stop(30 * time.Second); err != nil {
		t.Errorf("stop: %v", err)
	}
	if log := s.log.String(); strings.Contains(log, digits) || strings.Contains(log, "bob@example.com") {
		t.Errorf("the log shows address or code:\n%s", log)
	}
}

// TestNoOutboxOnOwnDatabase (C6): with a database of one's own, codes are sent or refused, clearly; none of them ends in a
// file.
func TestNoOutboxOnOwnDatabase(t *testing.T) {
	t.Parallel()
	s := serve(t, own(t))
	if code, answer := s.post("/api/v1/system/user/captcha", askBob); code == success || !strings.Contains(answer, "not configured") {
		t.Errorf("ask for a code: %s", answer)
	}
	if _, err := os.Stat(outboxDir(s.config.DataDir)); !os.IsNotExist(err) {
		t.Errorf("there is an outbox: %v", err)
	}
}

// TestStopDeliversWhatIsDue: a message that a request has just left is delivered before the service ends.
func TestStopDeliversWhatIsDue(t *testing.T) {
	t.Parallel()
	received := make(chan string, 10)
	hook := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		time.Sleep(700 * time.Millisecond) // still under way when the service is stopped
		body, _ := io.ReadAll(r.Body)
		received <- string(body)
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = hook.Serve(listener) }()
	t.Cleanup(func() { _ = hook.Close() })
	s := serve(t, own(t, "MENSHEN_DRAIN_DELAY=0s", "MENSHEN_SMS_PROVIDER=webhook", "MENSHEN_SMS_ENDPOINT=http://"+listener.Addr().String()+"/", aWebhook[2]))
	if _, answer := s.post("/api/v1/system/user/captcha", `{"type":"phone","use":"register","account":"13800138000"}`); !strings.Contains(answer, "codeID") {
		t.Fatalf("ask for a code: %s", answer)
	}
	if err := s.stop(20 * time.Second); err != nil {
		t.Errorf("stop: %v", err)
	}
	select {
	case body := <-received:
		if !strings.Contains(body, "+8613800138000") || len(received) != 0 {
			t.Errorf("received %s, and %d more", body, len(received))
		}
	default:
		t.Error("the service has ended without the SMS")
	}
}

// TestMetricsListener: metrics are served on an address of their own, if there is one, to who asks for them there; never
// on the public one. They end with the service, and name nobody.
func TestMetricsListener(t *testing.T) {
	t.Parallel()
	addr := port.Must(t)
	s := serve(t, own(t, "MENSHEN_METRICS_ADDR="+addr))
	if code, answer := s.post("/user/register", `{"username":"alicecanary","password":"purple guards at every door"}`); code != success {
		t.Fatalf("register: %s", answer)
	}
	s.post("/api/v1/system/user/captcha", askBob)
	status, text := get(t, "http://"+addr+"/metrics")
	for _, line := range []string{
		"menshen_http_request_seconds_count{operation=\"registerUser\",status=\"200\"} 1\n", `menshen_codes_total{channel="email",outcome="captcha.channel"} 1`, "\ngo_goroutines ",
	} {
		if status != http.StatusOK || !strings.Contains(text, line) {
			t.Errorf("%d, without %q:\n%s", status, line, text)
		}
	}
	for _, person := range []string{"alicecanary", "bob", "127.0.0.1", kept(t, s.config.DataDir).UserpoolID} {
		if strings.Contains(text, person) {
			t.Errorf("the metrics name %s", person)
		}
	}
	for path, want := range map[string]int{"/": http.StatusNotFound, "/metrics/x": http.StatusNotFound, "/user/info": http.StatusNotFound} {
		if status, _ := get(t, "http://"+addr+path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	if status, text := get(t, s.config.PublicURL+"/metrics"); status != http.StatusNotFound || strings.Contains(text, "menshen_http") {
		t.Errorf("on the public address: %d, %s", status, text)
	}
	if err := s.stop(20 * time.Second); err != nil {
		t.Errorf("stop: %v", err)
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("the metrics are still served")
	}
}

// TestMetricsAddrTaken: the service does not start without the metrics that it was told to serve, and says what to change.
func TestMetricsAddrTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := own(t, "MENSHEN_METRICS_ADDR="+taken.Addr().String())
	err = Serve(t.Context(), config, slog.New(slog.DiscardHandler), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "MENSHEN_METRICS_ADDR") {
		t.Errorf("Serve = %v", err)
	}
	if conn, err := net.Dial("tcp", config.Addr); err == nil {
		conn.Close()
		t.Error("it still listens")
	}
}
