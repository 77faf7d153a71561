package app

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest/port"
)

// TestProfileListener: profiles are served on an address of their own, to who asks for them there, for as long as is asked for;
// never on the public address, nor where metrics are read. They end with the service, and name nobody.
func TestProfileListener(t *testing.T) {
	t.Parallel()
	addr, metrics := port.Must(t), port.Must(t)
	s := serve(t, own(t, "MENSHEN_PROFILE_ADDR="+addr, "MENSHEN_METRICS_ADDR="+metrics))
	if code, answer := s.post("/user/register", `{"username":"alicecanary","password":"purple guards at every door"}`); code != success {
		t.Fatalf("register: %s", answer)
	}
	for path, want := range map[string]string{
		"/debug/pprof/": "heap", "/debug/pprof/goroutine?debug=2": "impl/app.(*App).clean", "/debug/pprof/heap?debug=1": "heap profile",
		"/debug/pprof/profile?seconds=1": "\x1f\x8b", "/debug/pprof/trace?seconds=1": "go 1.", "/debug/pprof/symbol": "num_symbols",
	} {
		status, text := get(t, "http://"+addr+path)
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d, without %q", path, status, want)
		}
		if strings.Contains(text, "alicecanary") {
			t.Errorf("%s names somebody", path)
		}
	}
	for _, url := range []string{
		s.config.PublicURL + "/debug/pprof/", s.config.PublicURL + "/debug/pprof/heap", "http://" + metrics + "/debug/pprof/",
		"http://" + addr + "/", "http://" + addr + "/metrics", "http://" + addr + "/user/info", "http://" + addr + "/debug/pprof/cmdline",
	} {
		if status, text := get(t, url); status != http.StatusNotFound || strings.Contains(text, "goroutine") {
			t.Errorf("%s: %d, want %d", url, status, http.StatusNotFound)
		}
	}
	if err := s.stop(20 * time.Second); err != nil {
		t.Errorf("stop: %v", err)
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("profiles are still served")
	}
}

// TestProfilesAreOff: who has not asked for profiles does not serve them.
func TestProfilesAreOff(t *testing.T) {
	t.Parallel()
	if c, err := LoadConfig(nil); err != nil || c.ProfileAddr != "" {
		t.Errorf("ProfileAddr = %q, %v", c.ProfileAddr, err)
	}
}

// TestProfileAddrTaken: the service does not start without the profiles that it was told to serve, says what to change, and leaves
// nothing behind that listens.
func TestProfileAddrTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	metrics := port.Must(t)
	config := own(t, "MENSHEN_PROFILE_ADDR="+taken.Addr().String(), "MENSHEN_METRICS_ADDR="+metrics)
	err = Serve(t.Context(), config, slog.New(slog.DiscardHandler), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "MENSHEN_PROFILE_ADDR") {
		t.Errorf("Serve = %v", err)
	}
	for _, addr := range []string{config.Addr, metrics} {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Errorf("%s still listens", addr)
		}
	}
}
