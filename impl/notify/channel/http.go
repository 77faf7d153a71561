package channel

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
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// defaultHTTPTimeout is what Standard Webhooks recommends at least.
	defaultHTTPTimeout = 15 * time.Second
	// maxAnswer is how long the headers and the body of an answer may be, in bytes each.
	maxAnswer = 64 << 10
)

// httpClient follows no redirects (the letter goes where the operator said, and nowhere else) and keeps no connections: on
// one that the other side is just closing, a request gets lost without a trace, and the letter would be uncertain. Proxies
// are those of the environment.
var httpClient = &http.Client{
	Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxAnswer,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// endpoint reads a URL. Errors do not quote it: it may have a password in it.
func endpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Fragment != "" {
		return nil, errors.New("the URL is not like https://example.com/path")
	}
	return u, nil
}

// vendorEndpoint is endpoint for a vendor's API: https, except to this machine, and nothing behind the host.
func vendorEndpoint(raw string) (*url.URL, error) {
	u, err := endpoint(raw)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "https" && !loopback(u.Hostname()):
		return nil, errors.New("the endpoint has to be https")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil:
		return nil, errors.New("the endpoint is scheme and host, nothing else")
	}
	u.Path = "/"
	return u, nil
}

// exchange posts one request and returns status and body of the answer. A body that breaks off is nil, one that is longer
// than limit is cut; with limit 0 nobody waits for it. What failed before there was a connection was certainly not taken;
// what failed later is ErrUncertain.
func exchange(ctx context.Context, to *url.URL, header map[string]string, body []byte, limit int64) (status int, answer []byte, err error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("the request cannot be written")
	}
	r.Header.Set("User-Agent", "Menshen")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := httpClient.Do(r)
	switch {
	case err != nil && connected.Load():
		return 0, nil, fmt.Errorf("%w: request sent: %s", ErrUncertain, describe(err))
	case err != nil:
		return 0, nil, fmt.Errorf("connect: %s", describe(err))
	}
	defer func() { _ = response.Body.Close() }()
	if answer, err = io.ReadAll(io.LimitReader(response.Body, limit)); err != nil {
		answer = nil
	}
	return response.StatusCode, answer, nil
}
