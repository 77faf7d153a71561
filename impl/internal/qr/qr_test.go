package qr

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// drawn makes the PNG of content and decodes it.
func drawn(t *testing.T, content string) (raw []byte, m *image.Paletted) {
	t.Helper()
	raw, err := PNG(content)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	m, ok := decoded.(*image.Paletted)
	if !ok {
		t.Fatalf("a %T, want a picture with a palette", decoded)
	}
	return raw, m
}

// hints for reading: of a photograph, where the code has to be found first, and of a picture that is nothing but the code.
// (The finder of this library misses one of several hundred codes that it reads well as a picture.)
var (
	photograph = map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"}
	pure       = map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_CHARACTER_SET: "UTF-8", gozxing.DecodeHintType_PURE_BARCODE: true}
)

// read is what a phone sees, by means of another library than the one that draws.
func read(t *testing.T, m image.Image, hints map[gozxing.DecodeHintType]any) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		t.Errorf("cannot be read: %v", err)
		return ""
	}
	return result.GetText()
}

// moduleSize is the width of the top left finder pattern's edge, in pixels, by 7 modules.
func moduleSize(m *image.Paletted, quiet int) int {
	run := 0
	for run < m.Rect.Dx() && m.ColorIndexAt(quiet+run, quiet) == 1 {
		run++
	}
	return run / 7
}

var contents = map[string]string{
	"one":     "1",
	"digits":  "0123456789",
	"upper":   "HTTPS://ID.EXAMPLE.COM/QR",
	"otpauth": "otpauth://totp/Menshen:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Menshen&algorithm=SHA1&digits=6&period=30",
	"JSON":    `{"scene":"APP_AUTH","random":"mZ8w_-","qrcodeId":"mZ8w_-","expiresIn":120,"customData":{}}`,
	"Chinese": "门神，画在门上的守护者",
	"emoji":   "🛡️🚪 ok",
	"mixed":   "Zoë <zoë@example.com> 门",
	"spaces":  "  a  ",
}

// TestPicturesCanBeRead: a phone reads exactly what was written, of every length up to what an otpauth URI with the
// longest names needs.
func TestPicturesCanBeRead(t *testing.T) {
	t.Parallel()
	for name, content := range contents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, m := drawn(t, content)
			if got := read(t, m, photograph); got != content {
				t.Errorf("reads %q, wrote %q", got, content)
			}
		})
	}
	t.Run("every length", func(t *testing.T) {
		t.Parallel()
		r := rand.New(rand.NewPCG(1, 2))
		for n := 1; n <= 2000; n += 1 + n/7 {
			var b strings.Builder
			for range n {
				b.WriteByte(byte('!' + r.IntN('~'-'!'+1)))
			}
			_, m := drawn(t, b.String())
			if got := read(t, m, pure); got != b.String() {
				t.Errorf("%d characters: read %d", n, len(got))
			}
		}
	})
}

// TestForm (ISO/IEC 18004 section 6.3.8): four modules of quiet zone on each side, square modules of whole pixels, black
// on white with one bit a pixel, and at least 256 pixels, below which phones have trouble.
func TestForm(t *testing.T) {
	t.Parallel()
	for name, content := range contents {
		raw, m := drawn(t, content)
		// The chunk IHDR follows the signature: length, type, width, height, bit depth, colour type.
		if depth, colours := raw[24], raw[25]; depth != 1 || colours != 3 {
			t.Errorf("%s: bit depth %d and colour type %d, want 1 and 3", name, depth, colours)
		}
		if len(m.Palette) != 2 || color.GrayModel.Convert(m.Palette[0]) != (color.Gray{255}) || color.GrayModel.Convert(m.Palette[1]) != (color.Gray{0}) {
			t.Errorf("%s: palette %v, want white and black", name, m.Palette)
		}
		side := m.Rect.Dx()
		if side != m.Rect.Dy() || side < minSide || side >= 2*minSide {
			t.Errorf("%s: %v, want a square of 256 to 511 pixels", name, m.Rect)
		}
		ink := image.Rectangle{Min: m.Rect.Max}
		for i, index := range m.Pix {
			if index == 1 {
				x, y := i%m.Stride, i/m.Stride
				ink = image.Rect(min(ink.Min.X, x), min(ink.Min.Y, y), max(ink.Max.X, x+1), max(ink.Max.Y, y+1))
			}
		}
		module := moduleSize(m, ink.Min.X)
		if module == 0 {
			t.Errorf("%s: no finder pattern at %v", name, ink.Min)
			continue
		}
		if want := m.Rect.Inset(4 * module); ink != want {
			t.Errorf("%s: ink on %v, want on %v: four modules of %d pixels around", name, ink, want, module)
		}
		if modules := ink.Dx() / module; ink.Dx()%module != 0 || (modules-17)%4 != 0 {
			t.Errorf("%s: %d pixels are no whole QR code of modules of %d", name, ink.Dx(), module)
		}
		for i, index := range m.Pix { // every pixel is that of its module's corner
			x, y := i%m.Stride/module*module, i/m.Stride/module*module
			if m.Pix[y*m.Stride+x] != index {
				t.Errorf("%s: the module at %d, %d is of two colours", name, x, y)
				break
			}
		}
	}
}

// TestDamagedPicture: error correction M reads through a blot on 5 % of the picture, such as a reflection.
func TestDamagedPicture(t *testing.T) {
	t.Parallel()
	_, m := drawn(t, contents["otpauth"])
	side := m.Rect.Dx()
	for y := side / 2; y < side/2+side/5; y++ {
		for x := side / 2; x < side/2+side/5; x++ {
			m.SetColorIndex(x, y, 0)
		}
	}
	if got := read(t, m, photograph); got != contents["otpauth"] {
		t.Errorf("reads %q", got)
	}
}

// TestSameContentSamePicture: an answer can be cached, and tells nothing but its content: no date, no other chunk.
func TestSameContentSamePicture(t *testing.T) {
	t.Parallel()
	first, _ := drawn(t, contents["JSON"])
	second, _ := drawn(t, contents["JSON"])
	if !bytes.Equal(first, second) {
		t.Error("the same content gives two pictures")
	}
	var chunks []string
	for rest := first[8:]; len(rest) >= 12; {
		length := binary.BigEndian.Uint32(rest)
		chunks = append(chunks, string(rest[4:8]))
		rest = rest[12+length:]
	}
	if got := strings.Join(chunks, " "); got != "IHDR PLTE IDAT IEND" {
		t.Errorf("chunks %s", got)
	}
}

// TestTooLong: what does not fit is an error, not a picture of something shorter.
func TestTooLong(t *testing.T) {
	t.Parallel()
	const capacity = 2331 // of version 40, error correction M, in bytes
	if _, m := drawn(t, strings.Repeat("x", capacity)); m.Rect.Dx() < 177+8 {
		t.Errorf("%v for the longest content", m.Rect)
	}
	for _, n := range []int{capacity + 1, 10_000, 1 << 20} {
		if raw, err := PNG(strings.Repeat("x", n)); err == nil {
			t.Errorf("%d bytes became a picture of %d", n, len(raw))
		}
	}
	const secret = "jbswy3dpehpk3pxp"
	if _, err := PNG(strings.Repeat(secret, 200)); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("the error quotes the content (T13): %.80v", err)
	}
}

// TestSized: a picture has the width that was asked for, can be read at any of them, and keeps the quiet zone.
func TestSized(t *testing.T) {
	content := strings.Repeat("menshen ", 30)
	for side := 128; side <= 1024; side += 17 {
		raw, err := Sized(content, side)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		m := decoded.(*image.Paletted)
		if m.Rect.Dx() != side || m.Rect.Dy() != side {
			t.Errorf("%v, want %d", m.Rect, side)
		}
		first := bytes.IndexByte(m.Pix, 1) / side
		if size := moduleSize(m, first); first < quietZone*size {
			t.Errorf("%d pixels: a quiet zone of %d pixels around modules of %d", side, first, size)
		}
		if got := read(t, m, pure); got != content {
			t.Errorf("%d pixels: read %q", side, got)
		}
	}
	if _, err := Sized(content, 40); err == nil {
		t.Error("40 pixels have room for nothing")
	}
}
