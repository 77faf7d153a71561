package channel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/menshen-auth/menshen/impl/internal/webhook"
)

// SMTP are the settings of a channel to an SMTP server (RFC 5321), usually one for submission (RFC 6409).
type SMTP struct {
	Addr     string // host:port, such as smtp.example.com:587
	TLS      string // "starttls" (the default), never without; "tls" from the first byte (port 465); "none"
	Username string // for AUTH PLAIN or LOGIN, whichever the server offers; none without
	Password string
	From     string        // the sender, an address with or without a name: Menshen <no-reply@example.com>
	Hello    string        // the name for EHLO; that of the host by default
	CA       []byte        // certificates in PEM to trust besides those of the system
	Timeout  time.Duration // of a whole delivery; 30 s by default. The good-bye may take a second more
}

const defaultSMTPTimeout = 30 * time.Second

// How a connection is protected.
const (
	startTLS    = "starttls"
	implicitTLS = "tls"
	noTLS       = "none"
)

type smtpChannel struct {
	SMTP
	host string
	from *mail.Address
	tls  *tls.Config // nil for none
	now  func() time.Time
}

// NewSMTP checks the settings, all of them; it does not connect. The channel does not recognise letters: Message-ID is
// the same for every try, but servers do not look at it.
func NewSMTP(s SMTP) (Channel, error) {
	c := &smtpChannel{SMTP: s, now: time.Now}
	c.TLS, c.Timeout = orDefault(s.TLS, startTLS), orDefault(s.Timeout, defaultSMTPTimeout)
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("smtp: "+format, args...)) }

	var err error
	if c.host, _, err = net.SplitHostPort(s.Addr); err != nil || c.host == "" {
		fault("the address is not like host:port")
	}
	if c.from, err = mail.ParseAddress(s.From); err != nil || !plain(c.from.Address) || !ascii(c.from.Address) {
		fault("the sender is not like Name <user@example.com>")
	}
	switch c.TLS {
	case startTLS, implicitTLS:
		c.tls = &tls.Config{ServerName: c.host, MinVersion: tls.VersionTLS12}
	case noTLS:
		if s.Username != "" && !webhook.Loopback(c.host) {
			fault("a password is not sent without TLS, except to this machine")
		}
	default:
		fault("TLS is starttls, tls or none, not %q", s.TLS)
	}
	if (s.Username == "") != (s.Password == "") {
		fault("user name and password go together")
	}
	if len(s.CA) > 0 && c.tls != nil {
		if c.tls.RootCAs, err = withRoots(s.CA); err != nil {
			fault("%w", err)
		}
	}
	if c.Hello == "" {
		if c.Hello, err = os.Hostname(); err != nil {
			c.Hello = "localhost"
		}
	}
	if strings.ContainsFunc(c.Hello, func(r rune) bool { return r <= ' ' || r > '~' }) {
		fault("the name for EHLO has to be one word in ASCII")
	}
	if c.Timeout < 0 {
		fault("the time-out is negative")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *smtpChannel) Name() string     { return "smtp" }
func (c *smtpChannel) Recognises() bool { return false }

func (c *smtpChannel) Deliver(ctx context.Context, l Letter, handOver func(context.Context) error) error {
	mail, err := c.compose(l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	s, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.login(); err != nil {
		return err
	}
	if err := handOver(ctx); err != nil {
		return err
	}
	if err := s.send(l.To, mail); err != nil {
		return err
	}
	s.quit()
	return nil
}

func withRoots(pem []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("the CA holds no certificate in PEM")
	}
	return pool, nil
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// plain tells whether an address can stand in a header and in a command as it is: without what ends a line, a word or
// the angle brackets around it.
func plain(address string) bool {
	return !strings.ContainsFunc(address, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`<>"\`, r)
	})
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
