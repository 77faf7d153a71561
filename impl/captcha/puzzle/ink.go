package puzzle

import (
	"image"
	"math"
)

// ink says how much of every pixel is covered, 0 to 255.
type ink struct {
	w, h int
	pix  []uint8
}

func newInk(w, h int) *ink { return &ink{w, h, make([]uint8, w*h)} }

// crop returns the part that has all pixels of at least the given cover, and margin pixels more on every side.
func (k *ink) crop(cover uint8, margin int) *ink {
	box := image.Rectangle{Min: image.Pt(k.w, k.h)}
	for i, v := range k.pix {
		if v >= cover {
			box.Min.X, box.Min.Y = min(box.Min.X, i%k.w), min(box.Min.Y, i/k.w)
			box.Max.X, box.Max.Y = max(box.Max.X, i%k.w+1), max(box.Max.Y, i/k.w+1)
		}
	}
	if box.Empty() {
		return newInk(0, 0)
	}
	box = box.Inset(-margin).Intersect(image.Rect(0, 0, k.w, k.h))
	out := newInk(box.Dx()+2, box.Dy()+2)
	for y := range box.Dy() {
		from := (box.Min.Y+y)*k.w + box.Min.X
		copy(out.pix[(y+1)*out.w+1:], k.pix[from:from+box.Dx()])
	}
	return out
}

// sample is the cover at a point between pixels; coordinates are in 1/256 pixel.
func (k *ink) sample(x, y int) int {
	x0, y0, fx, fy := x>>8, y>>8, x&255, y&255
	if uint(x0) >= uint(k.w-1) || uint(y0) >= uint(k.h-1) {
		return 0
	}
	p := k.pix[y0*k.w+x0:]
	top := int(p[0])*(256-fx) + int(p[1])*fx
	bottom := int(p[k.w])*(256-fx) + int(p[k.w+1])*fx
	return (top*(256-fy) + bottom*fy) >> 16
}

// water bends what is drawn on it: every row is moved along, every column up or down, by so many pixels.
type water struct {
	along  [height]float64
	upDown [width]float64
}

func (w *water) wave(of []float64, amplitude, period, phase float64) {
	for i := range of {
		of[i] += amplitude * math.Sin(2*math.Pi*(float64(i)/period+phase))
	}
}

// place is where and how a character is drawn.
type place struct {
	x, y        float64 // of its middle, pixels
	scale       float64
	turn, slant float64 // radians clockwise; pixels to the right for each one up
}

// stamp draws a character. Where two overlap the darker wins, as with a pen.
func (k *ink) stamp(c *ink, p place, w *water) {
	// From the page back to the character, in 1/256 pixel: turned, set upright and scaled.
	sin, cos := math.Sincos(p.turn)
	unit := 256 / p.scale
	xx, xy := unit*(cos-p.slant*sin), unit*(sin+p.slant*cos)
	yx, yy := -unit*sin, unit*cos
	reach := math.Hypot(float64(c.w), float64(c.h)) * p.scale * (1 + math.Abs(p.slant)) / 2
	const bent = 12 // pixels that water moves at most
	left, right := max(0, int(p.x-reach-bent)), min(k.w, int(p.x+reach+bent))
	above, below := max(0, int(p.y-reach-bent)), min(k.h, int(p.y+reach+bent))
	var us, vs [width]int
	for x := left; x < right; x++ {
		us[x] = int(xx*float64(x) + xy*w.upDown[x])
		vs[x] = int(yx*float64(x) + yy*w.upDown[x])
	}
	for y := above; y < below; y++ {
		dx, dy := w.along[y]-p.x, float64(y)-p.y
		u, v := int(xx*dx+xy*dy)+(c.w-1)*128, int(yx*dx+yy*dy)+(c.h-1)*128
		row := k.pix[y*k.w : (y+1)*k.w]
		for x := left; x < right; x++ {
			if cover := c.sample(u+us[x], v+vs[x]); cover > int(row[x]) {
				row[x] = uint8(cover)
			}
		}
	}
}

// stroke draws a curve from edge to edge, as thick as given, in pixels.
func (k *ink) stroke(curve func(x float64) float64, thick float64) {
	for x := range k.w {
		y, slope := curve(float64(x)), curve(float64(x)+0.5)-curve(float64(x)-0.5)
		reach := thick / 2 * math.Hypot(1, slope)
		for at := max(0, int(y-reach)); at <= min(k.h-1, int(y+reach+1)); at++ {
			cover := min(float64(at)+0.5, y+reach) - max(float64(at)-0.5, y-reach)
			if p := &k.pix[at*k.w+x]; cover > 0 {
				*p = max(*p, uint8(255*min(1, cover)))
			}
		}
	}
}

// sharpen makes soft edges steeper; characters that were enlarged have soft ones.
func (k *ink) sharpen() {
	for i, v := range k.pix {
		k.pix[i] = uint8(min(255, max(0, (int(v)-128)*2+128)))
	}
}
