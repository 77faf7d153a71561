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

// Pick returns a number of [0,n), uniformly.
func Pick(n int) int {
	k, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // the reader never fails
	}
	return int(k.Int64())
}

func pick(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[Pick(len(alphabet))]
	}
	return string(b)
}
