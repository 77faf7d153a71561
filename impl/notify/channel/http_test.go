package channel

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// overHTTP makes each channel that uses HTTP, for one URL.
var overHTTP = map[string]func(t *testing.T, url string) Channel{"aliyun": newAliyun, "tencent": newTencent, "webhook": newWebhook}

// rawHTTP is a server below HTTP: it reads a request and writes what it is told. "hang" writes nothing, "drop" closes.
func rawHTTP(t *testing.T, answer string) string {
	t.Helper()
	l, done := listen(t), make(chan struct{})
	t.Cleanup(func() { close(done) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				text, hang := strings.CutSuffix(answer, "hang")
				if text != "drop" {
					_, _ = io.WriteString(conn, text)
				}
				if hang {
					<-done
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestHTTPFailures: before there is a connection, nothing was taken; from then on nobody knows, until an answer is there.
// The webhook goes by the status as soon as it has come; the vendors need the body.
func TestHTTPFailures(t *testing.T) {
	t.Parallel()
	noTLS := func(t *testing.T) string {
		return "https://" + strings.TrimPrefix(rawHTTP(t, "HTTP/1.0 200 OK\r\n\r\n"), "http://")
	}
	raw := func(answer string) func(t *testing.T) string {
		return func(t *testing.T) string { return rawHTTP(t, answer) }
	}
	var all sync.WaitGroup // rather than subtests, of which only a few wait at a time
	for name, test := range map[string]struct {
		url             func(t *testing.T) string
		vendor, webhook outcome
	}{
		"refused": {func(t *testing.T) string { return "http://" + closedPort(t) }, later, later},
		"no such host, or no DNS that does not hang": {func(*testing.T) string { return "https://menshen.invalid" }, later, later},
		"no TLS":                     {noTLS, later, later},
		"unknown CA":                 {func(t *testing.T) string { return tlsServer(t).URL }, later, later},
		"TLS hangs":                  {func(t *testing.T) string { return "https://" + listen(t).Addr().String() }, later, later},
		"request hangs":              {raw("hang"), uncertain, uncertain},
		"closed unanswered":          {raw("drop"), uncertain, uncertain},
		"no HTTP":                    {raw("220 mail.test ESMTP\r\n"), uncertain, uncertain},
		"header breaks off":          {raw("HTTP/1.1 200 OK\r\nContent-"), uncertain, uncertain},
		"header hangs":               {raw("HTTP/1.1 200 OK\r\nContent-hang"), uncertain, uncertain},
		"header without end":         {raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 4*maxAnswer)), uncertain, uncertain},
		"header too long":            {raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 4*maxAnswer) + "\r\n\r\n"), uncertain, uncertain},
		"body breaks off":            {raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Code\":\"OK\"}"), uncertain, taken},
		"hangs before the body":      {raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhang"), uncertain, taken},
		"body hangs":                 {raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Code\":\"OK\"}hang"), uncertain, taken},
		"body has no end, and hangs": {raw("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat(" ", 64*maxAnswer) + "hang"), uncertain, taken},
		"error and body hang":        {raw("HTTP/1.1 400 No\r\nContent-Length: 99\r\n\r\n{\"Code\":\"Nohang"), later, refusedly},
		"hangs after an interim":     {raw("HTTP/1.1 103 Early Hints\r\n\r\nhang"), uncertain, uncertain},
	} {
		for vendor, channel := range overHTTP {
			want := test.vendor
			if vendor == "webhook" {
				want = test.webhook
			}
			c, hangs := channel(t, test.url(t)), strings.Contains(name, "hang")
			if hangs {
				c = hurried(c)
			}
			all.Go(func() {
				start := time.Now()
				got, err := deliver(t, c, anSMS())
				if took := time.Since(start); got != want || hangs && took > within || got == taken && took >= brief {
					t.Errorf("%s, %s: %s, %v, after %v; want %s", vendor, name, got, err, took, want)
				}
			})
		}
	}
	all.Wait()
}

func tlsServer(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// TestRedirectsAreNotFollowed: a letter goes where the operator said, not where somebody there sends it.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(thief.Close)
	for name, channel := range overHTTP {
		for _, status := range []int{301, 302, 303, 307, 308} {
			s := httptest.NewServer(http.RedirectHandler(thief.URL, status))
			t.Cleanup(s.Close)
			if got, err := deliver(t, channel(t, s.URL), anSMS()); got != later {
				t.Errorf("%s, HTTP %d: %v", name, status, err)
			}
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("followed %d times", n)
	}
}

// TestHTTPHandOver: where handing over fails, no request is made; and each delivery is at most one request.
func TestHTTPHandOver(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(s.Close)
	lost := errors.New("the database is gone")
	for name, channel := range overHTTP {
		c := channel(t, s.URL)
		requests.Store(0)
		if err := c.Deliver(t.Context(), anSMS(), func(context.Context) error { return lost }); !errors.Is(err, lost) || requests.Load() != 0 {
			t.Errorf("%s: %v and %d requests, want the error of handing over", name, err, requests.Load())
		}
		if _, err := deliver(t, c, anSMS()); err == nil || requests.Load() != 1 {
			t.Errorf("%s: %d requests, %v", name, requests.Load(), err)
		}
	}
}

// TestHTTPCancel: a delivery ends when its context does.
func TestHTTPCancel(t *testing.T) {
	t.Parallel()
	for name, channel := range overHTTP {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				cancel()
				<-r.Context().Done()
			}))
			t.Cleanup(s.Close)
			c := channel(t, s.URL)
			var h handOver
			if err := c.Deliver(ctx, anSMS(), h.call); classify(err) != uncertain || !strings.Contains(err.Error(), "cancelled") {
				t.Error(err)
			}
			if err := c.Deliver(ctx, anSMS(), h.call); classify(err) != later {
				t.Errorf("with a context that has ended: %v", err)
			}
		})
	}
}

// TestConnectionsAreNotKept: each request has a connection of its own. On a kept one that the server closes while the
// request is on its way, the outcome would be uncertain for no reason.
func TestConnectionsAreNotKept(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Code":"OK"}`)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := newAliyun(t, s.URL)
	for range 3 {
		if got, err := deliver(t, c, anSMS()); got != taken {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections for 3 requests", n)
	}
}
