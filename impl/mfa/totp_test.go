package mfa

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 4226
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// digitsTwice is the seed of both RFCs.
const digitsTwice = "12345678901234567890"

var hashes = map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New}

// TestCodeOfRFC4226 (T2): the values of appendix D.
func TestCodeOfRFC4226(t *testing.T) {
	t.Parallel()
	g := generator{[]byte(digitsTwice), "SHA1", 6, 30}
	for count, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got, err := g.code(int64(count)); err != nil || got != want {
			t.Errorf("count %d: %s, %v; want %s", count, got, err, want)
		}
	}
}

// TestCodeOfRFC6238 (T2): the values of appendix B, for the seeds of its reference implementation.
func TestCodeOfRFC6238(t *testing.T) {
	t.Parallel()
	seed := []byte(strings.Repeat(digitsTwice, 4))
	generators := map[string]generator{
		"SHA1": {seed[:20], "SHA1", 8, 30}, "SHA256": {seed[:32], "SHA256", 8, 30}, "SHA512": {seed[:64], "SHA512", 8, 30},
	}
	for _, vector := range []struct {
		unix, step int64
		want       map[string]string
	}{
		{59, 0x1, map[string]string{"SHA1": "94287082", "SHA256": "46119246", "SHA512": "90693936"}},
		{1111111109, 0x23523EC, map[string]string{"SHA1": "07081804", "SHA256": "68084774", "SHA512": "25091201"}},
		{1111111111, 0x23523ED, map[string]string{"SHA1": "14050471", "SHA256": "67062674", "SHA512": "99943326"}},
		{1234567890, 0x273EF07, map[string]string{"SHA1": "89005924", "SHA256": "91819424", "SHA512": "93441116"}},
		{2000000000, 0x3F940AA, map[string]string{"SHA1": "69279037", "SHA256": "90698825", "SHA512": "38618901"}},
		{20000000000, 0x27BC86AA, map[string]string{"SHA1": "65353130", "SHA256": "77737706", "SHA512": "47863826"}},
	} {
		for name, g := range generators {
			step := g.step(time.Unix(vector.unix, 0))
			if got, err := g.code(step); err != nil || got != vector.want[name] || step != vector.step {
				t.Errorf("%s at %d: %s in step %#x, %v; want %s in %#x", name, vector.unix, got, step, err, vector.want[name], vector.step)
			}
		}
	}
}

// independent computes a code after RFC 4226 section 5.3, with nothing of the product.
func independent(g generator, step int64) string {
	mac := hmac.New(hashes[g.algorithm], g.secret)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	value := uint64(binary.BigEndian.Uint32(sum[offset:offset+4]) & 0x7fffffff)
	for range g.digits {
		sum = append(sum, byte('0'+value%10))
		value /= 10
	}
	text := sum[len(sum)-g.digits:]
	for i, j := 0, len(text)-1; i < j; i, j = i+1, j-1 {
		text[i], text[j] = text[j], text[i]
	}
	return string(text)
}

// TestCodeIsThatOfEveryApp (T2): seeds of all lengths, steps of all sizes, all algorithms and lengths of code, compared
// with a computation of our own.
func TestCodeIsThatOfEveryApp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4226, 6238))
	for range 2000 {
		g := generator{secret: make([]byte, 1+r.IntN(80)), digits: 6 + 2*r.IntN(2), period: 30}
		g.algorithm = []string{"SHA1", "SHA256", "SHA512"}[r.IntN(3)]
		for i := range g.secret {
			g.secret[i] = byte(r.Uint32())
		}
		step := r.Int64N(1 << (1 + r.IntN(62)))
		if got, err := g.code(step); err != nil || got != independent(g, step) {
			t.Fatalf("%+v, step %d: %s, %v; want %s", g, step, got, err, independent(g, step))
		}
	}
	if code, err := (generator{[]byte("x"), "MD5", 6, 30}).code(1); err == nil {
		t.Errorf("an unknown algorithm gives %s", code)
	}
}

// TestMatchWindow (T3): with skew n exactly the codes of 2n+1 steps are good, and each is known as its own step; at the
// first and at the last moment of a step alike.
func TestMatchWindow(t *testing.T) {
	t.Parallel()
	g := generator{[]byte(digitsTwice), "SHA1", 6, 30}
	start := time.Unix(1111111110, 0) // of a step
	now := g.step(start)
	for skew := range 3 {
		for _, within := range []time.Duration{0, time.Nanosecond, 15 * time.Second, 30*time.Second - time.Nanosecond} {
			for offset := int64(-6); offset <= 6; offset++ {
				code := independent(g, now+offset)
				step, ok, err := g.match(code, start.Add(within), skew, 0)
				want := max(offset, -offset) <= int64(skew)
				if err != nil || ok != want || ok && step != now+offset {
					t.Errorf("skew %d, %v into step %d: the code of step %+d: %v as step %d, %v; want %v", skew, within, now, offset, ok, step, err, want)
				}
			}
		}
	}
}

// TestMatchWantsASCIIDigits (T9): what is not exactly the right number of the digits 0 to 9 is no code, however it looks.
func TestMatchWantsASCIIDigits(t *testing.T) {
	t.Parallel()
	at := time.Unix(59, 0)
	for _, length := range []int{6, 8} {
		g := generator{[]byte(digitsTwice), "SHA1", length, 30}
		right := independent(g, 1)
		fullWidth, arabic := "", ""
		for _, r := range right {
			fullWidth += string('０' + r - '0')
			arabic += string('٠' + r - '0')
		}
		for _, code := range []string{
			"", right[1:], right[:length-1], right + "0", "0" + right, " " + right, right + " ", right + "\n", right + "\x00",
			right[:3] + " " + right[3:], right[:3] + "-" + right[3:], " " + right[1:], "+" + right[1:], "-" + right[1:],
			fullWidth, arabic, fullWidth[:3] + right[1:], strings.Repeat("0", 1000), "0x" + right[2:], right[:length-1] + "\xff",
			strings.Repeat("０", length/3), "abcdefgh"[:length],
		} {
			if step, ok, err := g.match(code, at, 2, 0); ok || err != nil {
				t.Errorf("%d digits: %q is good as step %d, %v", length, code, step, err)
			}
		}
		if _, ok, err := g.match(right, at, 0, 0); !ok || err != nil {
			t.Errorf("%d digits: the right code %s is refused: %v", length, right, err)
		}
	}
}

// TestMatchTakesTheNewestStep (T4): where one code is that of two steps of the window, the newer one is spent, so that
// the code is not good again.
func TestMatchTakesTheNewestStep(t *testing.T) {
	t.Parallel()
	g := generator{[]byte(digitsTwice), "SHA1", 6, 30}
	const step = 153567 // its code is that of step+2 too: found by trying
	if independent(g, step) != independent(g, step+2) {
		t.Fatal("the codes of the example differ")
	}
	got, ok, err := g.match(independent(g, step), time.Unix((step+1)*30, 0), 1, 0)
	if err != nil || !ok || got != step+2 {
		t.Errorf("the code of %d and %d is known as %d: %v, %v", step, step+2, got, ok, err)
	}
}

// TestMatchFollowsTheClock (T3, T7): with a drift the window lies around where the device's clock is expected, and the code
// of the step that it is now is good as well, since clocks are put right. In the strict profile nothing else is.
func TestMatchFollowsTheClock(t *testing.T) {
	t.Parallel()
	g := generator{[]byte(digitsTwice), "SHA1", 6, 30}
	at := time.Unix(1111111110, 0)
	for _, test := range []struct {
		skew, drift int
		good        []int64 // offsets
	}{
		{1, 0, []int64{-1, 0, 1}},
		{1, 1, []int64{0, 1, 2}},
		{1, 2, []int64{0, 1, 2, 3}},
		{1, 4, []int64{0, 3, 4, 5}},
		{1, -4, []int64{-5, -4, -3, 0}},
		{2, -3, []int64{-5, -4, -3, -2, -1, 0}},
		{0, 0, []int64{0}},
		{0, 4, []int64{0}},
		{0, -4, []int64{0}},
	} {
		for offset := int64(-8); offset <= 8; offset++ {
			step, ok, err := g.match(independent(g, g.step(at)+offset), at, test.skew, test.drift)
			if err != nil || ok != slices.Contains(test.good, offset) || ok && step != g.step(at)+offset {
				t.Errorf("skew %d, drift %d: the code of step %+d: %v as %+d, %v", test.skew, test.drift, offset, ok, step-g.step(at), err)
			}
		}
	}
}

// TestMatchAfterRFC6238 (T2): a code of appendix B is good at its time, of whichever algorithm, and in no other's place.
func TestMatchAfterRFC6238(t *testing.T) {
	t.Parallel()
	seed := []byte(strings.Repeat(digitsTwice, 4))
	codes := map[string]string{"SHA1": "07081804", "SHA256": "68084774", "SHA512": "25091201"}
	for algorithm, size := range map[string]int{"SHA1": 20, "SHA256": 32, "SHA512": 64} {
		g := generator{seed[:size], algorithm, 8, 30}
		for of, code := range codes {
			if _, ok, err := g.match(code, time.Unix(1111111109, 0), 0, 0); ok != (of == algorithm) || err != nil {
				t.Errorf("the code of %s for %s: %v, %v", of, algorithm, ok, err)
			}
		}
	}
}

// TestDrift (T7, RFC 6238 section 6): what a right code teaches: one step at a time towards where it was, four at most, and
// at once when the clock was put right.
func TestDrift(t *testing.T) {
	t.Parallel()
	g, at := generator{[]byte(digitsTwice), "SHA1", 6, 30}, time.Unix(1111111110, 0)
	for _, test := range []struct{ skew, before, offset, want int }{
		{1, 0, 0, 0},
		{1, 0, 1, 1},
		{1, 0, -1, -1},
		{2, 0, 2, 1},
		{1, 1, 2, 2},
		{1, 3, 3, 3},
		{1, 3, 2, 2},
		{1, -3, -2, -2},
		{1, 4, 5, 4},
		{1, -4, -5, -4},
		{1, 4, 0, 0},
		{1, -2, 0, 0},
		{0, 4, 0, 0}, // the strict profile follows no clock
	} {
		if got := g.drift(test.before, g.step(at)+int64(test.offset), at, test.skew); got != test.want {
			t.Errorf("skew %d, %+d before, the code of step %+d: %+d, want %+d", test.skew, test.before, test.offset, got, test.want)
		}
	}
}
