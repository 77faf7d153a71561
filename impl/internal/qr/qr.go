// Package qr draws QR codes (ISO/IEC 18004) as PNG pictures that a phone reads off a screen: error correction M, the
// quiet zone of four modules that the standard asks for, black on white, one bit a pixel.
package qr

import (
	"fmt"
	"image"
	"image/color"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"github.com/menshen-auth/menshen/impl/internal/picture"
)

const (
	quietZone = 4   // modules on each side, ISO/IEC 18004 section 6.3.8
	minSide   = 256 // pixels; the module size is the smallest whole number that reaches it
)

// PNG returns the picture of content, a little over 256 pixels wide. Content of more than about 2,300 bytes does not fit.
func PNG(content string) ([]byte, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("%d bytes do not fit into a QR code", len(content)) // the library's error quotes them (T13)
	}
	return picture.PNG(draw(code))
}

// draw scales the modules and surrounds them with the quiet zone. A palette of two colours makes the PNG one bit deep.
func draw(code barcode.Barcode) *image.Paletted {
	modules := code.Bounds().Dx()
	scale := (minSide + modules + 2*quietZone - 1) / (modules + 2*quietZone)
	side := (modules + 2*quietZone) * scale
	drawn := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range modules {
		top := drawn.Pix[(y+quietZone)*scale*side:][:side]
		for x := range modules {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				left := (x + quietZone) * scale
				for i := range scale {
					top[left+i] = 1
				}
			}
		}
		for i := 1; i < scale; i++ {
			copy(drawn.Pix[((y+quietZone)*scale+i)*side:][:side], top)
		}
	}
	return drawn
}
