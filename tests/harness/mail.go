package harness

import (
	"bytes"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/menshen-auth/menshen/impl/app"
)

// MailServer is a real SMTP server that keeps what it takes, and goes wrong when it is told to:
//
//	m := harness.NewMailServer(t)
//	h := harness.New(t, m.Configure)
//	... // something is sent to alice@example.com
//	code := m.WaitForCode(t, "alice@example.com")
//
//	m.Fail(harness.AtRcpt, 451)          // replies 451 to RCPT, until
//	m.Recover()
//	m.Fail(harness.AtEnd, harness.Drop)  // takes the text, and closes the connection instead of saying so
//
// Start it before the instance that is to use it: what is under way when the test ends finds it still there.
type MailServer struct {
	t      testing.TB
	server *smtp.Server
	ca     []byte // in PEM; nil without TLS
	addr   string
	faults *faults

	mu       sync.Mutex
	listener net.Listener // nil while nobody listens
	conns    map[net.Conn]bool
	inbox    inbox[Mail]
	reached  map[Stage]int
}

// Mail is an e-mail that the server has taken, whether or not it could say so.
type Mail struct {
	To        string // the recipient, of the envelope and of the header
	From      string // as in the header
	Subject   string
	Text      string
	MessageID string // without the angle brackets
	Code      string // the one number of six digits in Text; empty if there is none
}

// Stage is where in a session the server goes wrong.
type Stage string

// The stages of a session, in their order.
const (
	AtConnect  Stage = "connect"  // nobody listens, whatever the fault is
	AtGreeting Stage = "greeting" // the first that a server says
	AtHello    Stage = "EHLO"
	AtMail     Stage = "MAIL"
	AtRcpt     Stage = "RCPT"
	AtData     Stage = "DATA" // before the text; not visible to a server with TLS
	AtEnd      Stage = "."    // after the dot that ends the text: the mail is taken, unless the fault is a reply
)

// What the credentials of a server with TLS are.
const (
	mailUser     = "menshen"
	mailPassword = "a password of the mail server"
)

// NewMailServer starts a server without TLS.
func NewMailServer(t testing.TB) *MailServer {
	t.Helper()
	return newMailServer(t, false)
}

// NewTLSMailServer starts a server that takes mail after STARTTLS and a login only, like one for submission. Its
// certificate is of a CA of its own.
func NewTLSMailServer(t testing.TB) *MailServer {
	t.Helper()
	return newMailServer(t, true)
}

func newMailServer(t testing.TB, secure bool) *MailServer {
	t.Helper()
	m := &MailServer{t: t, conns: map[net.Conn]bool{}, reached: map[Stage]int{}, faults: newFaults()}
	m.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{m: m, conn: c.Conn()}, m.pass(AtHello, c.Conn(), nil)
	}))
	m.server.Domain, m.server.ErrorLog = "mail.test", discard{}
	if secure {
		m.server.TLSConfig, m.ca = selfSigned(t)
	}
	m.addr = "127.0.0.1:0"
	m.listen()
	t.Cleanup(m.close)
	return m
}

// Configure makes an instance send its e-mail to the server.
func (m *MailServer) Configure(c *app.Config) {
	c.SMTPAddr, c.SMTPTLS, c.SMTPFrom = m.addr, "none", "Menshen <no-reply@example.com>"
	if m.ca != nil {
		c.SMTPTLS, c.SMTPCA, c.SMTPUsername, c.SMTPPassword = "starttls", string(m.ca), mailUser, mailPassword
	}
}

// Environ is Configure for a program.
func (m *MailServer) Environ() []string {
	var c app.Config
	m.Configure(&c)
	return []string{
		"MENSHEN_SMTP_ADDR=" + c.SMTPAddr, "MENSHEN_SMTP_TLS=" + c.SMTPTLS, "MENSHEN_SMTP_FROM=" + c.SMTPFrom,
		"MENSHEN_SMTP_CA=" + c.SMTPCA, "MENSHEN_SMTP_USERNAME=" + c.SMTPUsername, "MENSHEN_SMTP_PASSWORD=" + c.SMTPPassword,
	}
}

// Messages returns everything that the server has taken, oldest first.
func (m *MailServer) Messages() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.inbox.all)
}

// WaitFor returns the oldest mail to an address that it has not returned before, and waits until there is one.
func (m *MailServer) WaitFor(t testing.TB, to string) (mail Mail) {
	t.Helper()
	Eventually(t, "a mail to "+to, func() (ok bool) {
		m.mu.Lock()
		defer m.mu.Unlock()
		mail, ok = m.inbox.next(func(mail Mail) bool { return strings.EqualFold(mail.To, to) })
		return ok
	})
	return mail
}

// WaitForCode returns the code of the oldest mail to an address that has one, and that was not waited for before.
func (m *MailServer) WaitForCode(t testing.TB, to string) (code string) {
	t.Helper()
	for code == "" {
		code = m.WaitFor(t, to).Code
	}
	return code
}

// Reached returns how often sessions came to a stage.
func (m *MailServer) Reached(at Stage) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reached[at]
}

// Fail makes the server go wrong at a stage from now on, whenever a session comes there.
func (m *MailServer) Fail(at Stage, how Fault) {
	if at == AtConnect {
		m.silence()
		return
	}
	m.faults.set(at, how)
}

// Recover ends all faults.
func (m *MailServer) Recover() {
	m.faults.clear()
	m.listen()
}

func (m *MailServer) close() {
	m.faults.clear()
	m.silence()
}

// listen opens the port, always the same one, unless it is open.
func (m *MailServer) listen() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener != nil {
		return
	}
	l, err := net.Listen("tcp", m.addr)
	for patience := time.Now().Add(Patience); err != nil && time.Now().Before(patience); l, err = net.Listen("tcp", m.addr) {
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		m.t.Errorf("mail server: %v", err)
		return
	}
	m.addr, m.listener = l.Addr().String(), l
	go func() { _ = m.server.Serve(wireListener{l, m}) }()
}

// silence closes the port and all connections.
func (m *MailServer) silence() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener != nil {
		_ = m.listener.Close()
		m.listener = nil
	}
	for conn := range m.conns {
		_ = conn.Close()
	}
}

// pass is what a session meets at a stage: nil, or what goes wrong. fault is told before.
func (m *MailServer) pass(at Stage, conn net.Conn, fault func(Fault)) error {
	how, released := m.faults.at(at)
	if fault != nil {
		fault(how)
	}
	m.mu.Lock()
	m.reached[at]++
	m.mu.Unlock()
	switch how {
	case none:
		return nil
	case Stall:
		<-released
		return nil
	case Hang:
		<-released
		fallthrough
	case Drop:
		_ = conn.Close()
		return net.ErrClosed
	}
	return &smtp.SMTPError{Code: int(how), EnhancedCode: smtp.EnhancedCode{int(how) / 100, 0, 0}, Message: "as the test wants it"}
}

// mailSession is one conversation.
type mailSession struct {
	m        *MailServer
	conn     net.Conn
	loggedIn bool
	to       string
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != mailUser || password != mailPassword {
			return smtp.ErrAuthFailed
		}
		s.loggedIn = true
		return nil
	}), nil
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if s.m.ca != nil && !s.loggedIn {
		return smtp.ErrAuthRequired
	}
	return s.m.pass(AtMail, s.conn, nil)
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return s.m.pass(AtRcpt, s.conn, nil)
}

func (s *mailSession) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	read, err := readMail(content)
	if err != nil || !strings.EqualFold(read.To, s.to) {
		s.m.t.Errorf("an e-mail to %s that is none (%v):\n%s", s.to, err, content)
	}
	return s.m.pass(AtEnd, s.conn, func(how Fault) {
		if how > 0 {
			return // the reply is that it is not taken
		}
		s.m.mu.Lock()
		defer s.m.mu.Unlock()
		s.m.inbox.all = append(s.m.inbox.all, read)
	})
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// theCode is the one code in a text.
func theCode(text string) string {
	if found := sixDigits.FindAllString(text, -1); len(found) == 1 {
		return found[0]
	}
	return ""
}

// readMail reads an e-mail as a mail program would.
func readMail(content []byte) (read Mail, err error) {
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return read, err
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 1 {
		return read, err
	}
	from, err := m.Header.AddressList("From")
	if err != nil || len(from) != 1 {
		return read, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return read, err
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	plain := strings.ReplaceAll(string(text), "\r\n", "\n")
	return Mail{
		To: to[0].Address, From: from[0].String(), Subject: subject, Text: plain, Code: theCode(plain),
		MessageID: strings.Trim(m.Header.Get("Message-ID"), "<>"),
	}, err
}
