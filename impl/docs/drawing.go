package docs

import (
	"strconv"
	"strings"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// Measures of a drawing, in pixels at its natural size. The letters are those of flows.css.
const (
	margin      = 12
	headHeight  = 34
	rowHeight   = 38
	stepGap     = 16 // between the arrows of one step and those of the next
	letterWidth = 7  // of Latin script, on average and rounded up
	hanWidth    = 14
	letterDrop  = 5  // from the middle of a letter to its foot
	labelRoom   = 52 // beside a label, for arrowhead and number
	headRoom    = 36
	headGap     = 16 // between two heads
)

// drawing is a sequence diagram, laid out.
type drawing struct {
	Width, Height          int
	Top, HeadHeight, NameY int
	LifeTop, LifeBottom    int
	Heads                  []headBox
	Arrows                 []arrowLine
	Told                   string // the same in words
}

// headBox is the head of a party's column, with X in its middle.
type headBox struct {
	Name           string
	X, Left, Width int
}

// arrowLine is an arrow with its label above its middle. Step is its step's number where that begins, and 0 elsewhere.
type arrowLine struct {
	From, To, Y   int
	Label         string
	Middle, Above int
	Tip           string // points of the triangle
	Answer        bool
	Step, Number  int // the number, and where its letters stand
}

// draw lays a flow out: columns as far apart as the labels between them need, arrows below one another.
func draw(f flow, l lang.Lang) drawing {
	x, half := columns(f, l)
	d := drawing{
		Top: margin, HeadHeight: headHeight, NameY: margin + headHeight/2 + letterDrop, LifeTop: margin + headHeight, Told: tell(f, l),
	}
	at := map[string]int{}
	for i, p := range f.parties {
		at[p.id] = x[i]
		d.Heads = append(d.Heads, headBox{p.name.in(l), x[i], x[i] - half[i], 2 * half[i]})
	}
	last := len(x) - 1
	d.Width = x[last] + half[last] + margin
	y := d.LifeTop
	for i, s := range f.steps {
		y += stepGap
		for j, a := range s.arrows {
			y += rowHeight
			line := newArrowLine(at[a.from], at[a.to], y, a, l)
			if j == 0 {
				line.Step, line.Number = i+1, y+letterDrop-1
			}
			d.Arrows = append(d.Arrows, line)
		}
	}
	d.LifeBottom = y + rowHeight/2
	d.Height = d.LifeBottom + margin
	return d
}

func newArrowLine(from, to, y int, a arrow, l lang.Lang) arrowLine {
	back := 9 // from the tip to the base of the triangle
	if to < from {
		back = -back
	}
	return arrowLine{
		From: from, To: to, Y: y, Label: a.label.in(l), Middle: (from + to) / 2, Above: y - 8, Answer: a.answer,
		Tip: strings.Join([]string{pointOf(to, y), pointOf(to-back, y-5), pointOf(to-back, y+5)}, " "),
	}
}

func pointOf(x, y int) string { return strconv.Itoa(x) + "," + strconv.Itoa(y) }

// columns are the middles of the parties' columns, and half the widths of their heads.
func columns(f flow, l lang.Lang) (x, half []int) {
	index := map[string]int{}
	for i, p := range f.parties {
		index[p.id] = i
		half = append(half, (textWidth(p.name.in(l))+headRoom)/2)
	}
	x = make([]int, len(f.parties))
	x[0] = margin + half[0]
	for i := 1; i < len(x); i++ {
		x[i] = x[i-1] + half[i-1] + headGap + half[i]
		for _, s := range f.steps {
			for _, a := range s.arrows {
				left, right := min(index[a.from], index[a.to]), max(index[a.from], index[a.to])
				if right == i {
					x[i] = max(x[i], x[left]+textWidth(a.label.in(l))+labelRoom)
				}
			}
		}
	}
	return x, half
}

// textWidth is about how wide a text is drawn, rather more than less.
func textWidth(s string) int {
	width := 0
	for _, r := range s {
		if r < 0x2E80 { // where the scripts of East Asia begin
			width += letterWidth
		} else {
			width += hanWidth
		}
	}
	return width
}

// tell says a drawing in words, for who cannot see it.
func tell(f flow, l lang.Lang) string {
	names := map[string]string{}
	for _, p := range f.parties {
		names[p.id] = p.name.in(l)
	}
	var b strings.Builder
	for i, s := range f.steps {
		for j, a := range s.arrows {
			if j == 0 {
				b.WriteString(strconv.Itoa(i+1) + ". ")
			}
			b.WriteString(names[a.from] + " → " + names[a.to] + ": " + a.label.in(l) + "\n")
		}
	}
	return b.String()
}
