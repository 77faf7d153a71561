package puzzle

import (
	"bytes"
	crand "crypto/rand"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"unicode/utf8"

	"github.com/mojocn/base64Captcha"

	"github.com/menshen-auth/menshen/impl/internal/picture"
)

const (
	width  = 240
	height = 80
)

var white = color.RGBA{255, 255, 255, 255}

var comic, plain = []string{"actionj.ttf"}, []string{"wqy-microhei.ttc"}

var (
	digitDriver   = base64Captcha.NewDriverDigit(72, 56, 1, 0, 1)
	letterDriver  = base64Captcha.NewDriverString(64, 60*letterCount, 0, 0, letterCount, letters, &white, nil, comic)
	mathDriver    = base64Captcha.NewDriverMath(56, 50*6, 0, 0, &white, nil, comic)
	chineseDriver = base64Captcha.NewDriverChinese(72, 60*chineseCount, 0, 0, chineseCount, "", &white, nil, plain)
)

type noise struct{ *rand.Rand }

func newNoise() noise {
	var seed [32]byte
	crand.Read(seed[:])
	return noise{rand.New(rand.NewChaCha8(seed))}
}
func (n noise) between(a, b float64) float64 { return a + (b-a)*n.Float64() }

type look struct {
	high, wide             float64
	turn, slant, jump, gap float64
	thick                  float64
}

func draw(k Kind, question string) (string, error) {
	var (
		l     look
		chars []*ink
		err   error
	)
	switch k {
	case Digits:
		l = look{high: 54, wide: 46, turn: .25, slant: .15, jump: 7, gap: 5, thick: 3.8}
		chars, err = digits(question)
	case Letters:
		l = look{high: 48, wide: 46, turn: .22, slant: .15, jump: 7, gap: 4, thick: 3}
		chars, err = text(letterDriver, question)
	case Arithmetic:
		l = look{high: 46, wide: 32, turn: .2, slant: .15, jump: 7, gap: 5, thick: 3}
		chars, err = text(mathDriver, question)
	case Chinese:
		l = look{high: 48, wide: 50, turn: .2, slant: .15, jump: 7, gap: 4, thick: 3.8}
		chars, err = text(chineseDriver, question)
	}
	if err != nil {
		return "", err
	}
	l.high, l.wide = P("high", l.high), P("wide", l.wide)
	l.turn, l.slant, l.jump, l.gap, l.thick = P("turn", l.turn), P("slant", l.slant), P("jump", l.jump), P("gap", l.gap), P("thick", l.thick)
	r := newNoise()
	page := newInk(width, height)
	page.write(chars, l, r)
	if P("sharpen", 1) > 0 {
		page.sharpen()
	}
	for range int(P("lines", 1)) {
		a, b := r.between(P("la0", 8), P("la1", 14)), r.between(2, 4)
		pa, pb, fa, fb := r.between(P("lp0", 90), P("lp1", 200)), r.between(30, 60), r.Float64(), r.Float64()
		mid := r.between(P("lm0", 32), P("lm1", 46))
		page.stroke(func(x float64) float64 {
			return mid + a*math.Sin(2*math.Pi*(x/pa+fa)) + b*math.Sin(2*math.Pi*(x/pb+fb))
		}, l.thick)
	}
	raw, err := picture.PNG(page.paint(r))
	if err != nil {
		return "", err
	}
	return picture.DataURI(raw), nil
}

func digits(text string) ([]*ink, error) {
	cut := int(P("cut", 11))
	var chars []*ink
	for _, digit := range text {
		item, err := digitDriver.DrawCaptcha(string(digit))
		if err != nil {
			return nil, err
		}
		m := item.(*base64Captcha.ItemDigit).Paletted
		out := newInk(m.Rect.Dx(), m.Rect.Dy())
		rows := make([]int, len(m.Pix))
		for i := 2; i < len(m.Pix)-2; i++ {
			for _, v := range m.Pix[i-2 : i+3] {
				rows[i] += int(v)
			}
		}
		for i := 2 * out.w; i < len(rows)-2*out.w; i++ {
			n := rows[i-2*out.w] + rows[i-out.w] + rows[i] + rows[i+out.w] + rows[i+2*out.w]
			out.pix[i] = uint8(min(255, max(0, n-cut)*60))
		}
		chars = append(chars, out.crop(255, 3))
	}
	return chars, nil
}

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

func (k *ink) write(chars []*ink, l look, r noise) {
	w := &water{}
	w.wave(w.upDown[:], r.between(2, P("ya1", 4)), r.between(90, 160), r.Float64())
	w.wave(w.along[:], r.between(2, P("xa1", 4)), r.between(50, 80), r.Float64())
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

func (k *ink) paint(r noise) *image.Paletted {
	fg := [3]float64{r.between(0, 110), r.between(0, 110), r.between(0, 110)}
	bg := [3]float64{r.between(225, 255), r.between(225, 255), r.between(225, 255)}
	p := make(color.Palette, 16)
	for i := range p {
		a := float64(i) / 15
		mix := func(c int) uint8 { return uint8(bg[c] + (fg[c]-bg[c])*a) }
		p[i] = color.RGBA{mix(0), mix(1), mix(2), 255}
	}
	m := image.NewPaletted(image.Rect(0, 0, width, height), p)
	for i, v := range k.pix {
		m.Pix[i] = v >> 4
	}
	return m
}
