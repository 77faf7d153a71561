package channel

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// What must never be in an error (TestErrorsKeepSecrets).
const (
	canaryUser = "canary.recipient"
	canaryTo   = canaryUser + "@example.org"
	canaryTel  = "+8613812349876"
	canaryCode = "739164"
	canaryText = "canary text " + canaryCode + ", good for 5 minutes.\n"
	canaryKey  = "canary-key-secret"
)

func anEmail() Letter {
	return Letter{
		ID: "65f0c0ffee00000000000001", To: canaryTo, Subject: "Your code", Text: canaryText,
		Template: message.Code, Lang: lang.English, Code: canaryCode, Minutes: 5,
	}
}

func anSMS() Letter {
	l := anEmail()
	l.To, l.Subject = canaryTel, ""
	return l
}

// Time-outs of deliveries: brief where the other side hangs, patient where it does not, however busy the machine is. within
// is when a brief delivery has to be over, good-bye included.
const (
	brief   = time.Second
	patient = 20 * time.Second
	within  = brief + quitTimeout + 2*time.Second
)

func timeoutFor(hangs bool) time.Duration {
	if hangs {
		return brief
	}
	return patient
}

// handOver counts how often a letter was handed over.
type handOver struct{ times atomic.Int32 }

func (h *handOver) call(context.Context) error {
	h.times.Add(1)
	return nil
}

// outcome is the class of the error of a delivery.
type outcome string

const (
	taken     outcome = "taken"
	refusedly outcome = "refused for good"
	later     outcome = "not taken, try again"
	uncertain outcome = "uncertain"
)

func classify(err error) outcome {
	switch {
	case err == nil:
		return taken
	case errors.Is(err, ErrRefused) && errors.Is(err, ErrUncertain):
		return "both"
	case errors.Is(err, ErrRefused):
		return refusedly
	case errors.Is(err, ErrUncertain):
		return uncertain
	}
	return later
}

// deliver hands a letter over and checks what holds for every delivery: an outcome other than "not taken" or "refused"
// needs that the letter was handed over before, and nothing is handed over twice.
func deliver(t *testing.T, c Channel, l Letter) (outcome, error) {
	t.Helper()
	var h handOver
	err := c.Deliver(t.Context(), l, h.call)
	got := classify(err)
	if n := h.times.Load(); n > 1 || n == 0 && (got == taken || got == uncertain) {
		t.Errorf("%s: handed over %d times, and then: %v", c.Name(), n, err)
	}
	return got, err
}

// selfSigned makes a certificate for 127.0.0.1 and localhost; the PEM is what a client has to trust.
func selfSigned(t *testing.T) (*tls.Config, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{certificate}}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// listen opens a port of this machine for the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l := listen(t)
	_ = l.Close()
	return l.Addr().String()
}
