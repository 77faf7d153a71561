package mfa

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// What authenticator apps expect; many ignore anything else (T2).
const (
	algorithm = "SHA1"
	digits    = 6
	period    = 30 // seconds
)

// secretSize is the length of a secret, in bytes: 160 bit (T1, RFC 4226 section 4).
const secretSize = 20

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

var algorithms = map[string]otp.Algorithm{
	"SHA1": otp.AlgorithmSHA1, "SHA256": otp.AlgorithmSHA256, "SHA512": otp.AlgorithmSHA512,
}

// generator makes the codes of one factor.
type generator struct {
	secret    []byte
	algorithm string
	digits    int
	period    int // seconds
}

// step is the time step of t (RFC 6238 section 4.2).
func (g generator) step(t time.Time) int64 { return t.Unix() / int64(g.period) }

// code is the code of a time step.
func (g generator) code(step int64) (string, error) {
	a, ok := algorithms[g.algorithm]
	if !ok {
		return "", fmt.Errorf("unknown algorithm %q", g.algorithm)
	}
	return hotp.GenerateCodeCustom(encoding.EncodeToString(g.secret), uint64(step), hotp.ValidateOpts{
		Digits: otp.Digits(g.digits), Algorithm: a,
	})
}

// match returns the time step whose code it is, among those at most skew steps from t. It compares all of them, each in
// constant time (T9).
func (g generator) match(code string, t time.Time, skew int) (step int64, ok bool, err error) {
	if !g.wellFormed(code) {
		return 0, false, nil
	}
	now := g.step(t)
	for s := now - int64(skew); s <= now+int64(skew); s++ {
		want, err := g.code(s)
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok, nil
}

// wellFormed tells whether code has the right number of ASCII digits and nothing else (T9).
func (g generator) wellFormed(code string) bool {
	if len(code) != g.digits {
		return false
	}
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return false
		}
	}
	return true
}

// uri is what the QR code carries (Key Uri Format, T12). Issuer and account are percent-encoded, without a "+", which
// apps read differently, and without a colon of their own, which separates them.
func (g generator) uri(issuer, account string) string {
	issuer, account = label(issuer), label(account)
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=%s&digits=%d&period=%d",
		issuer, account, encoding.EncodeToString(g.secret), issuer, g.algorithm, g.digits, g.period)
}

// label percent-encodes everything that is not unreserved (RFC 3986 section 2.3); a colon becomes a space.
func label(s string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var b strings.Builder
	for _, c := range []byte(strings.ReplaceAll(s, ":", " ")) {
		if strings.IndexByte(unreserved, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
