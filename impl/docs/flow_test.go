package docs

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// TestFlowsAreTold: everything is said in both languages, each in its own script; who gives something to somebody takes part; and what a
// step calls is drawn.
func TestFlowsAreTold(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, f := range flows {
		if ids[f.id] || !regexp.MustCompile(`^[a-z-]+$`).MatchString(f.id) {
			t.Errorf("the id %q is taken, or none", f.id)
		}
		ids[f.id] = true
		said := []text{f.title, f.about, f.before}
		parties := map[string]bool{}
		for _, p := range f.parties {
			parties[p.id] = true
			said = append(said, p.name)
		}
		for _, s := range f.steps {
			said = append(said, s.tells)
			spoken := false // with Menshen
			for _, a := range s.arrows {
				if !parties[a.from] || !parties[a.to] || a.from == a.to {
					t.Errorf("%s: from %s to %s", f.id, a.from, a.to)
				}
				if a.label.en == "" || a.label.zh == "" {
					t.Errorf("%s: %+v says nothing", f.id, a)
				}
				spoken = spoken || a.to == menshen
			}
			if !spoken {
				t.Errorf("%s: %s is drawn without its call", f.id, s.operation)
			}
		}
		for _, one := range said {
			if one.en == "" || hasHan(one.en) || !hasHan(one.zh) && one.zh != one.en {
				t.Errorf("%s: %+v", f.id, one)
			}
			if strings.Count(one.en, "`") != strings.Count(one.zh, "`") || strings.Count(one.en, "`")%2 != 0 {
				t.Errorf("%s: code in one language only: %+v", f.id, one)
			}
		}
	}
}

func hasHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// TestDrawingsHaveRoom: no label meets the ends of its arrow or another head, and nothing is drawn outside.
func TestDrawingsHaveRoom(t *testing.T) {
	t.Parallel()
	for _, f := range flows {
		for _, l := range []lang.Lang{lang.English, lang.Chinese} {
			d := draw(f, l)
			for i, h := range d.Heads {
				if h.Left < margin || h.Left+h.Width > d.Width-margin || i > 0 && h.Left < d.Heads[i-1].Left+d.Heads[i-1].Width+headGap {
					t.Errorf("%s %s: %+v", f.id, l, h)
				}
			}
			steps := 0
			above := d.LifeTop
			for _, a := range d.Arrows {
				if textWidth(a.Label)+labelRoom > max(a.From, a.To)-min(a.From, a.To) {
					t.Errorf("%s %s: no room for %q", f.id, l, a.Label)
				}
				if a.Y < above+rowHeight || a.Y > d.LifeBottom || !strings.HasPrefix(a.Tip, pointOf(a.To, a.Y)) {
					t.Errorf("%s %s: %+v", f.id, l, a)
				}
				above = a.Y
				if a.Step > 0 {
					steps++
				}
			}
			if steps != len(f.steps) || d.LifeBottom >= d.Height || strings.Count(d.Told, "\n") != len(d.Arrows) {
				t.Errorf("%s %s: %d steps, %d high, told:\n%s", f.id, l, steps, d.Height, d.Told)
			}
		}
	}
}
