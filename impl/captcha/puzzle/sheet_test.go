package puzzle

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	idraw "image/draw"
	"image/png"
	"math/rand"
	"os"
	"strings"
	"testing"
)

type weak struct{}

func (weak) Digits(n int) string { return fmt.Sprintf("%0*d", n, rand.Intn(1000000)) }
func (weak) Pick(n int) int      { return rand.Intn(n) }

func TestSheet(t *testing.T) {
	out := image.NewRGBA(image.Rect(0, 0, 1000, 8*90))
	idraw.Draw(out, out.Bounds(), image.White, image.Point{}, idraw.Src)
	for i, k := range []Kind{Digits, Letters, Arithmetic, Chinese} {
		for j := range 8 {
			p, err := Make(k, 0, weak{})
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := base64.StdEncoding.DecodeString(p.URL[strings.Index(p.URL, ",")+1:])
			m, _ := png.Decode(bytes.NewReader(raw))
			x, y := j%4*250, i*180+j/4*90
			idraw.Draw(out, image.Rect(x, y, x+240, y+80), m, image.Point{}, idraw.Src)
			t.Log(k, j, p.Answer, len(p.URL))
		}
	}
	f, _ := os.Create("/tmp/sheet.png")
	png.Encode(f, out)
	f.Close()
}
func BenchmarkMake(b *testing.B) {
	for _, k := range []Kind{Digits, Letters, Arithmetic, Chinese, Audio} {
		b.Run(string(k), func(b *testing.B) {
			for b.Loop() {
				Make(k, 0, weak{})
			}
		})
	}
}
