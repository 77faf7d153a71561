package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

func newSMTP(t *testing.T, s SMTP) Channel {
	t.Helper()
	s.From = orDefault(s.From, "门神 <no-reply@example.com>")
	s.Timeout = orDefault(s.Timeout, patient)
	c, err := NewSMTP(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSMTPDelivers: over each kind of TLS and with each kind of login, the server gets one e-mail for one recipient, from
// the configured sender; without TLS only where that was asked for.
func TestSMTPDelivers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode       string // of the server
		mechanisms []string
		settings   SMTP
		want       mailed
	}{
		"STARTTLS and PLAIN, by default": {startTLS, []string{"LOGIN", "PLAIN"}, SMTP{Username: mailUser, Password: mailPassword}, mailed{user: mailUser, mechanism: "PLAIN", overTLS: true}},
		"STARTTLS and LOGIN":             {startTLS, []string{"LOGIN"}, SMTP{TLS: "starttls", Username: mailUser, Password: mailPassword}, mailed{user: mailUser, mechanism: "LOGIN", overTLS: true}},
		"implicit TLS and PLAIN":         {implicitTLS, []string{"PLAIN"}, SMTP{TLS: "tls", Username: mailUser, Password: mailPassword}, mailed{user: mailUser, mechanism: "PLAIN", overTLS: true}},
		"STARTTLS without login":         {startTLS, nil, SMTP{}, mailed{overTLS: true}},
		"none without login":             {noTLS, nil, SMTP{TLS: "none"}, mailed{}},
		"none and PLAIN on this machine": {noTLS, []string{"PLAIN"}, SMTP{TLS: "none", Username: mailUser, Password: mailPassword}, mailed{user: mailUser, mechanism: "PLAIN"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newMailServer(t, test.mode, nil, test.mechanisms...)
			test.settings.Addr, test.settings.CA = server.addr, server.ca
			c := newSMTP(t, test.settings)
			if got, err := deliver(t, c, anEmail()); got != taken {
				t.Fatal(err)
			}
			mails := server.got()
			if len(mails) != 1 {
				t.Fatalf("%d e-mails", len(mails))
			}
			got := mails[0]
			if !bytes.Contains(got.content, []byte(canaryCode)) {
				t.Errorf("the code is not in:\n%s", got.content)
			}
			test.want.from, test.want.to, got.content = "no-reply@example.com", canaryTo, nil
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if c.Name() != "smtp" || c.Recognises() {
				t.Error("it is smtp, and a repeat is a second e-mail")
			}
		})
	}
}

// TestSMTPMail: what arrives can be read in Chinese, has one Message-ID for all tries of a letter, the date, asks not to
// be answered by machines, and keeps lines of dots and quotes as they are.
func TestSMTPMail(t *testing.T) {
	t.Parallel()
	server := newMailServer(t, startTLS, nil)
	c := newSMTP(t, SMTP{Addr: server.addr, CA: server.ca})
	c.(*smtpChannel).now = func() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }
	l := anEmail()
	l.Subject = "您的验证码 " + strings.Repeat("很长", 60)
	l.Text = "您的验证码是 739164，5 分钟内有效。\n\n.\n..two\nFrom here = there \n" + strings.Repeat("长", 300) + "\n"
	for range 2 {
		if got, err := deliver(t, c, l); got != taken {
			t.Fatal(err)
		}
	}
	mails := server.got()
	if len(mails) != 2 || !bytes.Equal(mails[0].content, mails[1].content) {
		t.Fatalf("the second try is another e-mail than the first: %d", len(mails))
	}
	header, text := parseMail(t, mails[0].content)
	for name, want := range map[string]string{
		"From":                      "门神 <no-reply@example.com>",
		"To":                        "<" + canaryTo + ">",
		"Subject":                   l.Subject,
		"Date":                      "Mon, 04 May 2026 12:00:00 +0000",
		"Message-Id":                "<" + l.ID + "@example.com>",
		"Auto-Submitted":            "auto-generated",
		"Mime-Version":              "1.0",
		"Content-Type":              "text/plain; charset=UTF-8",
		"Content-Transfer-Encoding": "quoted-printable",
	} {
		if header[name] != want {
			t.Errorf("%s is %q, want %q", name, header[name], want)
		}
		delete(header, name)
	}
	if len(header) > 0 {
		t.Errorf("more headers than asked for: %q", header)
	}
	if text != l.Text {
		t.Errorf("the text is %q, want %q", text, l.Text)
	}
}

// parseMail reads an e-mail with the standard library: the header, one value a name, with encoded words decoded where they
// may be; the text, with lines ending in "\n".
func parseMail(t *testing.T, content []byte) (map[string]string, string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("not an e-mail: %v\n%q", err, content)
	}
	header := map[string]string{}
	for name, values := range m.Header {
		if len(values) != 1 {
			t.Errorf("%d headers %s", len(values), name)
		}
		header[name] = values[0]
		if name == "Subject" || name == "From" {
			if header[name], err = (&mime.WordDecoder{}).DecodeHeader(values[0]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Error(err)
	}
	return header, strings.ReplaceAll(string(text), "\r\n", "\n")
}

// TestSMTPOutsideASCII: an address in another script goes out where the server can carry it (SMTPUTF8, RFC 6531), and is
// refused where not; for the others the extension is not used, or servers further on might return the e-mail.
func TestSMTPOutsideASCII(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		offered bool
		to      string
		want    outcome
		used    bool
	}{
		"offered and needed":     {true, "门神@example.org", taken, true},
		"offered and not needed": {true, canaryTo, taken, false},
		"missing":                {false, "门神@example.org", refusedly, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newMailServer(t, startTLS, func(s *smtp.Server) { s.EnableSMTPUTF8 = test.offered })
			l := anEmail()
			l.To = test.to
			got, err := deliver(t, newSMTP(t, SMTP{Addr: server.addr, CA: server.ca}), l)
			if got != test.want {
				t.Fatalf("%s: %v", got, err)
			}
			if mails := server.got(); got == taken && (mails[0].utf8 != test.used || mails[0].to != test.to) {
				t.Errorf("%+v", mails[0])
			}
		})
	}
}

// TestSMTPInParallel: one channel carries many letters at once, each to its own address.
func TestSMTPInParallel(t *testing.T) {
	t.Parallel()
	server := newMailServer(t, startTLS, nil, "PLAIN")
	c := newSMTP(t, SMTP{Addr: server.addr, CA: server.ca, Username: mailUser, Password: mailPassword})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			l := anEmail()
			l.ID, l.To, l.Text = fmt.Sprint("id", i), fmt.Sprintf("user%d@example.org", i), fmt.Sprintf("for user%d\n", i)
			if got, err := deliver(t, c, l); got != taken {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, m := range server.got() {
		user, _, _ := strings.Cut(m.to, "@")
		seen[user] = bytes.HasSuffix(m.content, []byte("for "+user+"\r\n"))
	}
	for i := range 16 {
		if !seen[fmt.Sprint("user", i)] {
			t.Errorf("user%d got no letter, or another's", i)
		}
	}
}

// TestSMTPHandOver: the letter is handed over after the login, so that a wrong password costs nothing; where handing over
// fails, the server hears nothing of the letter.
func TestSMTPHandOver(t *testing.T) {
	t.Parallel()
	server := newMailServer(t, startTLS, nil, "PLAIN")
	c := newSMTP(t, SMTP{Addr: server.addr, CA: server.ca, Username: mailUser, Password: "wrong"})
	var h handOver
	if err := c.Deliver(t.Context(), anEmail(), h.call); classify(err) != later || !strings.Contains(err.Error(), "535") || h.times.Load() != 0 {
		t.Errorf("wrong password: %v, handed over %d times", err, h.times.Load())
	}
	c = newSMTP(t, SMTP{Addr: server.addr, CA: server.ca, Username: mailUser, Password: mailPassword})
	lost := errors.New("the database is gone")
	if err := c.Deliver(t.Context(), anEmail(), func(context.Context) error { return lost }); !errors.Is(err, lost) {
		t.Errorf("%v, want the error of handing over", err)
	}
	if n := len(server.got()); n != 0 {
		t.Errorf("%d e-mails", n)
	}
}
