package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
)

// Describe tells what went wrong with a connection. It knows the errors that are made on this side, of addresses and
// certificates of servers; others may quote what the other side sent, and that may be what it was sent.
func Describe(err error) string {
	var (
		outer   *url.Error // holds the URL, which may hold a secret
		timeout net.Error
		network *net.OpError
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
	)
	if errors.As(err, &outer) {
		err = outer.Err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &cert):
		return cert.Error()
	case errors.As(err, &record):
		return "the other side does not speak TLS"
	case errors.As(err, &network):
		return network.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed"
	case strings.HasPrefix(err.Error(), "tls: "):
		return err.Error()
	}
	return "an answer that makes no sense"
}
