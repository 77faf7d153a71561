package qr

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"
)

// TestSymbolsAreTheLibrarys: what is drawn here for speed is, module for module, what the library draws: the same version,
// error correction and mask.
func TestSymbolsAreTheLibrarys(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(18, 4))
	ours := 0
	for n := range 270 {
		content := text(r, n)
		s := newSymbol(content)
		if s == nil {
			continue
		}
		ours++
		want, err := qr.Encode(content, qr.M, qr.Auto)
		if err != nil {
			t.Fatal(err)
		}
		if s.side != want.Bounds().Dx() {
			t.Fatalf("%q: %d modules, want %d", content, s.side, want.Bounds().Dx())
		}
		for x := range s.side {
			for y := range s.side {
				if red, _, _, _ := want.At(x, y).RGBA(); s.dark(x, y) != (red == 0) {
					t.Fatalf("%q: another module at %d,%d", content, x, y)
				}
			}
		}
	}
	if ours < 230 {
		t.Errorf("only %d symbols were drawn here", ours)
	}
}

// text is n bytes, of one kind of bytes or another: monotonous ones bring out the rules that choose a mask.
func text(r *rand.Rand, n int) string {
	alphabet := []string{"a", "ab", "\x00\xff", "abcdefghijklmnopqrstuvwxyz0123456789%:/?&=", "\x55\xaa\x0f"}[r.IntN(5)]
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// TestLibraryDrawsTheRest: denser modes and larger versions are the library's.
func TestLibraryDrawsTheRest(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "0123456789", "HTTPS://ID.EXAMPLE.COM/QR", strings.Repeat("a", 252)} {
		if newSymbol(content) != nil {
			t.Errorf("%q is drawn here", content)
		}
	}
	if newSymbol(strings.Repeat("a", 251)) == nil {
		t.Error("251 bytes fit into version 11")
	}
}
