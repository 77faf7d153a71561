package qr

import (
	"bytes"
	"image/png"
	"testing"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

const otpauth = "otpauth://totp/Menshen:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Menshen&algorithm=SHA1&digits=6&period=30"

// BenchmarkPicture compares our picture with the plain way to make one: scale to 256 pixels, encode with defaults.
func BenchmarkPicture(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			if _, err := PNG(otpauth); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			code, err := qr.Encode(otpauth, qr.M, qr.Auto)
			if err != nil {
				b.Fatal(err)
			}
			scaled, err := barcode.Scale(code, 256, 256)
			if err != nil {
				b.Fatal(err)
			}
			if err := png.Encode(&bytes.Buffer{}, scaled); err != nil {
				b.Fatal(err)
			}
		}
	})
}
