// Package ocr lets an OCR engine try to read our captchas (C11).
//
//	make ocr
package ocr

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mojocn/base64Captcha"

	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
)

// How many pictures of a kind are tried, unless MENSHEN_TEST_OCR says how many.
const pictures = 40

// allowed is how many of n may be solved: 5 %. Of few pictures chance may let through more than it should, so that there is
// some room: a kind of which the engine solves 5 % in truth passes 40 of them nearly always, one of 25 % nearly never.
func allowed(n int) int {
	if n < 500 {
		return n/20 + 4
	}
	return n / 20
}

// random is a source of answers, as uniform as that of the service.
type random struct{}

func (r random) Digits(n int) (digits string) {
	for range n {
		digits += strconv.Itoa(r.Pick(10))
	}
	return digits
}
func (random) Pick(n int) int { return rand.IntN(n) }

// kinds are those that can be seen, and what the engine is told of them: an attacker knows it.
var kinds = []struct {
	kind            puzzle.Kind
	language, allow string
}{
	{puzzle.Digits, "eng", "0123456789"},
	{puzzle.Letters, "eng", "ACEFHKLMNPRTUWXYacefhklmnprtuwxy"},
	{puzzle.Arithmetic, "eng", "0123456789+-="},
	{puzzle.Chinese, "chi_sim", ""},
}

// modes are how the engine may look at a picture: as one line, or as one word.
var modes = []string{"7", "8"}

// TestOCRSolvesAtMostFivePercent (C11): tesseract reads every picture as it is, enlarged, binarised and cleaned, as a line and
// as a word. None of these ways solves more than one in twenty. (A captcha has one try, so that an attacker has to choose one.)
func TestOCRSolvesAtMostFivePercent(t *testing.T) {
	if _, err := exec.LookPath("tesseract"); err != nil {
		t.Fatal("tesseract is missing; run `make tools`")
	}
	n := pictures
	if text := os.Getenv("MENSHEN_TEST_OCR"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			t.Fatalf("MENSHEN_TEST_OCR is %q", text)
		}
	}
	for _, k := range kinds {
		t.Run(string(k.kind), func(t *testing.T) {
			answers, files := prepare(t, n, func() (challenge, error) { return made(k.kind) })
			solvedBy, solved := attack(t, k.kind, answers, files, k.language, k.allow)
			for _, way := range slices.Sorted(maps.Keys(solvedBy)) {
				t.Logf("%-28s %3d of %d", way, solvedBy[way], n)
				if solvedBy[way] > allowed(n) {
					t.Errorf("%s: %d of %d were solved, at most %d may be", way, solvedBy[way], n, allowed(n))
				}
			}
			t.Logf("%-28s %3d of %d (%.1f %%)", "any of these", solved, n, 100*float64(solved)/float64(n))
		})
	}
}

// TestOCRReadsWhatIsPlain: an engine that reads nothing at all would find every captcha strong. Digits of the same library,
// without what we do to them, it reads.
func TestOCRReadsWhatIsPlain(t *testing.T) {
	driver := base64Captcha.NewDriverString(80, 240, 0, 0, 6, "0123456789", &color.RGBA{255, 255, 255, 255}, nil, []string{"wqy-microhei.ttc"})
	plain := func() (challenge, error) {
		answer := random{}.Digits(6)
		item, err := driver.DrawCaptcha(answer)
		if err != nil {
			return challenge{}, err
		}
		return challenge{answer, item.EncodeB64string()}, nil
	}
	const n = 10
	answers, files := prepare(t, n, plain)
	if _, solved := attack(t, puzzle.Digits, answers, files, "eng", "0123456789"); solved < n/2 {
		t.Errorf("%d of %d plain pictures were read", solved, n)
	}
}

// challenge is a picture and what it says.
type challenge struct{ answer, url string }

func made(k puzzle.Kind) (challenge, error) {
	p, err := puzzle.Make(k, random{})
	if err != nil {
		return challenge{}, err
	}
	url, err := p.Show(0)
	return challenge{p.Answer, url}, err
}

// prepare makes pictures, and writes what an attacker makes of each.
func prepare(t *testing.T, n int, draw func() (challenge, error)) (answers []string, files map[string][]string) {
	t.Helper()
	dir, files := t.TempDir(), map[string][]string{}
	for i := range n {
		p, err := draw()
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, p.answer)
		seen := gray(t, p.url)
		for name, change := range variants {
			var out bytes.Buffer
			if err := png.Encode(&out, change(seen)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, fmt.Sprintf("%s %d.png", name, i))
			if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			files[name] = append(files[name], path)
		}
	}
	return answers, files
}

func gray(t *testing.T, url string) *image.Gray {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(url, "data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	g := image.NewGray(m.Bounds())
	draw.Draw(g, g.Rect, m, image.Point{}, draw.Src)
	return g
}

// attack counts what was solved, by every way and by any.
func attack(t *testing.T, k puzzle.Kind, answers []string, files map[string][]string, language, allow string) (solvedBy map[string]int, solved int) {
	t.Helper()
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		hit  = make([]bool, len(answers))
		ways = map[string]int{}
		turn = make(chan struct{}, 2)
	)
	for name := range variants {
		for _, mode := range modes {
			all.Go(func() {
				turn <- struct{}{}
				defer func() { <-turn }()
				texts := read(t, files[name], mode, language, allow)
				mu.Lock()
				defer mu.Unlock()
				way := name + ", mode " + mode
				ways[way] = 0
				for i, text := range texts {
					if understood(k, text) == answers[i] {
						hit[i] = true
						ways[way]++
					}
				}
			})
		}
	}
	all.Wait()
	for _, h := range hit {
		if h {
			solved++
		}
	}
	return ways, solved
}

// read runs the engine over pictures, and returns the text of each. Some make it crash: then it is run on the halves.
func read(t *testing.T, files []string, mode, language, allow string) []string {
	list := fmt.Sprintf("%s.%s.%d", files[0], mode, len(files))
	if err := os.WriteFile(list, []byte(strings.Join(files, "\n")+"\n"), 0o600); err != nil {
		t.Error(err)
		return nil
	}
	args := []string{list, "-", "--psm", mode, "-l", language}
	if allow != "" {
		args = append(args, "-c", "tessedit_char_whitelist="+allow)
	}
	engine := exec.Command("tesseract", args...)
	engine.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	out, err := engine.Output()
	switch {
	case err == nil:
		return strings.Split(string(out), "\f")[:len(files)]
	case len(files) == 1:
		return []string{""}
	}
	half := len(files) / 2
	return append(read(t, files[:half], mode, language, allow), read(t, files[half:], mode, language, allow)...)
}

var sum = regexp.MustCompile(`^(\d+)([+-])(\d+)`)

// understood is what an attacker answers who has read a text.
func understood(k puzzle.Kind, text string) string {
	text = strings.Join(strings.Fields(text), "")
	if k != puzzle.Arithmetic {
		return puzzle.Normal(text)
	}
	parts := sum.FindStringSubmatch(text)
	if parts == nil {
		return ""
	}
	a, err1 := strconv.Atoi(parts[1])
	b, err2 := strconv.Atoi(parts[2] + parts[3])
	if err1 != nil || err2 != nil {
		return ""
	}
	return strconv.Itoa(a + b)
}
