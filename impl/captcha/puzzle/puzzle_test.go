package puzzle

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// anything gives any answers.
type anything struct{}

func (anything) Digits(n int) string { return fmt.Sprintf("%0*d", n, rand.IntN(1_000_000)) }
func (anything) Pick(n int) int      { return rand.IntN(n) }

// always gives one answer.
type always struct{}

func (always) Digits(n int) string { return "3141592653"[:n] }
func (always) Pick(n int) int      { return n / 3 }

var visible = []Kind{Digits, Letters, Arithmetic, Chinese}

// shown is a puzzle with what a person gets to see or hear.
type shown struct{ Answer, URL string }

func show(k Kind, l lang.Lang, r Random) (shown, error) {
	p, err := Make(k, r)
	if err != nil {
		return shown{}, err
	}
	url, err := p.Show(l)
	return shown{p.Answer, url}, err
}

func make1(t testing.TB, k Kind, l lang.Lang, r Random) shown {
	t.Helper()
	p, err := show(k, l, r)
	if err != nil {
		t.Fatalf("%s: %v", k, err)
	}
	return p
}

// data returns what a data URI of a media type holds.
func data(t testing.TB, url, media string) []byte {
	t.Helper()
	text, ok := strings.CutPrefix(url, "data:"+media+";base64,")
	raw, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		t.Fatalf("%.40q is no %s: %v", url, media, err)
	}
	return raw
}

func decoded(t testing.TB, p shown) *image.Paletted {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(data(t, p.URL, "image/png")))
	if err != nil {
		t.Fatal(err)
	}
	paletted, ok := m.(*image.Paletted)
	if !ok {
		t.Fatalf("%T", m)
	}
	return paletted
}

// TestPictures: every kind is a small picture of the document's size, whose bytes do not say what it shows (C8).
func TestPictures(t *testing.T) {
	t.Parallel()
	for _, k := range visible {
		for range 20 {
			p := make1(t, k, lang.English, anything{})
			raw := data(t, p.URL, "image/png")
			if size := decoded(t, p).Bounds().Size(); size != image.Pt(240, 80) || len(raw) > 12<<10 {
				t.Errorf("%s: %v, %d bytes", k, size, len(raw))
			}
			if bytes.Contains(raw, []byte(p.Answer)) {
				t.Errorf("%s: the answer is in the bytes", k)
			}
		}
	}
}

// TestAnswers (C1): of the alphabet of their kind, of the right length, in normal form, and of every value that there is.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for k, want := range map[Kind]struct {
		alphabet string
		length   int
	}{
		Digits: {"0123456789", 6}, Letters: {letters, 5}, Chinese: {string(characters), 4}, Arithmetic: {"0123456789", 3}, Audio: {"0123456789", 6},
	} {
		seen := map[rune]bool{}
		for range 600 {
			_, answer, err := ask(k, anything{})
			if err != nil || utf8.RuneCountInString(answer) != want.length || strings.Trim(answer, want.alphabet) != "" || Normal(answer) != answer {
				t.Fatalf("%s: %q, %v", k, answer, err)
			}
			for _, r := range answer {
				seen[r] = true
			}
		}
		if all := utf8.RuneCountInString(want.alphabet); len(seen) < all*9/10 {
			t.Errorf("%s: %d of %d characters were seen", k, len(seen), all)
		}
	}
	if _, err := Make("riddle", anything{}); err == nil {
		t.Error("a kind that is none was made")
	}
}

// TestSums: what is asked is what is answered, and easy to do in the head.
func TestSums(t *testing.T) {
	t.Parallel()
	counts := map[int]int{}
	for range 20000 {
		question, answer := sum(anything{})
		var a, b int
		var op rune
		if n, err := fmt.Sscanf(question, "%d%c%d=", &a, &op, &b); n != 3 || err != nil {
			t.Fatalf("%q: %v", question, err)
		}
		result := a + b
		if op == '-' {
			result = a - b
		}
		if strconv.Itoa(result) != answer || result < 100 || result > 999 || b < 2 || b > 9 || len(question) != 6 {
			t.Fatalf("%s%s", question, answer)
		}
		counts[result]++
	}
	if len(counts) < 890 {
		t.Errorf("%d different answers, want 900", len(counts))
	}
}

// TestAlphabets: every character once, and all of them drawn with ink of their own.
func TestAlphabets(t *testing.T) {
	t.Parallel()
	for name, alphabet := range map[string][]rune{"letters": []rune(letters), "characters": characters} {
		sorted := slices.Sorted(slices.Values(alphabet))
		if twice := len(sorted) - len(slices.Compact(sorted)); twice != 0 {
			t.Errorf("%s: %d are there twice", name, twice)
		}
	}
	if len(characters) < 500 {
		t.Errorf("%d characters", len(characters))
	}
	looks := map[string]rune{}
	for _, r := range characters {
		drawn, err := text(chineseDriver(), strings.Repeat(string(r), chineseCount))
		if err != nil {
			t.Fatalf("%c: %v", r, err)
		}
		if other, same := looks[string(drawn[0].pix)]; same {
			t.Errorf("%c looks like %c: the font lacks one of them", r, other)
		}
		looks[string(drawn[0].pix)] = r
	}
}

// TestPicturesDiffer (C11): of one answer no two are the same, or one reader would do for all; but each is dark on light.
func TestPicturesDiffer(t *testing.T) {
	t.Parallel()
	for _, k := range visible {
		seen := map[string]bool{}
		for range 20 {
			p := make1(t, k, lang.English, always{})
			seen[p.URL] = true
			m := decoded(t, p)
			paper, ink := m.Palette[0], m.Palette[len(m.Palette)-1]
			pr, pg, pb, _ := paper.RGBA()
			ir, ig, ib, _ := ink.RGBA()
			if light, dark := min(pr, pg, pb), max(ir, ig, ib); light < 0xd000 || dark > 0x8000 {
				t.Errorf("%s: %v on %v", k, ink, paper)
			}
			covered := 0
			for _, shade := range m.Pix {
				if int(shade) > len(m.Palette)/2 {
					covered++
				}
			}
			if covered < 700 || covered > 7000 {
				t.Errorf("%s: %d pixels of ink", k, covered)
			}
		}
		if len(seen) != 20 {
			t.Errorf("%s: %d different pictures of 20", k, len(seen))
		}
	}
}

// TestCharactersDecideTheInk: the picture is drawn of the answer. Chinese characters of many strokes have more ink than those
// of few.
func TestCharactersDecideTheInk(t *testing.T) {
	t.Parallel()
	covered := func(question string) (n int) {
		for range 10 {
			url, err := draw(Chinese, question)
			if err != nil {
				t.Fatal(err)
			}
			for _, shade := range decoded(t, shown{URL: url}).Pix {
				n += int(shade)
			}
		}
		return n
	}
	if few, many := covered("人工刀广"), covered("警赢罐毯"); few*5 > many*4 {
		t.Errorf("few strokes have %d of ink, many %d", few, many)
	}
}

// TestVoices (C11): the accessible way is a sound that differs every time, in the language asked for, of a size that a page
// can load.
func TestVoices(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, l := range []lang.Lang{lang.English, lang.Chinese} {
		for range 5 {
			p := make1(t, Audio, l, always{})
			raw := data(t, p.URL, "audio/wav")
			seen[p.URL] = true
			if p.Answer != "314159" || len(p.URL) > 220_000 || len(raw) < 44 || string(raw[:4]) != "RIFF" || string(raw[8:16]) != "WAVEfmt " || bytes.Contains(raw, []byte("314159")) {
				t.Fatalf("answer %s, %d bytes, %.16q", p.Answer, len(p.URL), raw)
			}
			channels, rate := binary.LittleEndian.Uint16(raw[22:]), binary.LittleEndian.Uint32(raw[24:])
			if seconds := float64(len(raw)-44) / float64(rate); channels != 1 || rate != 8000 || seconds < 6 || seconds > 30 {
				t.Errorf("%d channels at %d Hz for %.1f s", channels, rate, seconds)
			}
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d different sounds of 10", len(seen))
	}
	if _, err := speak("314159", 99); err == nil {
		t.Error("an unknown language was spoken")
	}
}

// TestParallel: one process draws for many at once.
func TestParallel(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 8 {
		for _, k := range append(visible, Audio) {
			all.Go(func() {
				if _, err := show(k, lang.Chinese, anything{}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
}

// TestKindOfText: what operators write; an unknown kind is an error that says which there are.
func TestKindOfText(t *testing.T) {
	t.Parallel()
	for _, want := range append(visible, Audio) {
		var k Kind
		if err := k.UnmarshalText([]byte(want)); err != nil || k != want {
			t.Errorf("%s: %s, %v", want, k, err)
		}
	}
	for _, text := range []string{"", "Digits", "qr", "digits "} {
		k := Letters
		if err := k.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "arithmetic") || k != Letters {
			t.Errorf("%q: %s, %v", text, k, err)
		}
	}
}

// TestNormal: nobody is refused for how they type what is right, and nothing else becomes right.
func TestNormal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"637828": "637828", " 637828\n": "637828", "６３７８２８": "637828", "kpWaw": "KPWAW", "ＫＰＷＡＷ": "KPWAW", "专群学话": "专群学话", "　专群学话": "专群学话",
		"": "", " ": "", "63 7828": "63 7828", "637828\x00": "637828\x00",
	} {
		if got := Normal(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// FuzzNormal: normal is normal, whatever was typed.
func FuzzNormal(f *testing.F) {
	for _, seed := range []string{"637828", "６３７８２８", "ß", "ı", "\xff", " \u3000 ", "ﾊﾟ", "ŉ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := Normal(text)
		if twice := Normal(once); twice != once {
			t.Error(errors.New("not stable"), text, once, twice)
		}
	})
}

// BenchmarkMake is what a captcha costs before it is stored.
func BenchmarkMake(b *testing.B) {
	for _, k := range append(visible, Audio) {
		b.Run(string(k), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := show(k, lang.English, anything{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
