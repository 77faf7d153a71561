package channel

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSMTPFailures: at every stage, what a server says or does has one outcome. Before the text, hanging and closing mean
// that nothing was taken; after it, that nobody knows. 4yz passes, 5yz is for good where it is about recipient or text, and
// what is about login and sender is the operator's to repair, while the letter waits. After the 250 it is taken.
func TestSMTPFailures(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup // rather than subtests, of which only a few wait at a time
	for stage, outcomes := range map[string]map[string]outcome{
		"":     {"hang": later, "drop": later, "421 busy": later, "554 5.7.1 no": later, "HTTP/1.1 400 Bad Request": later},
		"EHLO": {"hang": later, "drop": later, "421 busy": later, "250-" + strings.Repeat("long-winded\n250-", 100_000) + "\n250 AUTH PLAIN": later},
		"AUTH": {
			"hang": later, "drop": later, "535 5.7.8 wrong": later, "454 4.7.0 later": later, "534 5.7.9 weak": later,
			"334 bm90IHlldA==": later, "334 no base64": later, "what?": later,
		},
		"MAIL": {"hang": later, "drop": later, "451 later": later, "550 5.7.1 not you": later, "530 5.7.0 login first": later, "what?": later},
		"RCPT": {
			"hang": later, "drop": later, "450 4.2.0 greylisted": later, "421 closing": later, "550 5.1.1 unknown": refusedly,
			"553 no": refusedly, "530 5.7.0 login first": later, "251 forwarded": taken, "354 what": later, "what?": later,
		},
		"DATA": {"hang": later, "drop": later, "451 later": later, "554 no": refusedly, "250 what": later, "what?": later},
		"text": {"hang": uncertain},
		".": {
			"hang": uncertain, "drop": uncertain, "250 2.0.0 taken": taken, "251 taken": taken, "451 4.3.0 later": later, "421 closing": later,
			"552 5.2.2 full": refusedly, "554 5.6.0 spam": refusedly, "354 more": uncertain, "what?": uncertain,
		},
		"QUIT": {"hang": taken, "drop": taken, "500 no": taken, "what?": taken},
	} {
		for reply, want := range outcomes {
			addr := script{stage: reply}.serve(t)
			c := newSMTP(t, SMTP{Addr: addr, TLS: "none", Username: mailUser, Password: mailPassword, Timeout: timeoutFor(reply == "hang")})
			all.Go(func() {
				start := time.Now()
				got, err := deliver(t, c, anEmail())
				if took := time.Since(start); got != want || reply == "hang" && took > within {
					t.Errorf("%.20q after %q: %s, %v, after %v; want %s", reply, stage, got, err, took, want)
				}
			})
		}
	}
	all.Wait()
}

// TestSMTPTextNotSent: while the server has not got the end of the text, it has nothing to take, and another try is safe,
// whether the text is short or longer than what is sent at once.
func TestSMTPTextNotSent(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1, 1000} {
		for _, fault := range []string{"hang", "drop"} {
			c := newSMTP(t, SMTP{Addr: "pipe:25", TLS: "none"}).(*smtpChannel)
			near, far := net.Pipe() // has no buffer: what nobody reads is not sent
			go func() {
				if script := (script{"text": fault}); !errors.Is(script.talk(far), errHang) {
					_ = far.Close()
				}
			}()
			s := &session{smtpChannel: c, conn: near, wire: near, stop: func() bool { return true }}
			if err := s.login(); err != nil {
				t.Fatal(err)
			}
			_ = near.SetDeadline(time.Now().Add(brief / 2))
			if err := s.send(canaryTo, bytes.Repeat([]byte("some text\r\n"), length)); classify(err) != later {
				t.Errorf("%d lines, %s: %v", length, fault, err)
			}
			_ = far.Close()
			s.close()
		}
	}
}

// TestSMTPCancel: a delivery ends when its context does, however long its time-out is.
func TestSMTPCancel(t *testing.T) {
	t.Parallel()
	for stage, want := range map[string]outcome{"": later, "RCPT": later, ".": uncertain} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			c := newSMTP(t, SMTP{Addr: script{stage: "hang"}.serve(t), TLS: "none", Timeout: time.Hour})
			ctx, cancel := context.WithTimeout(t.Context(), brief)
			defer cancel()
			start := time.Now()
			var h handOver
			if err := c.Deliver(ctx, anEmail(), h.call); classify(err) != want || time.Since(start) > within {
				t.Errorf("%v after %v, want %s", err, time.Since(start), want)
			}
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var h handOver
	c := newSMTP(t, SMTP{Addr: script{}.serve(t), TLS: "none"})
	if err := c.Deliver(ended, anEmail(), h.call); classify(err) != later || h.times.Load() != 0 {
		t.Errorf("with a context that has ended: %v, handed over %d times", err, h.times.Load())
	}
}

// TestSMTPConnection: what goes wrong with connection and TLS is told apart in the error, costs nothing, and is never
// worked around: no letter and no password goes over a connection that is not protected as configured.
func TestSMTPConnection(t *testing.T) {
	t.Parallel()
	noStartTLS := script{"EHLO": "250 mail.test"}
	for name, test := range map[string]struct {
		settings SMTP
		addr     func(t *testing.T) string
		want     string
	}{
		"refused":              {SMTP{}, closedPort, "connection refused"},
		"no STARTTLS":          {SMTP{}, noStartTLS.serve, "the server offers no STARTTLS"},
		"STARTTLS fails":       {SMTP{}, script{"STARTTLS": "454 4.7.0 no"}.serve, "STARTTLS: the server says 454 4.7.0"},
		"STARTTLS hangs":       {SMTP{}, script{"STARTTLS": "hang"}.serve, "no answer in time"},
		"STARTTLS is no TLS":   {SMTP{}, script{"STARTTLS": "220 go\n220 ahead\n220 please"}.serve, "TLS"},
		"TLS to a plain port":  {SMTP{TLS: "tls"}, script{}.serve, "does not speak TLS"},
		"TLS hangs":            {SMTP{TLS: "tls"}, script{"": "hang"}.serve, "no answer in time"},
		"unknown CA":           {SMTP{TLS: "tls"}, func(t *testing.T) string { return newMailServer(t, implicitTLS, nil).addr }, "certificate"},
		"unknown CA, STARTTLS": {SMTP{}, func(t *testing.T) string { return newMailServer(t, startTLS, nil).addr }, "certificate"},
		"no login":             {SMTP{TLS: "none", Username: mailUser, Password: mailPassword}, noStartTLS.serve, "offers neither AUTH PLAIN nor LOGIN"},
		"another login":        {SMTP{TLS: "none", Username: mailUser, Password: mailPassword}, script{"EHLO": "250-x\n250 AUTH GSSAPI PLAINER"}.serve, "offers neither AUTH PLAIN nor LOGIN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.settings.Addr, test.settings.Timeout = test.addr(t), timeoutFor(test.want == "no answer in time")
			var h handOver
			err := newSMTP(t, test.settings).Deliver(t.Context(), anEmail(), h.call)
			if classify(err) != later || !strings.Contains(err.Error(), test.want) || h.times.Load() != 0 {
				t.Errorf("%v, handed over %d times; want %s", err, h.times.Load(), test.want)
			}
		})
	}
}

// TestSMTPSettings: mistakes are found at the start, all at once, and told without the password.
func TestSMTPSettings(t *testing.T) {
	t.Parallel()
	_, ca := selfSigned(t)
	good := SMTP{Addr: "smtp.example.com:587", From: "no-reply@example.com"}
	for name, test := range map[string]struct {
		change func(*SMTP)
		want   string // in the error; empty for none
	}{
		"good":                    {func(*SMTP) {}, ""},
		"everything":              {func(s *SMTP) { *s = SMTP{"[::1]:25", "none", "u", "p", "A <a@b.c>", "me", nil, time.Second} }, ""},
		"CA":                      {func(s *SMTP) { s.CA = ca }, ""},
		"no port":                 {func(s *SMTP) { s.Addr = "smtp.example.com" }, "host:port"},
		"no host":                 {func(s *SMTP) { s.Addr = ":25" }, "host:port"},
		"no sender":               {func(s *SMTP) { s.From = "" }, "sender"},
		"two senders":             {func(s *SMTP) { s.From = "a@b.c, d@e.f" }, "sender"},
		"sender with a line":      {func(s *SMTP) { s.From = "a@b.c\r\nBcc: d@e.f" }, "sender"},
		"sender outside ASCII":    {func(s *SMTP) { s.From = "门@b.c" }, "sender"},
		"TLS":                     {func(s *SMTP) { s.TLS = "ssl" }, `not "ssl"`},
		"password in the clear":   {func(s *SMTP) { s.TLS, s.Username, s.Password = "none", "u", canaryKey }, "without TLS"},
		"user without password":   {func(s *SMTP) { s.Username = "u" }, "together"},
		"password without a user": {func(s *SMTP) { s.Password = canaryKey }, "together"},
		"CA that is none":         {func(s *SMTP) { s.CA = []byte("-----BEGIN NOTHING-----") }, "no certificate"},
		"EHLO of two words":       {func(s *SMTP) { s.Hello = "a\r\nMAIL" }, "EHLO"},
		"negative time-out":       {func(s *SMTP) { s.Timeout = -1 }, "time-out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			test.change(&s)
			_, err := NewSMTP(s)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), canaryKey) {
				t.Errorf("the password is in: %v", err)
			}
		})
	}
	if _, err := NewSMTP(SMTP{TLS: "x", Password: "p"}); strings.Count(err.Error(), "\n") < 3 {
		t.Errorf("not all mistakes at once: %v", err)
	}
}
