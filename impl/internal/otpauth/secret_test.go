package otpauth

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// seed is that of RFC 4226 and RFC 6238, and its base32.
const (
	seed       = "12345678901234567890"
	seedBase32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
)

// TestSecretsAsPeopleWriteThem (T1): however it is typed or pasted, it is the same secret; and what is no secret is
// refused, also what most decoders would let through.
func TestSecretsAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	if got := FormatSecret([]byte(seed)); got != seedBase32 {
		t.Errorf("shown as %s", got)
	}
	for _, text := range []string{
		seedBase32, strings.ToLower(seedBase32), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ", "gezd-gnbv-gy3t-qojq-gezd-gnbv-gy3t-qojq",
		" " + seedBase32 + " ", "G E Z D G N B V G Y 3 T Q O J Q G E Z D G N B V G Y 3 T Q O J Q",
	} {
		if got, err := ParseSecret(text); err != nil || string(got) != seed {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"GEZDGNBVGY3TQOJQGE", "GEZDGNBVGY3TQOJQGE======", "gezd gnbv gy3t qojq ge== ===="} { // 11 bytes
		if got, err := ParseSecret(text); err != nil || string(got) != seed[:10]+"1" {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]error{
		"":                                     ErrSecretSize,
		"GEZDGNBV":                             ErrSecretSize,
		"GEZDGNBVGY3TQOI":                      ErrSecretSize, // 9 bytes
		strings.Repeat("A", 104):               ErrSecretSize, // 65 bytes
		seedBase32 + strings.Repeat(" ", 1000): ErrSecretSize,
		"========":                             ErrBase32,
		"GEZDGNBVGY3TQOJQGE=":                  ErrBase32, // too little padding
		"GEZDGNBVGY3TQOJQ========":             ErrBase32,
		"GEZDGNBVGY3TQOJQGE======GE":           ErrBase32,
		"GEZDGNBVGY3TQOJQGF":                   ErrBase32, // bits that no byte has
		"GEZDGNBVGY3TQOJQG":                    ErrBase32, // half a byte
		"GEZDGNBVGY3TQOJ1":                     ErrBase32, // no 0, 1, 8, 9
		"GEZDGNBV\nGY3TQOJQ":                   ErrBase32, // the decoder of the library passes over it
		"GEZDGNBVGY3TQOJ\u017f":                ErrBase32, // an "s" of old, which is an "S" in upper case
		"ＧＥＺＤＧＮＢＶＧＹ３ＴＱＯＪＱ":            ErrBase32,
		"GEZDGNBVGY3TQOJQ\xff":        ErrBase32,
		"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA": ErrBase32, // base64
	} {
		if got, err := ParseSecret(text); !errors.Is(err, want) || got != nil {
			t.Errorf("%.40q is read as %q, %v; want %v", text, got, err, want)
		}
	}
}

// FuzzParseSecret (T1): what is accepted has a length in the limits, is written in one way only, and is read from it again.
func FuzzParseSecret(f *testing.F) {
	for _, text := range []string{"", seedBase32, "gezd-gnbv gy3t qojq ge======", "GEZDGNBVGY3TQOJQGF", "\xff", "ſ", "A======="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := ParseSecret(text)
		if err != nil {
			if errors.Is(err, ErrBase32) || errors.Is(err, ErrSecretSize) {
				return
			}
			t.Fatalf("another error: %v", err)
		}
		if len(secret) < MinSecret || len(secret) > MaxSecret {
			t.Errorf("%d bytes", len(secret))
		}
		written := FormatSecret(secret)
		if stripped := strings.NewReplacer(" ", "", "-", "", "=", "").Replace(strings.ToUpper(text)); stripped != written {
			t.Errorf("%q is written %q", text, written)
		}
		if again, err := ParseSecret(written); err != nil || !bytes.Equal(again, secret) {
			t.Errorf("%q is read again as %x, %v", written, again, err)
		}
	})
}
