package wechat

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // WeChat draws JPEG,
	_ "image/png"  // and PNG where it is asked to; logos are either

	"golang.org/x/image/draw"

	"github.com/menshen-auth/menshen/impl/internal/picture"
)

const (
	maxPicture = 512 << 10 // bytes, of a code
	maxLogo    = 256 << 10
	maxSide    = 1024 // pixels, of both
)

// decode reads a PNG or JPEG. Its size is known before a pixel is decoded: a small file can be a very large picture.
func decode(text []byte, limit int) (image.Image, error) {
	if len(text) > limit {
		return nil, fmt.Errorf("the picture is longer than %d bytes", limit)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(text))
	if err != nil || format != "png" && format != "jpeg" { // other packages may have registered more
		return nil, errors.New("it is no PNG or JPEG picture")
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxSide || config.Height > maxSide {
		return nil, fmt.Errorf("the picture is of %d by %d pixels, more than %d", config.Width, config.Height, maxSide)
	}
	m, _, err := image.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("it is a broken picture")
	}
	return m, nil
}

// redraw writes a code as a PNG, so that nothing but pixels gets through, with a logo in its middle; nil for none.
func redraw(code, logo []byte) ([]byte, error) {
	from, err := decode(code, maxPicture)
	if err != nil {
		return nil, err
	}
	size := from.Bounds().Size()
	drawn := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(drawn, drawn.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(drawn, drawn.Bounds(), from, from.Bounds().Min, draw.Over)
	if logo != nil {
		mark, err := decode(logo, maxLogo)
		if err != nil {
			return nil, err
		}
		merge(drawn, mark)
	}
	return picture.PNG(drawn)
}

// merge draws a logo on a white disc in the middle. In the middle of WeChat's own codes there is only the mini program's own
// logo; the disc is small enough for a QR code of error correction M too, 3 % of the picture, since it spoils the ends of
// many codewords.
func merge(code *image.RGBA, logo image.Image) {
	side := min(code.Bounds().Dx(), code.Bounds().Dy())
	middle := image.Pt(code.Bounds().Dx()/2, code.Bounds().Dy()/2)
	disc := &circle{middle, side / 10}
	draw.DrawMask(code, code.Bounds(), image.White, image.Point{}, disc, image.Point{}, draw.Over)

	room, size := side*13/100, logo.Bounds().Size() // a square of this side fits into the disc
	longest := max(size.X, size.Y)
	width, height := max(1, size.X*room/longest), max(1, size.Y*room/longest)
	corner := middle.Sub(image.Pt(width/2, height/2))
	draw.CatmullRom.Scale(code, image.Rectangle{corner, corner.Add(image.Pt(width, height))}, logo, logo.Bounds(), draw.Over, nil)
}

// circle is a mask.
type circle struct {
	middle image.Point
	radius int
}

func (c *circle) ColorModel() color.Model { return color.AlphaModel }

func (c *circle) Bounds() image.Rectangle {
	r := image.Pt(c.radius, c.radius)
	return image.Rectangle{c.middle.Sub(r), c.middle.Add(r)}
}

func (c *circle) At(x, y int) color.Color {
	dx, dy := x-c.middle.X, y-c.middle.Y
	if dx*dx+dy*dy < c.radius*c.radius {
		return color.Opaque
	}
	return color.Transparent
}
