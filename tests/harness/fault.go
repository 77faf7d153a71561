package harness

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// Patience is how long the harness waits for what has to happen, before it fails the test.
const Patience = time.Minute

// Eventually waits until something holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for patience := time.Now().Add(Patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(patience) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Fault is how a server goes wrong: one of these, or a reply (of SMTP or HTTP) by its number.
type Fault int

// Faults that are no reply.
const (
	none  Fault = 0
	Stall Fault = -1 // waits until the server recovers, and goes on as if nothing had been
	Hang  Fault = -2 // says no more, and closes the connection when the server recovers
	Drop  Fault = -3 // closes the connection
)

// faults are those that a server has now.
type faults struct {
	mu       sync.Mutex
	now      map[Stage]Fault
	released chan struct{} // closed for who stalls or hangs
}

func newFaults() *faults {
	return &faults{now: map[Stage]Fault{}, released: make(chan struct{})}
}

func (f *faults) set(at Stage, how Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now[at] = how
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.now)
	close(f.released)
	f.released = make(chan struct{})
}

// at returns the fault at a stage, and what ends a Stall or a Hang.
func (f *faults) at(at Stage) (Fault, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now[at], f.released
}

// inbox is what a server has taken.
type inbox[T any] struct {
	all    []T
	waited map[int]bool // for
}

// next returns the oldest that was not waited for before.
func (b *inbox[T]) next(wanted func(T) bool) (found T, ok bool) {
	for i, one := range b.all {
		if !b.waited[i] && wanted(one) {
			if b.waited == nil {
				b.waited = map[int]bool{}
			}
			b.waited[i] = true
			return one, true
		}
	}
	return found, false
}

// wireListener makes the stages that go-smtp tells nobody about visible.
type wireListener struct {
	net.Listener
	m *MailServer
}

func (l wireListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.m.reached[AtConnect]++
	l.m.conns[conn] = true
	return &wire{conn, l.m}, nil
}

type wire struct {
	net.Conn
	m *MailServer
}

// Write lets the greeting and the reply to DATA pass, or what is wrong instead.
func (w *wire) Write(b []byte) (int, error) {
	for reply, stage := range map[string]Stage{"220 ": AtGreeting, "354 ": AtData} {
		if !bytes.HasPrefix(b, []byte(reply)) || bytes.Contains(b, []byte("start TLS")) {
			continue
		}
		err := w.m.pass(stage, w.Conn, nil)
		if wrong, ok := err.(*smtp.SMTPError); ok {
			_, err = fmt.Fprintf(w.Conn, "%d %s\r\n", wrong.Code, wrong.Message)
			return len(b), err
		}
		if err != nil {
			return 0, err
		}
	}
	return w.Conn.Write(b)
}

func (w *wire) Close() error {
	w.m.mu.Lock()
	delete(w.m.conns, w.Conn)
	w.m.mu.Unlock()
	return w.Conn.Close()
}

// discard is where go-smtp logs to.
type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

// selfSigned makes a certificate for 127.0.0.1; the PEM is what a client has to trust.
func selfSigned(t testing.TB) (*tls.Config, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{certificate}}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
