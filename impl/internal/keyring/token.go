package keyring

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// PublicKey is a key that verifies our tokens, as a JSON Web Key writes it (RFC 7518 section 6.3.1).
type PublicKey struct {
	ID, Modulus, Exponent string
}

// Sign returns claims as a JWT (RS256) that names its key.
func (r *Ring) Sign(claims jwt.Claims) (string, error) {
	newest := r.signers[len(r.signers)-1]
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = newest.id
	return token.SignedString(newest.key)
}

// verifiedTokens is how many tokens are remembered as signed by us, those that were used last.
const verifiedTokens = 4096

// Verify reads a JWT of ours into claims, and checks signature, times and issuer. The error is one of golang-jwt's. A token
// whose signature was good is remembered, since checking that takes longer than all else that a gate does; its times, and
// whatever it stands for, are looked at each time.
func (r *Ring) Verify(token string, claims jwt.Claims, issuer string, now time.Time) error {
	parsed, parts, err := jwt.NewParser().ParseUnverified(token, claims)
	if err != nil {
		return err
	}
	key := r.public(parsed.Header["kid"])
	if key == nil || parsed.Method != jwt.SigningMethodRS256 {
		return jwt.ErrTokenUnverifiable
	}
	sum := sha256.Sum256([]byte(token))
	if _, known := r.verified.Get(sum); !known {
		signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
		if err != nil {
			return jwt.ErrTokenMalformed
		}
		if err := jwt.SigningMethodRS256.Verify(parts[0]+"."+parts[1], signature, key); err != nil {
			return errors.Join(jwt.ErrTokenSignatureInvalid, err)
		}
		r.verified.Add(sum, struct{}{})
	}
	return jwt.NewValidator(jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now })).Validate(claims)
}

func (r *Ring) public(kid any) *rsa.PublicKey {
	for _, s := range r.signers {
		if s.id == kid {
			return &s.key.PublicKey
		}
	}
	return nil
}

// PublicKeys returns the keys that verify our tokens, oldest first.
func (r *Ring) PublicKeys() []PublicKey {
	keys := make([]PublicKey, len(r.signers))
	for i, s := range r.signers {
		keys[i] = PublicKey{
			ID:       s.id,
			Modulus:  base64.RawURLEncoding.EncodeToString(s.key.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(s.key.E)).Bytes()),
		}
	}
	return keys
}
