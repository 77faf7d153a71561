package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"sync"
)

// Bitmap is a square picture in black and white, one bit a pixel, that starts out white. It is kept as the lines of a PNG,
// each behind its filter, since there is nothing else to be done with it.
type Bitmap struct {
	side   int
	stride int
	lines  []byte
}

// NewBitmap returns a picture of side x side pixels.
func NewBitmap(side int) *Bitmap {
	stride := 1 + (side+7)/8
	return &Bitmap{side, stride, make([]byte, stride*side)}
}

// Line is one of the picture's, from the top: a bit a pixel, the highest of a byte first, set for black.
func (b *Bitmap) Line(y int) []byte { return b.lines[y*b.stride+1 : (y+1)*b.stride] }

// filterUp says of a line that it holds the differences from the one above (PNG specification section 9.2).
const filterUp = 2

// Repeat makes line y the same as the one above it.
func (b *Bitmap) Repeat(y int) {
	line := b.lines[y*b.stride : (y+1)*b.stride]
	clear(line)
	line[0] = filterUp
}

var compressors = sync.Pool{New: func() any {
	w, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed) // the level is a good one
	return w
}}

// PNG returns the picture as a PNG.
func (b *Bitmap) PNG() ([]byte, error) {
	var out bytes.Buffer
	out.Grow(1 << 10)
	out.WriteString("\x89PNG\r\n\x1a\n")
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(b.side)), uint32(b.side))
	chunk(&out, "IHDR", append(head, 1, 3, 0, 0, 0)) // one bit deep, a palette, no interlacing
	chunk(&out, "PLTE", []byte{255, 255, 255, 0, 0, 0})
	var data bytes.Buffer
	compressor := compressors.Get().(*zlib.Writer)
	defer compressors.Put(compressor)
	compressor.Reset(&data)
	if _, err := compressor.Write(b.lines); err != nil {
		return nil, err
	}
	if err := compressor.Close(); err != nil {
		return nil, err
	}
	chunk(&out, "IDAT", data.Bytes())
	chunk(&out, "IEND", nil)
	return out.Bytes(), nil
}

// chunk writes a part of a PNG with its length and checksum.
func chunk(to *bytes.Buffer, kind string, data []byte) {
	b := binary.BigEndian.AppendUint32(to.AvailableBuffer(), uint32(len(data)))
	b = append(append(b, kind...), data...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	to.Write(b)
}
