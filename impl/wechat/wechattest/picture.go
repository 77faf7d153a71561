package wechattest

import (
	"bytes"
	"image"
	"image/jpeg"

	"github.com/boombuler/barcode/qr"
)

// Picture is a QR code as a JPEG of a side in pixels.
func Picture(text string, side int) []byte {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		panic(err)
	}
	modules := code.Bounds().Dx()
	scale := side / (modules + 8)
	margin := (side - modules*scale) / 2
	m := image.NewGray(image.Rect(0, 0, side, side))
	for i := range m.Pix {
		at := image.Pt(i%side-margin, i/side-margin)
		m.Pix[i] = 255
		if at.In(image.Rect(0, 0, modules*scale, modules*scale)) {
			if red, _, _, _ := code.At(at.X/scale, at.Y/scale).RGBA(); red == 0 {
				m.Pix[i] = 0
			}
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		panic(err)
	}
	return out.Bytes()
}
