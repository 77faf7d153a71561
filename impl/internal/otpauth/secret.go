package otpauth

import (
	"encoding/base32"
	"errors"
	"strings"
)

// MinSecret and MaxSecret limit the length of a secret, in bytes. What is made here has 20 (T1, RFC 4226 section 4); older
// systems made 10, and what is moved in must be accepted.
const MinSecret, MaxSecret = 10, 64

// maxSecretText is the longest text that is read as a secret, in bytes: MaxSecret in base32, in groups of one character.
const maxSecretText = 256

// What is wrong with a secret.
var (
	ErrBase32     = errors.New("the secret is not base32")
	ErrSecretSize = errors.New("the secret has not between 10 and 64 bytes")
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// FormatSecret returns a secret as it is shown and typed: base32 in upper case, without padding (T1, RFC 4648 section 6).
func FormatSecret(secret []byte) string { return encoding.EncodeToString(secret) }

// ParseSecret reads base32 as people and systems write it: in any case, with spaces and dashes anywhere, with padding or
// without. Bits after the last byte must be zero, so that no two texts are the same secret by accident. Its errors are
// ErrBase32 and ErrSecretSize.
func ParseSecret(text string) ([]byte, error) {
	if len(text) > maxSecretText {
		return nil, ErrSecretSize
	}
	text = strings.Map(canonical, text)
	body := strings.TrimRight(text, "=")
	if padding := len(text) - len(body); padding > 0 && (padding > 6 || len(text)%8 != 0) {
		return nil, ErrBase32
	}
	secret, err := encoding.DecodeString(body)
	if err != nil || FormatSecret(secret) != body { // the decoder passes over line breaks, odd lengths and loose bits
		return nil, ErrBase32
	}
	if len(secret) < MinSecret || len(secret) > MaxSecret {
		return nil, ErrSecretSize
	}
	return secret, nil
}

// canonical changes ASCII only: of other alphabets, some letters become those of base32 in upper case (U+017F, an "S").
func canonical(r rune) rune {
	switch {
	case r == ' ' || r == '-':
		return -1
	case 'a' <= r && r <= 'z':
		return r - 'a' + 'A'
	}
	return r
}
