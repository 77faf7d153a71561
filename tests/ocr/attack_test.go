package ocr

import (
	"image"
)

// variants are what an attacker may do to a picture before it is read.
var variants = map[string]func(*image.Gray) *image.Gray{
	"as it is":         func(m *image.Gray) *image.Gray { return m },
	"enlarged":         double,
	"binary":           func(m *image.Gray) *image.Gray { return binary(m, otsu(m)) },
	"binary, smoothed": func(m *image.Gray) *image.Gray { return median(binary(m, otsu(m))) },
	"enlarged, opened": func(m *image.Gray) *image.Gray { d := double(m); return open(binary(d, otsu(d))) },
}

// at is a pixel, the nearest one outside.
func at(m *image.Gray, x, y int) uint8 {
	return m.Pix[min(max(y, 0), m.Rect.Dy()-1)*m.Stride+min(max(x, 0), m.Rect.Dx()-1)]
}

// each makes a picture of the same size.
func each(m *image.Gray, f func(x, y int) uint8) *image.Gray {
	out := image.NewGray(m.Rect)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			out.Pix[y*out.Stride+x] = f(x, y)
		}
	}
	return out
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

// binary is black below a threshold and white above.
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

// median takes away specks and fills gaps.
func median(m *image.Gray) *image.Gray {
	return rank(m, 1, func(white, of int) bool { return white > of/2 })
}

// open takes away ink thinner than the square, such as lines.
func open(m *image.Gray) *image.Gray {
	eroded := rank(m, 2, func(white, _ int) bool { return white > 0 })
	return rank(eroded, 2, func(white, of int) bool { return white == of })
}

// double is twice as wide and high, without steps.
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
