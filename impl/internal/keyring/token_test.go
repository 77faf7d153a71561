package keyring

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const issuer = "https://id.example.com/oidc"

func valid() jwt.MapClaims {
	return jwt.MapClaims{"iss": issuer, "sub": "alice", "exp": testTime.Add(time.Minute).Unix()}
}

// TestTokenOfOurs: a token that was signed here verifies until its end, and a stranger can verify it with the published
// key, which is how applications do.
func TestTokenOfOurs(t *testing.T) {
	t.Parallel()
	ring := anyRing(t)
	token, err := ring.Sign(valid())
	if err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]error{
		0: nil, time.Minute - time.Second: nil, time.Minute: jwt.ErrTokenExpired, time.Hour: jwt.ErrTokenExpired,
	} {
		c := jwt.MapClaims{}
		if err := ring.Verify(token, c, issuer, testTime.Add(after)); !errors.Is(err, want) || want == nil && c["sub"] != "alice" {
			t.Errorf("after %v: %v, want %v; %v", after, err, want, c)
		}
	}

	keys := ring.PublicKeys()
	if len(keys) != 1 {
		t.Fatalf("%d public keys", len(keys))
	}
	decode := func(s string) *big.Int {
		b, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(b)
	}
	public := &rsa.PublicKey{N: decode(keys[0].Modulus), E: int(decode(keys[0].Exponent).Int64())}
	if public.N.BitLen() < 2048 || public.E != 65537 {
		t.Errorf("an RSA key of %d bits and exponent %d", public.N.BitLen(), public.E)
	}
	parsed, err := jwt.NewParser(jwt.WithTimeFunc(testClock.Now)).Parse(token, func(*jwt.Token) (any, error) { return public, nil })
	if err != nil || parsed.Header["kid"] != keys[0].ID || parsed.Method.Alg() != "RS256" {
		t.Errorf("a stranger reads %v: %v", parsed, err)
	}
}

// TestForgedTokens: what was not signed here, for here and until now is refused: the ways of RFC 8725 section 2 and 3.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	ring, now := anyRing(t), testTime
	kid, ours := ring.signers[0].id, ring.signers[0].key
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&ours.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	sign := func(method jwt.SigningMethod, key, kid any, c jwt.Claims) string {
		token := jwt.NewWithClaims(method, c)
		if kid != nil {
			token.Header["kid"] = kid
		}
		signed, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	changed := func(claim string, value any) string {
		c := valid()
		if c[claim] = value; value == nil {
			delete(c, claim)
		}
		return sign(jwt.SigningMethodRS256, ours, kid, c)
	}
	good := sign(jwt.SigningMethodRS256, ours, kid, valid())
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	other, _ := ring.Sign(jwt.MapClaims{"iss": issuer, "sub": "mallory", "exp": now.Add(time.Hour).Unix()})

	tests := map[string]struct {
		token string
		want  error // nil for any
	}{
		"alg none":                     {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, valid()), nil},
		"HS256 with the public key":    {sign(jwt.SigningMethodHS256, asPEM, kid, valid()), nil},
		"HS256 with the DER":           {sign(jwt.SigningMethodHS256, der, kid, valid()), nil},
		"HS256 with the modulus":       {sign(jwt.SigningMethodHS256, ours.N.Bytes(), kid, valid()), nil},
		"RS512":                        {sign(jwt.SigningMethodRS512, ours, kid, valid()), nil},
		"PS256":                        {sign(jwt.SigningMethodPS256, ours, kid, valid()), nil},
		"stranger's key under our kid": {sign(jwt.SigningMethodRS256, stranger, kid, valid()), jwt.ErrTokenSignatureInvalid},
		"unknown kid":                  {sign(jwt.SigningMethodRS256, ours, "none", valid()), jwt.ErrTokenUnverifiable},
		"no kid":                       {sign(jwt.SigningMethodRS256, ours, nil, valid()), jwt.ErrTokenUnverifiable},
		"kid that is a list":           {sign(jwt.SigningMethodRS256, ours, []string{kid}, valid()), jwt.ErrTokenUnverifiable},
		"wrong issuer":                 {changed("iss", "https://id.example.org/oidc"), jwt.ErrTokenInvalidIssuer},
		"issuer with a slash":          {changed("iss", issuer+"/"), jwt.ErrTokenInvalidIssuer},
		"no issuer":                    {changed("iss", nil), jwt.ErrTokenRequiredClaimMissing},
		"expired":                      {changed("exp", now.Unix()), jwt.ErrTokenExpired},
		"no exp":                       {changed("exp", nil), jwt.ErrTokenRequiredClaimMissing},
		"exp that is text":             {changed("exp", "2100-01-01"), nil},
		"not yet":                      {changed("nbf", now.Add(time.Minute).Unix()), jwt.ErrTokenNotValidYet},
		"payload of another token":     {header + "." + strings.Split(other, ".")[1] + "." + signature, jwt.ErrTokenSignatureInvalid},
		"no signature":                 {header + "." + payload + ".", nil},
		"two parts":                    {header + "." + payload, jwt.ErrTokenMalformed},
		"empty":                        {"", jwt.ErrTokenMalformed},
		"nonsense":                     {"a.b.c", jwt.ErrTokenMalformed},
		"padded base64":                {good + "==", nil},
	}
	for name, test := range tests {
		err := ring.Verify(test.token, jwt.MapClaims{}, issuer, now)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if err := ring.Verify(good, jwt.MapClaims{}, issuer, now); err != nil {
		t.Errorf("the token that the others were made of: %v", err)
	}
}

// TestRememberedTokens: a token whose signature is known to be good still ends when it ends, is of its issuer only, and
// vouches for no other: one of its parts changed, and it is refused.
func TestRememberedTokens(t *testing.T) {
	t.Parallel()
	ring := anyRing(t)
	token, err := ring.Sign(valid())
	if err != nil {
		t.Fatal(err)
	}
	other, err := ring.Sign(jwt.MapClaims{"iss": issuer, "sub": "mallory", "exp": testTime.Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	verify := func(token, issuer string, at time.Time) error { return ring.Verify(token, jwt.MapClaims{}, issuer, at) }
	for range 2 {
		if err := verify(token, issuer, testTime); err != nil {
			t.Fatal(err)
		}
	}
	ours, theirs := strings.Split(token, "."), strings.Split(other, ".")
	for name, err := range map[string]error{
		"expired":             verify(token, issuer, testTime.Add(24*365*time.Hour)),
		"another issuer":      verify(token, "https://id.example.org/oidc", testTime),
		"another's payload":   verify(ours[0]+"."+theirs[1]+"."+ours[2], issuer, testTime),
		"another's signature": verify(ours[0]+"."+ours[1]+"."+theirs[2], issuer, testTime),
		"a longer signature":  verify(token+"AA", issuer, testTime),
		"without a signature": verify(ours[0]+"."+ours[1]+".", issuer, testTime),
	} {
		if err == nil {
			t.Errorf("%s: good", name)
		}
	}
	if n := ring.verified.Len(); n != 1 {
		t.Errorf("%d tokens are remembered", n)
	}
}
