package mfa

import (
	"testing"
	"time"
)

// BenchmarkMatch is the check of a wrong code, which looks at all that would be right.
func BenchmarkMatch(b *testing.B) {
	g := generator{[]byte(digitsTwice), "SHA1", 6, 30}
	at := time.Unix(59, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := g.match("000000", at, 1, 0); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
