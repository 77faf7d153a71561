package qr

import (
	"strings"

	"github.com/boombuler/barcode/utils"
)

// symbol is a QR code of level M, up to version 11: those whose lines fit into 64 bits. What is larger, and what is not
// written in byte mode, the library draws; so is every symbol here the one that the library would have drawn.
type symbol struct {
	lines
	side int
}

// lines are the dark modules twice, so that runs of either direction are runs of bits: rows with bit x, columns with bit y.
type lines struct{ rows, columns [maxSide]uint64 }

func (l *lines) set(x, y int) {
	l.rows[y] |= 1 << x
	l.columns[x] |= 1 << y
}

func (l *lines) get(x, y int) bool { return l.rows[y]>>x&1 == 1 }

// dark tells what to print at a module.
func (s *symbol) dark(x, y int) bool { return s.get(x, y) }
func (s *symbol) modules() int       { return s.side }

// alphanumeric are the characters that have a denser mode of their own (ISO/IEC 18004 section 7.4.4).
const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// newSymbol encodes content in byte mode; nil means that it is for the library.
func newSymbol(content string) *symbol {
	if strings.Trim(content, alphanumeric) == "" {
		return nil
	}
	l := layoutFor(len(content))
	if l == nil {
		return nil
	}
	s := &symbol{side: l.side}
	plain := l.fixed
	for i, codeword := range l.interleave(l.codewords(content)) {
		for bit := range 8 {
			if codeword>>(7-bit)&1 == 1 {
				at := l.order[8*i+bit]
				plain.set(int(at.x), int(at.y))
			}
		}
	}
	least := -1
	for mask := range l.masks {
		masked := plain
		masked.flip(&l.masks[mask], l.side)
		if p := masked.penalty(l.side); least < 0 || p < least {
			least, s.lines = p, masked
		}
	}
	return s
}

func (l *lines) flip(by *lines, side int) {
	for i := range side {
		l.rows[i] ^= by.rows[i]
		l.columns[i] ^= by.columns[i]
	}
}

// codewords are the content in byte mode with its head, and filled up (ISO/IEC 18004 section 7.4.10).
func (l *layout) codewords(content string) []byte {
	total := 0
	for _, n := range l.blocks {
		total += n
	}
	const byteMode = 4
	words := make([]byte, 0, total+3)
	rest := byte(byteMode << 4) // its upper half waits to be written
	add := func(b byte) {
		words = append(words, rest|b>>4)
		rest = b << 4
	}
	if l.version >= 10 {
		add(byte(len(content) >> 8))
	}
	add(byte(len(content)))
	for i := range len(content) {
		add(content[i])
	}
	words = append(words, rest) // with the terminator
	for pad := byte(236); len(words) < total; pad ^= 236 ^ 17 {
		words = append(words, pad)
	}
	return words[:total]
}

// interleave adds error correction and mixes the blocks (ISO/IEC 18004 sections 7.5 and 7.6).
func (l *layout) interleave(words []byte) []byte {
	type block struct{ data, correction []byte }
	blocks, longest, total := make([]block, len(l.blocks)), 0, len(words)
	for i, n := range l.blocks {
		blocks[i] = block{words[:n], l.correct(words[:n])}
		words = words[n:]
		longest = max(longest, n)
	}
	mixed := make([]byte, 0, total+l.correction*len(blocks))
	for i := range longest {
		for _, b := range blocks {
			if i < len(b.data) {
				mixed = append(mixed, b.data[i])
			}
		}
	}
	for i := range l.correction {
		for _, b := range blocks {
			mixed = append(mixed, b.correction[i])
		}
	}
	return mixed
}

// field is that of Reed-Solomon codes (ISO/IEC 18004 section 7.5.2).
var field = utils.NewGaloisField(0x11d, 256, 0)

// correct returns the error correction of a block: what is left of it after division by the generator polynomial. The
// library's own division makes a new polynomial for each step, which took two thirds of the time of a picture.
func (l *layout) correct(data []byte) []byte {
	rest := make([]byte, l.correction+1)
	for _, word := range data {
		factor := word ^ rest[0]
		copy(rest, rest[1:])
		if factor == 0 {
			continue
		}
		log := field.LogTbl[factor]
		for i, coefficient := range l.generator {
			rest[i] ^= byte(field.ALogTbl[(coefficient+log)%255])
		}
	}
	return rest[:l.correction]
}

// generator returns the coefficients of the generator polynomial of a degree below its first, which is one, as logarithms.
func generator(degree int) []int {
	coefficients := make([]int, degree+1)
	coefficients[0] = 1
	for i := range degree {
		for j := i + 1; j > 0; j-- {
			coefficients[j] ^= field.Multiply(coefficients[j-1], field.ALogTbl[i])
		}
	}
	for i, c := range coefficients {
		coefficients[i] = field.LogTbl[c]
	}
	return coefficients[1:]
}
