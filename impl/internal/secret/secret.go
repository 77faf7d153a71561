// Package secret makes unguessable things, all of crypto/rand.
package secret

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"math/big"
)

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Bytes returns n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails; it ends the program where there is no randomness
	return b
}

// ID returns 24 hexadecimal digits (96 bit): the form that the documents give user, application and userpool ids.
func ID() string { return hex.EncodeToString(Bytes(12)) }

// Token returns 32 URL-safe characters (192 bit).
func Token() string { return base64.RawURLEncoding.EncodeToString(Bytes(24)) }

// Alphanumeric returns n characters of 0-9A-Za-z, uniformly.
func Alphanumeric(n int) string { return pick(alphanumeric, n) }

// Digits returns n decimal digits, uniformly (C1).
func Digits(n int) string { return pick(alphanumeric[:10], n) }

func pick(alphabet string, n int) string {
	size := big.NewInt(int64(len(alphabet)))
	b := make([]byte, n)
	for i := range b {
		k, err := rand.Int(rand.Reader, size)
		if err != nil {
			panic(err) // the reader never fails
		}
		b[i] = alphabet[k.Int64()]
	}
	return string(b)
}
