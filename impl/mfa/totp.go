package mfa

import (
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

// period of new secrets, in seconds: what authenticator apps expect; many ignore anything else (T2).
const period = 30

// secretSize is the length of a new secret, in bytes: 160 bit (T1, RFC 4226 section 4).
const secretSize = 20

// maxDrift is how far a device's clock is followed, in time steps (T7).
const maxDrift = 4

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
	return hotp.GenerateCodeCustom(otpauth.FormatSecret(g.secret), uint64(step), hotp.ValidateOpts{
		Digits: otp.Digits(g.digits), Algorithm: a,
	})
}

// match returns the time step whose code it is: among those at most skew steps from where the device's clock is expected,
// or the step of t itself, since clocks are also put right. It compares all of them, each in constant time (T9). Without
// skew, the strict profile, it is the step of t or nothing (T3).
func (g generator) match(code string, t time.Time, skew, drift int) (step int64, ok bool, err error) {
	if !g.wellFormed(code) {
		return 0, false, nil
	}
	now := g.step(t)
	candidates := []int64{now}
	if skew > 0 {
		for offset := drift - skew; offset <= drift+skew; offset++ {
			if offset != 0 {
				candidates = append(candidates, now+int64(offset))
			}
		}
	}
	for _, candidate := range candidates {
		want, err := g.code(candidate)
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = max(step, candidate), true
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

// drift is what is known of the device's clock after the code of a step was right at t, in time steps (T7, RFC 6238 section
// 6). It follows one step at a time, since a code may also be typed slowly, and at once when the clock was put right.
func (g generator) drift(before int, step int64, t time.Time, skew int) int {
	offset := int(step - g.step(t))
	switch {
	case skew == 0 || offset == 0:
		return 0
	case offset > before:
		before++
	case offset < before:
		before--
	}
	return min(max(before, -maxDrift), maxDrift)
}

// key is what the QR code carries (T12).
func (g generator) key(issuer, account string) otpauth.Key {
	return otpauth.Key{Issuer: issuer, Account: account, Secret: g.secret, Algorithm: g.algorithm, Digits: g.digits, Period: g.period}
}
