package lang

import (
	"strings"
	"testing"
)

// TestMatch (design 5): messages follow Accept-Language; what is not understood, or not spoken, is English.
func TestMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []string
		want   Lang
	}{
		{nil, English},
		{[]string{""}, English},
		{[]string{"zh"}, Chinese},
		{[]string{"ZH-cn"}, Chinese},
		{[]string{"zh-CN,zh;q=0.9,en;q=0.8"}, Chinese},
		{[]string{"zh-Hant-TW"}, Chinese},
		{[]string{"zh_CN"}, Chinese},
		{[]string{"en-GB"}, English},
		{[]string{"en;q=0.8, zh;q=0.9"}, Chinese},
		{[]string{"en;q=0.9, zh;q=0.8"}, English},
		{[]string{"fr-FR, zh;q=0.3"}, Chinese},
		{[]string{"fr, de"}, English},
		{[]string{"*"}, English},
		{[]string{"zh;q=0, en"}, English},
		{[]string{"de;q=0.9, *;q=0.1"}, English},
		{[]string{"", "zh"}, Chinese},
		{[]string{"en", "zh"}, English},
		{[]string{"fr", "zh"}, Chinese}, // the first that names one that we speak
		{[]string{"*", "zh"}, Chinese},
		{[]string{"not a language at all!", "zh"}, Chinese},
		{[]string{"zh;q=abc", "zh"}, Chinese},
		{[]string{strings.Repeat("zh,", 86)}, English},                   // longer than any browser's
		{[]string{strings.Repeat("en,", 86), "zh"}, Chinese},             //
		{[]string{strings.Repeat("fr;q=0.1,", 20) + "zh"}, Chinese},      //
		{[]string{strings.Repeat("-", 200), "\x00\xff", ",;,"}, English}, //
	} {
		if got := Match(test.values...); got != test.want {
			t.Errorf("%.60q is %v, want %v", test.values, got, test.want)
		}
	}
}

// TestString: the tag goes into the header Content-Language.
func TestString(t *testing.T) {
	t.Parallel()
	if English.String() != "en" || Chinese.String() != "zh" {
		t.Errorf("tags are %s and %s, want en and zh", English, Chinese)
	}
}

// FuzzMatch: whatever a client sends, the answer is one of the two languages, and the same each time.
func FuzzMatch(f *testing.F) {
	for _, seed := range []string{"", "zh-CN,zh;q=0.9,en;q=0.8", "*", "x-", "i-klingon", "en-u-ca-buddhist", ",;q=", "zh;q=1e9", "\x00", "门神"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := Match(a, b)
		if got != English && got != Chinese || got != Match(a, b) {
			t.Errorf("Match(%q, %q) = %d", a, b, got)
		}
	})
}
