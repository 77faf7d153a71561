package channel

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailServer is a real SMTP server (emersion/go-smtp), which keeps what it gets.
type mailServer struct {
	addr       string
	ca         []byte
	mechanisms []string // of AUTH; none without

	mu    sync.Mutex
	mails []mailed
}

type mailed struct {
	from, to, user, mechanism string
	overTLS, utf8             bool
	content                   []byte
}

const (
	mailUser     = "menshen"
	mailPassword = canaryKey
)

// newMailServer starts a server; mode is that of SMTP.TLS.
func newMailServer(t *testing.T, mode string, configure func(*smtp.Server), mechanisms ...string) *mailServer {
	t.Helper()
	config, ca := selfSigned(t)
	s := &mailServer{ca: ca, mechanisms: mechanisms}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		_, overTLS := c.TLSConnectionState()
		return &mailSession{server: s, mailed: mailed{overTLS: overTLS}}, nil
	}))
	server.Domain, server.ErrorLog = "mail.test", log.New(io.Discard, "", 0)
	server.AllowInsecureAuth = mode == noTLS
	l := listen(t)
	s.addr = l.Addr().String()
	switch mode {
	case startTLS:
		server.TLSConfig = config
	case implicitTLS:
		l = tls.NewListener(l, config)
	}
	if configure != nil {
		configure(server)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return s
}

func (s *mailServer) got() []mailed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails
}

type mailSession struct {
	server *mailServer
	mailed
}

func (s *mailSession) AuthMechanisms() []string { return s.server.mechanisms }

func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != mailUser || password != mailPassword {
			return smtp.ErrAuthFailed
		}
		s.user, s.mechanism = user, mechanism
		return nil
	}
	if mechanism == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

func (s *mailSession) Mail(from string, o *smtp.MailOptions) error {
	if len(s.server.mechanisms) > 0 && s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.from, s.utf8 = from, o.UTF8
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to += to
	return nil
}

func (s *mailSession) Data(r io.Reader) (err error) {
	if s.content, err = io.ReadAll(r); err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mailed)
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// loginServer is AUTH LOGIN, as Exchange has it: user name and password in turn.
type loginServer struct {
	check func(user, password string) error
	said  []string
}

func (s *loginServer) Next(response []byte) ([]byte, bool, error) {
	if response != nil {
		s.said = append(s.said, string(response))
	}
	switch len(s.said) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	}
	return nil, true, s.check(s.said[0], s.said[1])
}

// script is a server that goes wrong: it answers each command as it is told, by the command's first word. "" is the
// greeting, "text" comes before the text, "." after it. "hang" reads and writes no more, "drop" closes the connection; what
// is not told is answered well.
type script map[string]string

func (s script) serve(t *testing.T) string {
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
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				if errors.Is(s.talk(conn), errHang) {
					<-done
				}
			}()
		}
	}()
	return l.Addr().String()
}

var errHang = errors.New("hang")

func (s script) talk(conn net.Conn) error {
	in, heard := bufio.NewReader(conn), ""
	usual := map[string]string{
		"": "220 ready", "EHLO": "250-mail.test\n250-STARTTLS\n250-AUTH PLAIN\n250 8BITMIME", "AUTH": "235 welcome",
		"DATA": "354 go ahead", "QUIT": "221 bye", ".": "250 2.0.0 taken",
	}
	for stage := ""; ; {
		reply, told := s[stage]
		if !told {
			if reply = usual[stage]; reply == "" {
				reply = "250 fine"
			}
		}
		switch reply {
		case "hang":
			return errHang
		case "drop":
			return nil
		}
		reply = strings.ReplaceAll(reply, "HEARD", heard) // servers like to quote
		if _, err := io.WriteString(conn, strings.ReplaceAll(reply, "\n", "\r\n")+"\r\n"); err != nil {
			return err
		}
		if stage == "DATA" && strings.HasPrefix(reply, "354") {
			switch s["text"] {
			case "hang":
				return errHang
			case "drop":
				return nil
			}
			text, err := readText(in)
			if err != nil {
				return err
			}
			stage, heard = ".", string(bytes.ReplaceAll(text, []byte("\r\n"), []byte(" ")))
			continue
		}
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		heard = strings.TrimSpace(line)
		stage, _, _ = strings.Cut(strings.ToUpper(heard), " ")
	}
}

func readText(in *bufio.Reader) (text []byte, err error) {
	for {
		line, err := in.ReadBytes('\n')
		if err != nil || string(line) == ".\r\n" {
			return text, err
		}
		text = append(text, line...)
	}
}
