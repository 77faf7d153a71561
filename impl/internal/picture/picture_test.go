package picture

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"strings"
	"sync"
	"testing"
)

// checked is a picture that is unlike any other size's.
func checked(side int) *image.Paletted {
	m := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for i := range m.Pix {
		m.Pix[i] = uint8((i*i/7 + i/side) % 2)
	}
	return m
}

// TestPNG: what is encoded is what is seen, also by many at once, who share the encoder's buffers.
func TestPNG(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			want := checked(10 + 9*i)
			raw, err := PNG(want)
			if err != nil {
				t.Error(err)
				return
			}
			got, err := png.Decode(bytes.NewReader(raw))
			if err != nil {
				t.Error(err)
				return
			}
			if p, ok := got.(*image.Paletted); !ok || p.Rect != want.Rect || !bytes.Equal(p.Pix, want.Pix) {
				t.Errorf("a picture of %v came back as another, of %v", want.Rect, got.Bounds())
			}
		})
	}
	all.Wait()
}

// TestPNGOfNothing: a picture that cannot be one is an error.
func TestPNGOfNothing(t *testing.T) {
	t.Parallel()
	if raw, err := PNG(image.NewPaletted(image.Rectangle{}, color.Palette{color.White})); err == nil {
		t.Errorf("a picture without pixels became %d bytes", len(raw))
	}
}

// TestDataURI (RFC 2397): browsers read it as it stands, with padding and without line breaks.
func TestDataURI(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3, 100, 10_000} {
		raw := bytes.Repeat([]byte{0xfb}, size) // base64 of which has '+' and '/'
		encoded, ok := strings.CutPrefix(DataURI(raw), "data:image/png;base64,")
		back, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if !ok || err != nil || !bytes.Equal(back, raw) || strings.ContainsAny(encoded, "\r\n ") {
			t.Errorf("%d bytes came back as %d: %v", size, len(back), err)
		}
	}
}
