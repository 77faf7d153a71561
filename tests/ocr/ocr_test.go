package ocr

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
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

	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
)

type random struct{}

func (random) Digits(n int) string { return fmt.Sprintf("%0*d", n, rand.IntN(1000000)) }
func (random) Pick(n int) int {
	return rand.IntN(n)
}

var kinds = []struct {
	kind            puzzle.Kind
	language, allow string
}{
	{puzzle.Digits, "eng", "0123456789"},
	{puzzle.Letters, "eng", "ACEFHKLMNPRTUWXYacefhklmnprtuwxy"},
	{puzzle.Arithmetic, "eng", "0123456789+-=?"},
	{puzzle.Chinese, "chi_sim", ""},
}

var sums = regexp.MustCompile(`^(\d+)([+-])(\d+)`)

func answer(k puzzle.Kind, text string) string {
	text = strings.Join(strings.Fields(text), "")
	if k == puzzle.Arithmetic {
		p := sums.FindStringSubmatch(text)
		if p == nil {
			return ""
		}
		a, _ := strconv.Atoi(p[1])
		b, _ := strconv.Atoi(p[3])
		if p[2] == "-" {
			b = -b
		}
		return strconv.Itoa(a + b)
	}
	return puzzle.Normal(text)
}

func TestOCR(t *testing.T) {
	n := 100
	if v := os.Getenv("MENSHEN_TEST_OCR"); v != "" {
		n, _ = strconv.Atoi(v)
	}
	only := os.Getenv("KIND")
	sem := make(chan int, 2)
	for _, k := range kinds {
		if only != "" && !strings.Contains(only, string(k.kind)) {
			continue
		}
		dir := t.TempDir()
		answers, files := make([]string, n), map[string][]string{}
		for i := range n {
			p, err := puzzle.Make(k.kind, 0, random{})
			if err != nil {
				t.Fatal(err)
			}
			answers[i] = p.Answer
			raw, _ := base64.StdEncoding.DecodeString(p.URL[strings.Index(p.URL, ",")+1:])
			m, err := png.Decode(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			g := image.NewGray(m.Bounds())
			draw.Draw(g, g.Rect, m, image.Point{}, draw.Src)
			for name, f := range variants {
				var out bytes.Buffer
				png.Encode(&out, f(g))
				path := filepath.Join(dir, fmt.Sprintf("%s %d.png", name, i))
				os.WriteFile(path, out.Bytes(), 0o600)
				files[name] = append(files[name], path)
			}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		any := make([]bool, n)
		table := map[string]int{}
		for _, name := range slices.Sorted(maps.Keys(variants)) {
			for _, psm := range []string{"7", "8"} {
				wg.Go(func() {
					sem <- 1
					defer func() { <-sem }()
					texts := read(t, files[name], psm, k.language, k.allow)
					mu.Lock()
					defer mu.Unlock()
					for i, text := range texts {
						if answer(k.kind, text) == answers[i] {
							any[i] = true
							table[name+" "+psm]++
						}
					}
				})
			}
		}
		wg.Wait()
		solved := 0
		for _, b := range any {
			if b {
				solved++
			}
		}
		fmt.Printf("%s: any %d of %d (%.1f%%); %v\n", k.kind, solved, n, 100*float64(solved)/float64(n), table)
	}
}

func read(t *testing.T, files []string, psm, language, allow string) []string {
	list := files[0] + psm + fmt.Sprint(len(files))
	os.WriteFile(list, []byte(strings.Join(files, "\n")+"\n"), 0o600)
	args := []string{list, "-", "--psm", psm, "-l", language}
	if allow != "" {
		args = append(args, "-c", "tessedit_char_whitelist="+allow)
	}
	cmd := exec.Command("tesseract", args...)
	cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	out, err := cmd.Output()
	if err != nil {
		if len(files) == 1 {
			t.Log("crash", files, err)
			return []string{""}
		}
		h := len(files) / 2
		return append(read(t, files[:h], psm, language, allow), read(t, files[h:], psm, language, allow)...)
	}
	return strings.Split(string(out), "\f")
}
