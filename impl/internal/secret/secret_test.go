package secret

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

// TestForms: ids, tokens and codes have the alphabet and the length that the contract shows, and no two are alike.
func TestForms(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]struct {
		make    func() string
		pattern string
	}{
		"ID (96 bit)":      {ID, `^[0-9a-f]{24}$`},
		"Token (192 bit)":  {Token, `^[0-9A-Za-z_-]{32}$`},
		"Alphanumeric(20)": {func() string { return Alphanumeric(20) }, `^[0-9A-Za-z]{20}$`},
		"Digits(24)":       {func() string { return Digits(24) }, `^[0-9]{24}$`},
		"Bytes(16)":        {func() string { return string(Bytes(16)) }, `(?s)^.{16}$`},
	} {
		pattern, seen := regexp.MustCompile(form.pattern), map[string]bool{}
		for range 2000 {
			text := form.make()
			if name != "Bytes(16)" && !pattern.MatchString(text) || name == "Bytes(16)" && len(text) != 16 {
				t.Fatalf("%s makes %q", name, text)
			}
			seen[text] = true
		}
		if len(seen) != 2000 {
			t.Errorf("%s made %d different of 2000", name, len(seen))
		}
	}
	if raw, err := base64.RawURLEncoding.DecodeString(Token()); err != nil || len(raw) != 24 {
		t.Errorf("a token holds %d bytes, want 24 (Q1: at least 128 bit): %v", len(raw), err)
	}
	if Digits(0) != "" || Alphanumeric(0) != "" || len(Bytes(0)) != 0 {
		t.Error("nothing was asked for, and something came")
	}
}

// TestUniform (C1): every character is as likely as every other, at every place. A modulo of a byte, the usual mistake,
// makes some 20 % likelier and gives a statistic in the thousands.
func TestUniform(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		alphabet string
		make     func(n int) string
		limit    float64 // of chi-square, exceeded by chance once in a hundred million runs
	}{
		"Digits":       {"0123456789", Digits, 59},
		"Alphanumeric": {alphanumeric, Alphanumeric, 148},
	} {
		const n, length = 102_000, 6
		counts := [length]map[rune]int{}
		for place := range length {
			counts[place] = map[rune]int{}
		}
		for range n / length {
			for place, r := range test.make(length) {
				counts[place][r]++
			}
		}
		for place, count := range counts {
			expected, statistic := float64(n/length)/float64(len(test.alphabet)), 0.0
			for _, r := range test.alphabet {
				off := float64(count[r]) - expected
				statistic += off * off / expected
			}
			if statistic > test.limit {
				t.Errorf("%s, place %d: chi-square %.0f, want at most %.0f: %v", name, place, statistic, test.limit, count)
			}
		}
	}
	if strings.ContainsAny(alphanumeric, " +/=&") || len(alphanumeric) != 62 {
		t.Errorf("the alphabet is %q", alphanumeric)
	}
}
