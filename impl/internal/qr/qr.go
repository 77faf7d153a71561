// Package qr draws QR codes (ISO/IEC 18004) as PNG pictures that a phone reads off a screen: error correction M, the
// quiet zone of four modules that the standard asks for, black on white, one bit a pixel.
package qr

import (
	"fmt"

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
	c, err := encode(content)
	if err != nil {
		return nil, err
	}
	scale := (minSide + width(c) - 1) / width(c)
	return draw(c, scale, width(c)*scale).PNG()
}

// Sized is PNG of exactly side pixels: modules are as large as whole pixels allow, and what is left over is margin. An error
// means that side has no room for a pixel a module.
func Sized(content string, side int) ([]byte, error) {
	c, err := encode(content)
	if err != nil {
		return nil, err
	}
	scale := side / width(c)
	if scale == 0 {
		return nil, fmt.Errorf("%d pixels have no room for %d modules", side, width(c))
	}
	return draw(c, scale, side).PNG()
}

// code is a QR code without its quiet zone.
type code interface {
	modules() int
	dark(x, y int) bool
}

func encode(content string) (code, error) {
	if s := newSymbol(content); s != nil {
		return s, nil
	}
	drawn, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("%d bytes do not fit into a QR code", len(content)) // the library's error quotes them (T13)
	}
	return library{drawn}, nil
}

// library is a code as the library has it.
type library struct{ barcode.Barcode }

func (l library) modules() int { return l.Bounds().Dx() }

func (l library) dark(x, y int) bool {
	r, _, _, _ := l.At(x, y).RGBA()
	return r == 0
}

// width is that of the code with its quiet zone, in modules.
func width(c code) int { return c.modules() + 2*quietZone }

// draw scales the modules and puts them into the middle of the picture.
func draw(c code, scale, side int) *picture.Bitmap {
	modules := c.modules()
	margin := (side - modules*scale) / 2
	drawn := picture.NewBitmap(side)
	for y := range modules {
		top := margin + y*scale
		line := drawn.Line(top)
		for x := range modules {
			if !c.dark(x, y) {
				continue
			}
			for at := margin + x*scale; at < margin+(x+1)*scale; at++ {
				line[at/8] |= 0x80 >> (at % 8)
			}
		}
		for i := 1; i < scale; i++ {
			drawn.Repeat(top + i)
		}
	}
	return drawn
}
