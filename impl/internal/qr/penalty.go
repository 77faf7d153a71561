package qr

import (
	"math"
	"math/bits"
)

// penalty says how hard a masked symbol would be to read (ISO/IEC 18004 section 7.8.3): runs of one colour, blocks of it,
// what looks like a finder pattern, and a lot of one colour. All modules of a line are looked at at once.
func (l *lines) penalty(side int) int {
	total, dark := 0, 0
	for i := range side {
		total += runs(l.rows[i], side) + runs(l.columns[i], side)
		total += 40 * (finders(l.rows[i], side) + finders(l.columns[i], side))
		if i+1 < side {
			total += 3 * blocks(l.rows[i], l.rows[i+1], side)
		}
		dark += bits.OnesCount64(l.rows[i])
	}
	return total + balance(dark, side*side)
}

// first are the n lowest bits.
func first(n int) uint64 { return 1<<n - 1 }

// runs is three for five modules of one colour side by side, and one for each further one.
func runs(line uint64, side int) int {
	same := ^(line ^ line>>1) & first(side-1)
	four := same & (same >> 1) & (same >> 2) & (same >> 3)
	return bits.OnesCount64(four) + 2*bits.OnesCount64(four&^(four<<1))
}

// blocks is how many squares of two by two modules have one colour.
func blocks(line, next uint64, side int) int {
	same := ^(line ^ next)
	return bits.OnesCount64(same & (same >> 1) & ^(line ^ line>>1) & first(side-1))
}

// finders is how many times the pattern 1:1:3:1:1 stands beside four light modules.
func finders(line uint64, side int) int {
	pattern := line & ^(line >> 1) & (line >> 2) & (line >> 3) & (line >> 4) & ^(line >> 5) & (line >> 6)
	light := ^line & ^(line >> 1) & ^(line >> 2) & ^(line >> 3)
	return bits.OnesCount64((pattern&(light>>7) | light&(pattern>>4)) & first(side-10))
}

// balance is ten for each step of five percent away from half dark.
func balance(dark, all int) int {
	percent := float64(dark) * 100 / float64(all)
	return int(10 * min(math.Abs(math.Floor(percent/5)-10), math.Abs(math.Ceil(percent/5)-10)))
}
