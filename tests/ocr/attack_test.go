package ocr

import (
	"image"
)

// variants are what an attacker may do to a picture before it is read.
var variants = map[string]func(*image.Gray) *image.Gray{
	"raw":       func(m *image.Gray) *image.Gray { return m },
	"raw x2":    double,
	"otsu":      func(m *image.Gray) *image.Gray { return binary(m, otsu(m)) },
	"otsu x2":   func(m *image.Gray) *image.Gray { return double(binary(m, otsu(m))) },
	"dark":      func(m *image.Gray) *image.Gray { return binary(m, uint8((int(otsu(m))+int(darkest(m)))/2)) },
	"median":    func(m *image.Gray) *image.Gray { return median(binary(m, otsu(m)), 1) },
	"median x2": func(m *image.Gray) *image.Gray { return double(median(binary(m, otsu(m)), 1)) },
	"median5":   func(m *image.Gray) *image.Gray { return median(binary(m, otsu(m)), 2) },
	"x2 otsu":   func(m *image.Gray) *image.Gray { d := double(m); return binary(d, otsu(d)) },
	"open":      func(m *image.Gray) *image.Gray { return open(binary(m, otsu(m)), 1) },
	"fill":      func(m *image.Gray) *image.Gray { return fill(binary(m, otsu(m))) },
	"fill open": func(m *image.Gray) *image.Gray { d := double(m); return open(fill(binary(d, otsu(d))), 3) },
	"x2 open5":  func(m *image.Gray) *image.Gray { d := double(m); return open(binary(d, otsu(d)), 2) },
	"x2 open7":  func(m *image.Gray) *image.Gray { d := double(m); return open(binary(d, otsu(d)), 3) },
	"x2 open9":  func(m *image.Gray) *image.Gray { d := double(m); return open(binary(d, otsu(d)), 4) },
}

// at is a pixel, the nearest one outside.
func at(m *image.Gray, x, y int) uint8 {
	return m.Pix[min(max(y, 0), m.Rect.Dy()-1)*m.Stride+min(max(x, 0), m.Rect.Dx()-1)]
}

func each(m *image.Gray, f func(x, y int) uint8) *image.Gray {
	out := image.NewGray(m.Rect)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			out.Pix[y*out.Stride+x] = f(x, y)
		}
	}
	return out
}

func darkest(m *image.Gray) uint8 {
	d := uint8(255)
	for _, v := range m.Pix {
		d = min(d, v)
	}
	return d
}

// otsu is the threshold that parts ink from paper best.
func otsu(m *image.Gray) uint8 {
	var counts [256]int
	total, sum := len(m.Pix), 0
	for _, v := range m.Pix {
		counts[v]++
		sum += int(v)
	}
	var best float64
	threshold, dark, darkSum := 0, 0, 0
	for v, n := range counts {
		dark, darkSum = dark+n, darkSum+v*n
		if dark == 0 || dark == total {
			continue
		}
		gap := float64(darkSum)/float64(dark) - float64(sum-darkSum)/float64(total-dark)
		if between := float64(dark) * float64(total-dark) * gap * gap; between > best {
			best, threshold = between, v
		}
	}
	return uint8(threshold)
}

func binary(m *image.Gray, threshold uint8) *image.Gray {
	return each(m, func(x, y int) uint8 {
		if at(m, x, y) > threshold {
			return 255
		}
		return 0
	})
}

// rank counts the white pixels of the square around each and lets keep decide.
func rank(m *image.Gray, radius int, keep func(white, of int) bool) *image.Gray {
	return each(m, func(x, y int) uint8 {
		white := 0
		for dy := -radius; dy <= radius; dy++ {
			for dx := -radius; dx <= radius; dx++ {
				if at(m, x+dx, y+dy) > 127 {
					white++
				}
			}
		}
		if keep(white, (2*radius+1)*(2*radius+1)) {
			return 255
		}
		return 0
	})
}

func median(m *image.Gray, radius int) *image.Gray {
	return rank(m, radius, func(white, of int) bool { return white > of/2 })
}

// open takes away ink thinner than the square, such as lines.
func open(m *image.Gray, radius int) *image.Gray {
	eroded := rank(m, radius, func(white, of int) bool { return white > 0 })
	return rank(eroded, radius, func(white, of int) bool { return white == of })
}

func double(m *image.Gray) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, 2*m.Rect.Dx(), 2*m.Rect.Dy()))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			// A quarter pixel off the middle, to one side or the other.
			x0, y0, fx, fy := (x-1)>>1, (y-1)>>1, 1+2*(1-x&1), 1+2*(1-y&1)
			sum := int(at(m, x0, y0))*(4-fx)*(4-fy) + int(at(m, x0+1, y0))*fx*(4-fy) +
				int(at(m, x0, y0+1))*(4-fx)*fy + int(at(m, x0+1, y0+1))*fx*fy
			out.Pix[y*out.Stride+x] = uint8(sum / 16)
		}
	}
	return out
}

// fill blackens what paper cannot reach from the edge: the inside of hollow letters.
func fill(m *image.Gray) *image.Gray {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewGray(m.Rect)
	var queue []image.Point
	visit := func(p image.Point) {
		if p.In(m.Rect) && out.Pix[p.Y*w+p.X] == 0 && m.Pix[p.Y*w+p.X] > 127 {
			out.Pix[p.Y*w+p.X] = 255
			queue = append(queue, p)
		}
	}
	for x := range w {
		visit(image.Pt(x, 0))
		visit(image.Pt(x, h-1))
	}
	for y := range h {
		visit(image.Pt(0, y))
		visit(image.Pt(w-1, y))
	}
	for len(queue) > 0 {
		p := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, d := range []image.Point{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			visit(p.Add(d))
		}
	}
	return out
}
