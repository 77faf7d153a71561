package captcha

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"
)

// drawn draws digits and takes the data URI apart.
func drawn(t *testing.T, digits string) (raw []byte, m *image.Paletted) {
	t.Helper()
	uri, err := draw(digits)
	if err != nil {
		t.Fatal(err)
	}
	encoded, ok := strings.CutPrefix(uri, "data:image/png;base64,")
	if !ok {
		t.Fatalf("not a PNG data URI: %.40s", uri)
	}
	if raw, err = base64.StdEncoding.DecodeString(encoded); err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	m, ok = decoded.(*image.Paletted)
	if !ok {
		t.Fatalf("a %T, want a picture with a palette", decoded)
	}
	return raw, m
}

// TestPicture (C8, and the document's size): 240 x 80 pixels with a palette, for whichever digits, and no byte of it
// carries the answer but the pixels: no text chunk, no name, no date.
func TestPicture(t *testing.T) {
	t.Parallel()
	for n := range 100 {
		digits := fmt.Sprintf("%06d", n*999983%1_000_000)
		raw, m := drawn(t, digits)
		if m.Rect.Dx() != 240 || m.Rect.Dy() != 80 || len(m.Palette) < 2 {
			t.Fatalf("%s: %v with %d colours", digits, m.Rect, len(m.Palette))
		}
		var text []byte
		for rest := raw[8:]; len(rest) >= 12; {
			end := 8 + binary.BigEndian.Uint32(rest)
			switch kind := string(rest[4:8]); kind {
			case "IDAT", "IEND":
			case "IHDR", "PLTE", "tRNS":
				text = append(text, rest[8:end]...)
			default:
				t.Errorf("%s: chunk %s", digits, kind)
			}
			rest = rest[end+4:]
		}
		if bytes.Contains(text, []byte(digits)) {
			t.Errorf("%s shows in the head of the picture", digits)
		}
	}
}

// TestPictureShowsItsDigits: that the library draws the digits it is given, and not ones of its own. Noise and position
// differ each time, so it is the ink of many pictures that tells a row of ones from a row of eights.
func TestPictureShowsItsDigits(t *testing.T) {
	t.Parallel()
	ink := func(digits string) (pixels int) {
		for range 30 {
			_, m := drawn(t, digits)
			for _, index := range m.Pix {
				if index == 1 { // the colour of digits
					pixels++
				}
			}
		}
		return pixels / 30
	}
	ones, sevens, eights := ink("111111"), ink("777777"), ink("888888")
	t.Logf("pixels of ink: %d, %d, %d", ones, sevens, eights)
	if sevens*10 >= eights*9 || ones*10 >= eights*9 {
		t.Errorf("ones have %d pixels of ink, sevens %d and eights %d; want eights to have the most by far", ones, sevens, eights)
	}
}

// TestPicturesDiffer (C11): two pictures of the same digits are not the same, or one reader's answer would do for all.
func TestPicturesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 20 {
		raw, _ := drawn(t, "314159")
		seen[string(raw)] = true
	}
	if len(seen) != 20 {
		t.Errorf("%d different pictures of 20", len(seen))
	}
}
