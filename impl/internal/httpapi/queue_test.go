package httpapi

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/admission"
)

// TestTurns (overload): while others are at work, a request is refused after a short time, in its own dialect and with the time
// after which to come again. Whether the service works is told all the same.
func TestTurns(t *testing.T) {
	t.Parallel()
	entered, goOn := make(chan struct{}), make(chan struct{})
	server := failing(func() error { return nil })
	server.status = func() (gen.GetManagementTokenResponseObject, error) {
		entered <- struct{}{}
		<-goOn
		return gen.GetManagementToken200JSONResponse{Data: &gen.ManagementTokenDto{AccessToken: "x", ExpiresIn: 1}}, nil
	}
	server.health = func() (gen.GetHealthResponseObject, error) {
		return gen.GetHealth200JSONResponse{Status: gen.HealthStatusOk}, nil
	}
	h, log := guarded(t, server, func(o *Options) { o.Queue = admission.New(1, 10*time.Millisecond, 10*time.Millisecond) })
	done := make(chan int)
	go func() { done <- answer(h, askStatus.request()).Code }()
	<-entered
	for operation, ask := range asks {
		if operation == "health" {
			continue
		}
		w := answer(h, ask.request())
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || number(t, w) == 0 {
			t.Errorf("%s: HTTP %d, Retry-After %q: %s", operation, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
	}
	if w := answer(h, askHealth.request()); w.Code != http.StatusOK {
		t.Errorf("health: HTTP %d %s", w.Code, w.Body)
	}
	close(goOn)
	if code := <-done; code != http.StatusOK || strings.Contains(log.String(), UndeclaredRefusal) {
		t.Errorf("who was at work: HTTP %d; the log: %s", code, log)
	}
	go func() { <-entered }()
	if w := answer(h, askStatus.request()); w.Code != http.StatusOK {
		t.Errorf("afterwards: HTTP %d %s", w.Code, w.Body)
	}
}

// TestSlowClientsTakeNobodysTurn (overload): a client that sends its request slowly, and one that listens to events for long,
// leave the only place to others.
func TestSlowClientsTakeNobodysTurn(t *testing.T) {
	t.Parallel()
	text, told := io.Pipe()
	server := telling(struct{ io.Reader }{text}) // nothing that can be closed
	server.status = func() (gen.GetManagementTokenResponseObject, error) {
		return gen.GetManagementToken200JSONResponse{Data: &gen.ManagementTokenDto{AccessToken: "x", ExpiresIn: 1}}, nil
	}
	h, _ := guarded(t, server, func(o *Options) { o.Queue = admission.New(1, 10*time.Millisecond, 10*time.Millisecond) })
	done := make(chan int, 2)
	go func() { done <- answer(h, askEvents.request()).Code }()
	_, err := io.WriteString(told, ": listening\n\n") // returns when it was read
	body, typed := io.Pipe()
	slow := askStatus.request()
	slow.Body = body
	go func() { done <- answer(h, slow).Code }()
	_, err2 := io.WriteString(typed, askStatus.body[:10])
	if w := answer(h, askStatus.request()); w.Code != http.StatusOK || err != nil || err2 != nil {
		t.Errorf("beside them: HTTP %d %s; %v %v", w.Code, w.Body, err, err2)
	}
	_, _ = io.WriteString(typed, askStatus.body[10:])
	_, _ = typed.Close(), told.Close()
	for range 2 {
		if code := <-done; code != http.StatusOK {
			t.Errorf("a slow one: HTTP %d", code)
		}
	}
}
