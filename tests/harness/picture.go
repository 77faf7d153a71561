package harness

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Picture decodes a PNG.
func (h *Instance) Picture(raw []byte) image.Image {
	h.t.Helper()
	m, err := png.Decode(bytes.NewReader(raw))
	h.must(err)
	return m
}

// DataURI decodes a PNG in a data URI.
func (h *Instance) DataURI(uri string) image.Image {
	h.t.Helper()
	text, ok := strings.CutPrefix(uri, "data:image/png;base64,")
	if !ok {
		h.t.Fatalf("not a PNG data URI: %.40s", uri)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	h.must(err)
	return h.Picture(raw)
}

// ReadQR returns the text of a QR code, as a phone would.
func (h *Instance) ReadQR(m image.Image) string {
	h.t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	h.must(err)
	// Of upright pictures without noise the library's search for corners misses about one in fifty, which zbar reads.
	drawn := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, drawn)
	h.must(err)
	return result.GetText()
}
