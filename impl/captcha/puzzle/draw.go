package puzzle

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"sync"
	"unicode/utf8"

	"github.com/mojocn/base64Captcha"

	"github.com/menshen-auth/menshen/impl/internal/picture"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// The picture of the document, in pixels.
const (
	width  = 240
	height = 80
)

var white = color.RGBA{255, 255, 255, 255}

// Fonts that come with the library: hollow letters with a shadow, whose outlines an engine takes for strokes, and the only
// one with Chinese characters.
var comic, plain = []string{"actionj.ttf"}, []string{"wqy-microhei.ttc"}

// The library draws single characters on white, larger than they will be, and without its own disturbance: what it has of
// that does not keep an engine from reading. Those that read a font, some of megabytes, are made when first needed.
var (
	digitDriver  = base64Captcha.NewDriverDigit(72, 56, 1, 0, 1)
	letterDriver = sync.OnceValue(func() base64Captcha.Driver {
		return base64Captcha.NewDriverString(64, 60*letterCount, 0, 0, letterCount, letters, &white, nil, comic)
	})
	mathDriver = sync.OnceValue(func() base64Captcha.Driver {
		return base64Captcha.NewDriverMath(56, 50*6, 0, 0, &white, nil, comic)
	})
	chineseDriver = sync.OnceValue(func() base64Captcha.Driver {
		return base64Captcha.NewDriverChinese(72, 60*chineseCount, 0, 0, chineseCount, "", &white, nil, plain)
	})
)

// noise is where the look of a picture comes from. It has to be different every time and not to be foreseen, but it gives no
// answer away.
type noise struct{ *rand.Rand }

func newNoise() noise {
	return noise{rand.New(rand.NewChaCha8([32]byte(secret.Bytes(32))))}
}

// between returns a number of [a,b), uniformly.
func (n noise) between(a, b float64) float64 { return a + (b-a)*n.Float64() }

// look is how the characters of a kind are set.
type look struct {
	high, wide  float64 // the most of a character, in pixels
	turn, slant float64 // the most, either way: radians; pixels for each one up
	jump        float64 // the most, up or down, in pixels
	gap         float64 // between characters, in pixels, where there is room
	thick       float64 // of the line through them, in pixels: as their strokes, so that it cannot be told from them by that
}

var looks = map[Kind]look{
	Digits:     {high: 54, wide: 46, turn: .25, slant: .15, jump: 7, gap: 5, thick: 3.8},
	Letters:    {high: 48, wide: 46, turn: .22, slant: .15, jump: 7, gap: 4, thick: 3},
	Arithmetic: {high: 46, wide: 32, turn: .2, slant: .15, jump: 7, gap: 5, thick: 3},
	Chinese:    {high: 48, wide: 50, turn: .2, slant: .15, jump: 7, gap: 4, thick: 3.8},
}

// draw returns the question as a picture, a PNG in a data URI.
func draw(k Kind, question string) (string, error) {
	var (
		chars []*ink
		err   error
		r     = newNoise()
	)
	switch k {
	case Digits:
		chars, err = digits(question, r)
	case Letters:
		chars, err = text(letterDriver(), question)
	case Arithmetic:
		chars, err = text(mathDriver(), question)
	case Chinese:
		chars, err = text(chineseDriver(), question)
	}
	if err != nil {
		return "", err
	}
	l := looks[k]
	page := newInk(width, height)
	page.write(chars, l, r)
	page.sharpen()
	page.cross(l.thick, r)
	raw, err := picture.PNG(page.paint(r))
	if err != nil {
		return "", err
	}
	return picture.DataURI(raw), nil
}

// text has the library draw a text, and cuts it into its characters.
func text(d base64Captcha.Driver, text string) ([]*ink, error) {
	item, err := d.DrawCaptcha(text)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if _, err := item.WriteTo(&buf); err != nil {
		return nil, err
	}
	m, err := png.Decode(&buf)
	if err != nil {
		return nil, err
	}
	rgba, ok := m.(*image.RGBA)
	if !ok {
		return nil, fmt.Errorf("unexpected %T", m)
	}
	n := utf8.RuneCountInString(text)
	cell := rgba.Rect.Dx() / n
	var chars []*ink
	for i := range n {
		c := newInk(cell, rgba.Rect.Dy())
		most := uint8(1)
		for j := range c.pix {
			p := rgba.Pix[rgba.PixOffset(i*cell+j%cell, j/cell):]
			c.pix[j] = 255 - min(p[0], p[1], p[2])
			most = max(most, c.pix[j])
		}
		for j, v := range c.pix {
			c.pix[j] = uint8(int(v) * 255 / int(most))
		}
		if c = c.crop(128, 1); c.w == 0 {
			return nil, errors.New("nothing drawn")
		}
		chars = append(chars, c)
	}
	return chars, nil
}

// write sets characters on the page: turned, slanted, up and down, on moving water.
func (k *ink) write(chars []*ink, l look, r noise) {
	w := &water{}
	w.wave(w.upDown[:], r.between(2, 4), r.between(90, 160), r.Float64())
	w.wave(w.along[:], r.between(2, 4), r.between(50, 80), r.Float64())
	total := 0.0
	scales := make([]float64, len(chars))
	for i, c := range chars {
		scales[i] = min(l.high/float64(c.h-2), l.wide/float64(c.w-2)) * r.between(0.92, 1.08)
		total += float64(c.w-2) * scales[i]
	}
	gap := min(l.gap, (width-16-total)/float64(len(chars)))
	x := (width - total - gap*float64(len(chars)-1)) / 2
	for i, c := range chars {
		wide := float64(c.w-2) * scales[i]
		k.stamp(c, place{
			x: x + wide/2 + r.between(-2, 2), y: height/2 + r.between(-l.jump, l.jump), scale: scales[i],
			turn: r.between(-l.turn, l.turn), slant: r.between(-l.slant, l.slant),
		}, w)
		x += wide + gap
	}
}

// cross draws a wavy line through all characters, of their own colour and thickness. Taken away it takes strokes with it, left
// in it joins them.
func (k *ink) cross(thick float64, r noise) {
	mid, high, low := r.between(32, 46), r.between(8, 14), r.between(2, 4)
	long, short, from, to := r.between(90, 200), r.between(30, 60), r.Float64(), r.Float64()
	k.stroke(func(x float64) float64 {
		return mid + high*math.Sin(2*math.Pi*(x/long+from)) + low*math.Sin(2*math.Pi*(x/short+to))
	}, thick)
}

// shades is how many there are between paper and ink. A palette of four makes the file a third as large.
const shades = 4

// paint colours the page: dark ink on light paper, both different every time.
func (k *ink) paint(r noise) *image.Paletted {
	fg := [3]float64{r.between(0, 110), r.between(0, 110), r.between(0, 110)}
	bg := [3]float64{r.between(225, 255), r.between(225, 255), r.between(225, 255)}
	p := make(color.Palette, shades)
	for i := range p {
		a := float64(i) / (shades - 1)
		mix := func(c int) uint8 { return uint8(bg[c] + (fg[c]-bg[c])*a) }
		p[i] = color.RGBA{mix(0), mix(1), mix(2), 255}
	}
	m := image.NewPaletted(image.Rect(0, 0, width, height), p)
	for i, v := range k.pix {
		m.Pix[i] = v >> 6
	}
	return m
}
