package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/menshen-auth/menshen/impl/internal/webhook"
)

const (
	// maxReplies is how much a server may say in a session, in bytes, certificates included.
	maxReplies = 1 << 20
	// quitTimeout is how long a server may take to say good-bye, after it has taken the letter.
	quitTimeout = time.Second
)

// session is one connection, for one letter. Its context is watched by the connection, which stops answering when it
// ends: no stage needs a time-out of its own.
type session struct {
	*smtpChannel
	conn   net.Conn // below TLS
	wire   net.Conn // what SMTP runs over
	client *smtp.Client
	stop   func() bool // watching the context
}

func (c *smtpChannel) dial(ctx context.Context) (*session, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("smtp: connect: %s", webhook.Describe(err))
	}
	s := &session{smtpChannel: c, conn: conn, wire: &limitedConn{conn, maxReplies}}
	s.stop = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return s, nil
}

// close drops the connection as it is, so that not even the good-bye of TLS can hang.
func (s *session) close() {
	s.stop()
	_ = s.conn.Close()
}

// login does everything that says nothing of the letter.
func (s *session) login() (err error) {
	if s.TLS == implicitTLS {
		wire := tls.Client(s.wire, s.tls)
		if err := wire.Handshake(); err != nil {
			return failure("TLS", err)
		}
		s.wire = wire
	}
	if s.client, err = smtp.NewClient(s.wire, s.host); err != nil {
		return failure("greeting", err)
	}
	if err := s.client.Hello(s.Hello); err != nil {
		return failure("EHLO", err)
	}
	if s.TLS == startTLS {
		if offered, _ := s.client.Extension("STARTTLS"); !offered {
			return errors.New("smtp: the server offers no STARTTLS")
		}
		if err := s.client.StartTLS(s.tls); err != nil {
			return failure("STARTTLS", err)
		}
	}
	if s.Username == "" {
		return nil
	}
	// Without TLS only to this machine, which NewSMTP has checked.
	auth := smtp.PlainAuth("", s.Username, s.Password, s.host, true)
	_, offered := s.client.Extension("AUTH")
	mechanisms := " " + strings.ToUpper(offered) + " "
	if !strings.Contains(mechanisms, " PLAIN ") {
		if !strings.Contains(mechanisms, " LOGIN ") {
			return errors.New("smtp: the server offers neither AUTH PLAIN nor LOGIN")
		}
		auth = smtp.LoginAuth(s.Username, s.Password, s.host, true)
	}
	if err := s.client.Auth(auth); err != nil {
		return failure("login as the configured user", err)
	}
	return nil
}

// send is the mail transaction.
func (s *session) send(to string, mail []byte) error {
	utf8, _ := s.client.Extension("SMTPUTF8")
	if !ascii(to) && !utf8 {
		return fmt.Errorf("%w: the server carries only addresses in ASCII", ErrRefused)
	}
	// Said without need, it would keep the e-mail from servers that do not know it (RFC 6531 section 3.6).
	s.client.SkipSMTPUTF8(ascii(to))
	if err := s.client.Mail("<" + s.from.Address + ">"); err != nil {
		return failure("MAIL", err) // about the sender, which is the operator's
	}
	if err := s.client.Rcpt("<" + to + ">"); err != nil {
		return refusal("RCPT", err)
	}
	w, err := s.client.Data()
	if err != nil {
		return refusal("DATA", err)
	}
	// Up to the dot at the end, which is written last, the server has nothing to take.
	if _, err := w.Write(mail); err != nil {
		return failure("text", err)
	}
	if err := w.(*smtp.DataCloser).WriteCloser.Close(); err != nil {
		return failure("text", err)
	}
	_, _, err = s.client.Text.ReadResponse(250)
	var reply *textproto.Error
	switch {
	case err == nil, errors.As(err, &reply) && reply.Code/100 == 2:
		return nil
	case reply != nil && (reply.Code/100 == 4 || reply.Code/100 == 5):
		return refusal("text", err)
	}
	return fmt.Errorf("%w: smtp: text sent: %s", ErrUncertain, describeSMTP(err))
}

// quit is a courtesy: whatever happens now, the letter was taken.
func (s *session) quit() {
	s.stop()
	_ = s.conn.SetDeadline(time.Now().Add(quitTimeout))
	_ = s.client.Quit()
}

// refusal is failure where a permanent reply (5yz) is about recipient or text. Those about the login are not.
func refusal(stage string, err error) error {
	var reply *textproto.Error
	if errors.As(err, &reply) && reply.Code/100 == 5 && !aboutLogin(reply.Code) {
		return fmt.Errorf("%w: smtp: %s: %s", ErrRefused, stage, describeSMTP(err))
	}
	return failure(stage, err)
}

func failure(stage string, err error) error {
	return fmt.Errorf("smtp: %s: %s", stage, describeSMTP(err))
}

// aboutLogin knows the codes of RFC 4954 section 6.
func aboutLogin(code int) bool { return code == 530 || code == 534 || code == 535 || code == 538 }

var enhancedForm = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`) // RFC 3463

// describeSMTP quotes the codes of a reply, and no text: servers like to repeat the address.
func describeSMTP(err error) string {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return webhook.Describe(err)
	}
	if enhanced := enhancedForm.FindString(reply.Msg); enhanced != "" {
		return fmt.Sprintf("the server says %d %s", reply.Code, enhanced)
	}
	return fmt.Sprintf("the server says %d", reply.Code)
}

// limitedConn ends after a number of bytes was read.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
