package keyring

import (
	"crypto/rsa"
	"encoding/base64"
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

// Verify reads a JWT of ours into claims, and checks signature, times and issuer. The error is one of golang-jwt's.
func (r *Ring) Verify(token string, claims jwt.Claims, issuer string, now time.Time) error {
	_, err := jwt.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		if key := r.public(t.Header["kid"]); key != nil {
			return key, nil
		}
		return nil, jwt.ErrTokenUnverifiable
	},
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(func() time.Time { return now }))
	return err
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
