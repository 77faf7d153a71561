package puzzle

import (
	"sync/atomic"

	"github.com/mojocn/base64Captcha"
)

// The library bends every digit in a way of its own, which is most of the time of a picture. So a few of each digit are kept;
// one is used reuse times on average before another is drawn in its place. Which one, and how it is turned, slanted, scaled
// and crossed, is new in every picture all the same.
const (
	variants = 32
	reuse    = 32
)

var drawnDigits [10][variants]atomic.Pointer[ink]

// digits returns each digit alone.
func digits(text string, r noise) ([]*ink, error) {
	chars := make([]*ink, 0, len(text))
	for _, digit := range text {
		kept := &drawnDigits[digit-'0'][r.IntN(variants)]
		c := kept.Load()
		if c == nil || r.IntN(reuse) == 0 {
			var err error
			if c, err = drawDigit(string(digit)); err != nil {
				return nil, err
			}
			kept.Store(c)
		}
		chars = append(chars, c)
	}
	return chars, nil
}

// lonely is how many of the 25 pixels around one are set at most, if it is one of the specks that the library adds.
const lonely = 11

// drawDigit has the library draw a digit, and smooths what that draws in dots.
func drawDigit(digit string) (*ink, error) {
	item, err := digitDriver.DrawCaptcha(digit)
	if err != nil {
		return nil, err
	}
	m := item.(*base64Captcha.ItemDigit).Paletted
	out := newInk(m.Rect.Dx(), m.Rect.Dy())
	rows := make([]int, len(m.Pix)) // sums of five pixels side by side
	for i := 2; i < len(m.Pix)-2; i++ {
		for _, v := range m.Pix[i-2 : i+3] {
			rows[i] += int(v)
		}
	}
	for i := 2 * out.w; i < len(rows)-2*out.w; i++ {
		n := rows[i-2*out.w] + rows[i-out.w] + rows[i] + rows[i+out.w] + rows[i+2*out.w]
		out.pix[i] = uint8(min(255, max(0, n-lonely)*60))
	}
	return out.crop(255, 3), nil
}
