package channel

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/webhook"
)

const (
	// defaultHTTPTimeout is what Standard Webhooks recommends at least.
	defaultHTTPTimeout = 15 * time.Second
	// maxAnswer is how long the body of an answer may be, in bytes.
	maxAnswer = 64 << 10
)

// vendorEndpoint is webhook.Endpoint for a vendor's API: https, except to this machine, and nothing behind the host.
func vendorEndpoint(raw string) (*url.URL, error) {
	u, err := webhook.Endpoint(raw)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "https" && !webhook.Loopback(u.Hostname()):
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
func exchange(ctx context.Context, to *url.URL, header map[string]string, body []byte, limit int) (status int, answer []byte, err error) {
	a, err := webhook.Exchange(ctx, to, header, body, limit)
	if errors.Is(err, webhook.ErrSent) {
		err = fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return a.Status, a.Body, err
}
