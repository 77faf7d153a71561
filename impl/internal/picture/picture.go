// Package picture writes pictures that are looked at once: PNG, fast rather than small.
package picture

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"sync"
)

// PNG returns the picture as a PNG.
func PNG(m image.Image) ([]byte, error) {
	var out bytes.Buffer
	if err := encoder.Encode(&out, m); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// DataURI returns a PNG as a data URI (RFC 2397).
func DataURI(png []byte) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(png)
}

// encoder trades a few bytes for most of the time that compression takes, and keeps its buffers.
var encoder = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &buffers{}}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() *png.EncoderBuffer {
	buffer, _ := b.pool.Get().(*png.EncoderBuffer)
	return buffer
}

func (b *buffers) Put(buffer *png.EncoderBuffer) { b.pool.Put(buffer) }
