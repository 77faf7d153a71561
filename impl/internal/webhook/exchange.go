package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"sync/atomic"
)

// Bounds of an exchange, in bytes.
const (
	MaxBody         = 64 << 10 // of a request
	maxAnswerHeader = 64 << 10
)

// ErrSent means that a failure leaves open whether the request has arrived: there was a connection.
var ErrSent = errors.New("request sent")

// client follows no redirects (a request goes where the operator said, and nowhere else) and keeps no connections: on one
// that the other side is just closing, a request gets lost without a trace. Proxies are those of the environment.
var client = &http.Client{
	Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxAnswerHeader,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Endpoint reads a URL. Errors do not quote it: it may have a password in it.
func Endpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Fragment != "" {
		return nil, errors.New("the URL is not like https://example.com/path")
	}
	return u, nil
}

// Loopback tells whether a host is this machine.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// Answer is what came back.
type Answer struct {
	Status int
	Body   []byte // at most what was asked for; nil if it broke off
	Whole  bool   // Body is all of it
}

// Exchange posts a body of at most MaxBody and returns the answer, with at most limit bytes of its body; with limit 0 nobody
// waits for that. The context bounds the time. An error is ErrSent once there was a connection; before, nothing has
// arrived. Errors hold nothing of the URL, the request and the answer.
func Exchange(ctx context.Context, to *url.URL, header map[string]string, body []byte, limit int) (Answer, error) {
	if len(body) > MaxBody {
		return Answer{}, errors.New("the request is too long")
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, errors.New("the request cannot be written")
	}
	r.Header.Set("User-Agent", "Menshen")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	switch {
	case err != nil && connected.Load():
		return Answer{}, fmt.Errorf("%w: %s", ErrSent, Describe(err))
	case err != nil:
		return Answer{}, fmt.Errorf("connect: %s", Describe(err))
	}
	defer func() { _ = response.Body.Close() }()
	a := Answer{Status: response.StatusCode}
	if limit == 0 {
		return a, nil
	}
	if a.Body, err = io.ReadAll(io.LimitReader(response.Body, int64(limit)+1)); err != nil {
		a.Body = nil
	}
	a.Whole = err == nil && len(a.Body) <= limit
	a.Body = a.Body[:min(limit, len(a.Body))]
	return a, nil
}
