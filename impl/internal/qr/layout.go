package qr

import "sync"

const (
	maxVersion = 11
	maxSide    = 17 + 4*maxVersion
)

// level is error correction M in a version (ISO/IEC 18004 table 9): how many data codewords the blocks have, how many are
// added to each, and where alignment patterns are (annex E).
type level struct {
	blocks     []int
	correction int
	alignment  []int
}

var levels = [maxVersion + 1]level{
	1:  {[]int{16}, 10, nil},
	2:  {[]int{28}, 16, []int{6, 18}},
	3:  {[]int{44}, 26, []int{6, 22}},
	4:  {[]int{32, 32}, 18, []int{6, 26}},
	5:  {[]int{43, 43}, 24, []int{6, 30}},
	6:  {[]int{27, 27, 27, 27}, 16, []int{6, 34}},
	7:  {[]int{31, 31, 31, 31}, 18, []int{6, 22, 38}},
	8:  {[]int{38, 38, 39, 39}, 22, []int{6, 24, 42}},
	9:  {[]int{36, 36, 36, 37, 37}, 22, []int{6, 26, 46}},
	10: {[]int{43, 43, 43, 43, 44}, 26, []int{6, 28, 50}},
	11: {[]int{50, 51, 51, 51, 51}, 30, []int{6, 30, 54}},
}

// layout is what all symbols of a version share.
type layout struct {
	level
	version, side int
	generator     []int    // of error correction
	fixed         lines    // dark modules that no mask changes
	masks         [8]lines // what a mask flips, and dark modules of the format information that names it
	order         []module // where data goes, bit by bit
	taken         lines    // all modules where none goes
}

type module struct{ x, y uint8 }

var layouts = func() (all [maxVersion + 1]func() *layout) {
	for version := range all {
		all[version] = sync.OnceValue(func() *layout { return newLayout(version) })
	}
	return all
}()

// layoutFor is the smallest that has room for n bytes in byte mode; nil where there is none.
func layoutFor(n int) *layout {
	for version := 1; version <= maxVersion; version++ {
		bits := 4 + 8 + 8*n
		if version >= 10 {
			bits += 8
		}
		room := 0
		for _, block := range levels[version].blocks {
			room += 8 * block
		}
		if bits <= room {
			return layouts[version]()
		}
	}
	return nil
}

func newLayout(version int) *layout {
	l := &layout{level: levels[version], version: version, side: 17 + 4*version}
	l.generator = generator(l.correction)
	for _, corner := range [][2]int{{3, 3}, {3, l.side - 4}, {l.side - 4, 3}} {
		l.rings(corner[0], corner[1], 4, 0b01011) // the outermost is the separator
	}
	for _, x := range l.alignment {
		for _, y := range l.alignment {
			if !l.taken.get(x, y) {
				l.rings(x, y, 2, 0b101)
			}
		}
	}
	for i := range l.side { // timing
		l.put(i, 6, i%2 == 0)
		l.put(6, i, i%2 == 0)
	}
	l.put(8, l.side-8, true)
	l.versionInformation()
	for mask := range l.masks {
		l.formatInformation(mask)
	}
	l.path()
	for mask := range l.masks {
		for _, at := range l.order {
			if masked(mask, int(at.x), int(at.y)) {
				l.masks[mask].set(int(at.x), int(at.y))
			}
		}
	}
	return l
}

// put fixes a module, unless it is.
func (l *layout) put(x, y int, dark bool) {
	if x < 0 || y < 0 || x >= l.side || y >= l.side || l.taken.get(x, y) {
		return
	}
	l.taken.set(x, y)
	if dark {
		l.fixed.set(x, y)
	}
}

// rings fixes squares around a middle, the dark ones by their distance from it.
func (l *layout) rings(x, y, reach int, dark uint) {
	for dx := -reach; dx <= reach; dx++ {
		for dy := -reach; dy <= reach; dy++ {
			l.put(x+dx, y+dy, dark>>max(dx, -dx, dy, -dy)&1 == 1)
		}
	}
}

// versionInformation is the version with its BCH code, twice (ISO/IEC 18004 section 7.10).
func (l *layout) versionInformation() {
	if l.version < 7 {
		return
	}
	bits := l.version<<12 | remainder(l.version<<12, 0x1f25)
	for i := range 18 {
		x, y := l.side-11+i%3, i/3
		l.put(x, y, bits>>i&1 == 1)
		l.put(y, x, bits>>i&1 == 1)
	}
}

// formatInformation names level M and a mask, with its BCH code, twice (ISO/IEC 18004 section 7.9).
func (l *layout) formatInformation(mask int) {
	bits := (mask<<10 | remainder(mask<<10, 0x537)) ^ 0x5412 // M is 00
	for i := range 15 {
		near := 14 - i
		x1, y1 := 8, near
		switch {
		case i < 6:
			x1, y1 = i, 8
		case i == 6:
			x1, y1 = 7, 8
		case i == 7:
			x1, y1 = 8, 8
		case i == 8:
			x1, y1 = 8, 7
		}
		x2, y2 := 8, l.side-1-i
		if i >= 7 {
			x2, y2 = l.side-15+i, 8
		}
		for _, at := range [][2]int{{x1, y1}, {x2, y2}} {
			l.taken.set(at[0], at[1])
			if bits>>(14-i)&1 == 1 {
				l.masks[mask].set(at[0], at[1])
			}
		}
	}
}

// remainder is that of a division by a generator polynomial over bits.
func remainder(value, generator int) int {
	degree := 0
	for generator>>(degree+1) != 0 {
		degree++
	}
	for bit := 30; bit >= degree; bit-- {
		if value>>bit&1 == 1 {
			value ^= generator << (bit - degree)
		}
	}
	return value
}

// path is the way of the data: two columns at a time from the right, up and down, past what is taken (ISO/IEC 18004 section
// 7.7.3).
func (l *layout) path() {
	upward := true
	for right := l.side - 1; right > 0; right -= 2 {
		if right == 6 { // of the timing
			right--
		}
		for i := range l.side {
			y := i
			if upward {
				y = l.side - 1 - i
			}
			for _, x := range [...]int{right, right - 1} {
				if !l.taken.get(x, y) {
					l.order = append(l.order, module{uint8(x), uint8(y)})
				}
			}
		}
		upward = !upward
	}
}

// masked tells whether a mask flips a module (ISO/IEC 18004 table 10).
func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (y/2+x/3)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	}
	return ((x+y)%2+x*y%3)%2 == 0
}
