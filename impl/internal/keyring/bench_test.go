package keyring

import "testing"

// BenchmarkSeal seals an authenticator's secret, and BenchmarkUnseal opens it.
func BenchmarkSeal(b *testing.B) {
	ring, secret := anyRing(b), make([]byte, 20)
	b.ReportAllocs()
	for b.Loop() {
		ring.Seal(secret, "mfa_factors", "pool", "user", "factor")
	}
}

func BenchmarkUnseal(b *testing.B) {
	ring := anyRing(b)
	sealed := ring.Seal(make([]byte, 20), "mfa_factors", "pool", "user", "factor")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Unseal(sealed, "mfa_factors", "pool", "user", "factor"); err != nil {
			b.Fatal(err)
		}
	}
}
