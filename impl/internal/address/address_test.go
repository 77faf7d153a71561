package address

import (
	"errors"
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestEmail (C10): the domain in lower case, the local part as written but compared in lower case; nothing that could
// become a header, a name or two addresses.
func TestEmail(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{ // stored and key; empty is a refusal
		"alice@example.com":                      {"alice@example.com", "alice@example.com"},
		"Alice@Example.COM":                      {"Alice@example.com", "alice@example.com"},
		"a.b+tag@example.co.uk":                  {"a.b+tag@example.co.uk", "a.b+tag@example.co.uk"},
		"o'brien@example.com":                    {"o'brien@example.com", "o'brien@example.com"},
		"Alice.Ä@Example.com":                    {"Alice.Ä@example.com", "alice.Ä@example.com"},
		"门神@例子.中国":                               {"门神@xn--fsqu00a.xn--fiqs8s", "门神@xn--fsqu00a.xn--fiqs8s"},
		"a@ｅxample.com":                          {"a@example.com", "a@example.com"}, // another way to write the same
		"a@xn--fsqu00a.xn--fiqs8s":               {"a@xn--fsqu00a.xn--fiqs8s", "a@xn--fsqu00a.xn--fiqs8s"},
		"mi\u212Ae@example.com":                  {}, // a Kelvin sign, which looks like a k and becomes one
		"a\u0308@example.com":                    {}, // a letter and its dots apart
		"ａlice@example.com":                      {},
		"al\u200Bice@example.com":                {}, // a space that cannot be seen
		"root@localhost":                         {},
		"alice@.com":                             {},
		`"a b"@example.com`:                      {},
		strings.Repeat("a", 65) + "@example.com": {},
		"a@[127.0.0.1]":                          {},
		"a@example.com.":                         {},
		"":                                       {},
		"alice":                                  {},
		"@example.com":                           {},
		"alice@":                                 {},
		"alice@@example.com":                     {},
		"a@b@example.com":                        {},
		"Alice <alice@example.com>":              {},
		"<alice@example.com>":                    {},
		" alice@example.com":                     {},
		"alice@example.com ":                     {},
		"alice @example.com":                     {},
		"alice@example.com, b@x.org":             {},
		"alice@example.com\r\nBcc: b@x":          {},
		"alice\n@example.com":                    {},
		"alice@exa\x00mple.com":                  {},
		"alice@example..com":                     {},
		".alice@example.com":                     {},
		"alice@example.com (comment)":            {},
		"\xff@example.com":                       {},
	} {
		stored, key, err := Email(text)
		if stored != want[0] || key != want[1] || (err != nil) != (want[0] == "") || err != nil && !errors.Is(err, ErrEmail) {
			t.Errorf("%q is stored as %q and compared as %q, %v; want %q", text, stored, key, err, want)
		}
	}
}

// TestPhone (C10): E.164 whichever way it is written; what is no number in use is refused.
func TestPhone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ number, code, region, want string }{
		{"+8613800138000", "", "CN", "+8613800138000"},
		{"13800138000", "", "CN", "+8613800138000"},
		{"138 0013 8000", "", "CN", "+8613800138000"},
		{"138-0013-8000", "+86", "US", "+8613800138000"},
		{"13800138000", "86", "US", "+8613800138000"},
		{"008613800138000", "", "CN", "+8613800138000"},
		{"＋８６１３８００１３８０００", "", "CN", "+8613800138000"},
		{"+8613800138000", "+1", "US", "+8613800138000"}, // a number that names its country has the last word
		{"(415) 555-2671", "", "US", "+14155552671"},
		{"+14155552671", "", "CN", "+14155552671"},
		{"020 7946 0018", "+44", "CN", "+442079460018"},
		{"06 12345678", "", "NL", "+31612345678"},
		{"02 1234 5678", "+39", "CN", "+390212345678"}, // Italy keeps the zero
		{"13800138000", "", "US", ""},
		{"5552671", "", "CN", ""},
		{"", "", "CN", ""},
		{"1", "", "CN", ""},
		{"+", "", "CN", ""},
		{"+86", "", "CN", ""},
		{"+999123456789", "", "CN", ""},
		{"13800138000", "+999", "CN", ""},
		{"13800138000", "abc", "CN", ""},
		{"not a number", "", "CN", ""},
		{"call 13800138000 now", "", "CN", ""}, // not a number, though it holds one
		{"13800138000x", "", "CN", ""},
		{"13800138000 ext. 5", "", "CN", ""},
		{"+1 415 FLOWERS", "", "CN", ""},
		{"alice@example.com", "", "CN", ""},
		{"+861380013800", "", "CN", ""},
		{"+86138001380000000000", "", "CN", ""},
		{"138001380\x0000", "", "CN", ""},
		{strings.Repeat("1", 1000), "", "CN", ""},
		{"13800138000", "", "??", ""},
	} {
		got, err := Phone(test.number, test.code, test.region)
		if got != test.want || (err != nil) != (test.want == "") || err != nil && !errors.Is(err, ErrPhone) {
			t.Errorf("%q %q in %s is %q, %v; want %q", test.code, test.number, test.region, got, err, test.want)
		}
	}
}

// TestSplitPhone: country code and national number, which together are the whole again.
func TestSplitPhone(t *testing.T) {
	t.Parallel()
	for e164, want := range map[string][2]string{
		"+8613800138000": {"+86", "13800138000"},
		"+14155552671":   {"+1", "4155552671"},
		"+442079460018":  {"+44", "2079460018"},
		"+390212345678":  {"+39", "0212345678"},
		"+85223456789":   {"+852", "23456789"},
		"+12684601234":   {"+1", "2684601234"},
		"nonsense":       {"", "nonsense"},
	} {
		if code, national := SplitPhone(e164); code != want[0] || national != want[1] || code+national != e164 {
			t.Errorf("%s is %q and %q, want %q", e164, code, national, want)
		}
	}
}

// TestBlocks (C7): neighbours share a prefix, others do not; a number knows its country.
func TestBlocks(t *testing.T) {
	t.Parallel()
	for e164, want := range map[string][2]string{
		"+8613800138000": {"CN", "+861380013"},
		"+8613800139999": {"CN", "+861380013"},
		"+8613800148000": {"CN", "+861380014"},
		"+14155552671":   {"US", "+1415555"},
		"+14165552671":   {"CA", "+1416555"}, // the country code alone does not tell
		"+85223456789":   {"HK", "+8522345"},
		"nonsense":       {"ZZ", "nons"},
		"":               {"ZZ", ""},
	} {
		if country, prefix := Country(e164), Prefix(e164); country != want[0] || prefix != want[1] {
			t.Errorf("%q is of %q and block %q, want %q", e164, country, prefix, want)
		}
	}
}

// TestMobile (C7): SMS go to mobile phones, not to landlines, and not to numbers that cost who sends to them.
func TestMobile(t *testing.T) {
	t.Parallel()
	for e164, want := range map[string]bool{
		"+8613800138000": true, "+447400123456": true, "+14155552671": true,
		"+861062345678": false, "+864008001234": false, "+449098790000": false, "+447012345678": false, "": false,
	} {
		if Mobile(e164) != want {
			t.Errorf("%s: %v, want %v", e164, !want, want)
		}
	}
}

// TestMailbox (C7): tags make no other mailbox, so limits do not see them.
func TestMailbox(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"alice@example.com": "alice@example.com", "alice+1@example.com": "alice@example.com", "alice+a+b@example.com": "alice@example.com",
		"+@example.com": "+@example.com", "a@b+c.example.com": "a@b+c.example.com", "": "",
	} {
		if got := Mailbox(key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}

// FuzzEmail (C10): whatever is let through is one address on one line, and reading it again changes nothing.
func FuzzEmail(f *testing.F) {
	for _, seed := range []string{"alice@example.com", "A@B.C", "门神@例子.中国", "a@b\r\nBcc: c@d", "a b@c", `"a b"@c`, "a@[127.0.0.1]", "\u212Aelvin@x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		stored, key, err := Email(text)
		if err != nil {
			return
		}
		again, sameKey, err := Email(stored)
		if err != nil || again != stored || sameKey != key {
			t.Errorf("%q is %q, which is %q, %v", text, stored, again, err)
		}
		if strings.ContainsAny(stored, "\r\n\x00") || !utf8.ValidString(stored) {
			t.Errorf("%q is let through as %q", text, stored)
		}
		header := "To: " + stored + "\r\n\r\n"
		message, err := mail.ReadMessage(strings.NewReader(header))
		if err != nil || len(message.Header) != 1 {
			t.Errorf("%q makes the headers %v, %v", text, message, err)
		}
	})
}

// FuzzPhone (C10): whatever is let through is E.164, and reading it again changes nothing.
func FuzzPhone(f *testing.F) {
	for _, seed := range []string{"13800138000", "+1 (415) 555-2671", "0086 138 0013 8000", "＋８６１３８００１３８０００", "+86", "tel:+1", "+1;ext=5"} {
		f.Add(seed, "", "CN")
		f.Add(seed, "+1", "US")
	}
	f.Fuzz(func(t *testing.T, number, countryCode, region string) {
		e164, err := Phone(number, countryCode, region)
		if err != nil {
			return
		}
		if len(e164) > 16 || e164[0] != '+' || strings.Trim(e164[1:], "0123456789") != "" {
			t.Errorf("%q is let through as %q", number, e164)
		}
		if again, err := Phone(e164, "", ""); err != nil || again != e164 {
			t.Errorf("%q is %q, which is %q, %v", number, e164, again, err)
		}
		if code, national := SplitPhone(e164); code+national != e164 {
			t.Errorf("%q is %q and %q", e164, code, national)
		}
	})
}
