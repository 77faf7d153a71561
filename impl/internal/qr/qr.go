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
	code, err := encode(content)
	if err != nil {
		return nil, err
	}
	scale := (minSide + width(code) - 1) / width(code)
	return picture.PNG(draw(code, scale, width(code)*scale))
}

// Sized is PNG of exactly side pixels: modules are as large as whole pixels allow, and what is left over is margin. An error
// means that side has no room for a pixel a module.
func Sized(content string, side int) ([]byte, error) {
	code, err := encode(content)
	if err != nil {
		return nil, err
	}
	scale := side / width(code)
	if scale == 0 {
		return nil, fmt.Errorf("%d pixels have no room for %d modules", side, width(code))
	}
	return picture.PNG(draw(code, scale, side))
}

func encode(content string) (barcode.Barcode, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("%d bytes do not fit into a QR code", len(content)) // the library's error quotes them (T13)
	}
	return code, nil
}

// width is that of the code with its quiet zone, in modules.
func width(code barcode.Barcode) int { return code.Bounds().Dx() + 2*quietZone }

// draw scales the modules and puts them into the middle of the picture. A palette of two colours makes the PNG one bit deep.
func draw(code barcode.Barcode, scale, side int) *image.Paletted {
	modules := code.Bounds().Dx()
	margin := (side - modules*scale) / 2
	drawn := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range modules {
		top := drawn.Pix[(margin+y*scale)*side:][:side]
		for x := range modules {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				left := margin + x*scale
				for i := range scale {
					top[left+i] = 1
				}
			}
		}
		for i := 1; i < scale; i++ {
			copy(drawn.Pix[(margin+y*scale+i)*side:][:side], top)
		}
	}
	return drawn
}
