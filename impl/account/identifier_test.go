package account

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestUsernameKey (T16, RFC 8265): one name however it is written, and nothing that looks like an e-mail address, a phone
// number or an identity.
func TestUsernameKey(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{ // "" is a refusal
		"alice":                 "alice",
		"Alice":                 "alice",
		"ALICE":                 "alice",
		"ａｌｉｃｅ":                 "alice", // full width
		"ＡＬＩＣＥ":                 "alice",
		"al１ce":                 "al1ce",
		"alice.smith_2-x":       "alice.smith_2-x",
		"门神":                    "门神",
		"尉迟恭2":                  "尉迟恭2",
		"山田たろう":                 "山田たろう",
		"Straße":                "straße",
		"ÅNGSTRÖM":              "ångström",
		"A\u030angstro\u0308m":  "ångström", // decomposed
		"Σίσυφος":               "σίσυφος",
		"user1":                 "user1",
		"1user":                 "1user",
		"a":                     "a",
		strings.Repeat("a", 64): strings.Repeat("a", 64),
		strings.Repeat("门", 64): strings.Repeat("门", 64),
		"":                      "",
		strings.Repeat("a", 65): "",
		strings.Repeat("门", 65): "",
		"123":                   "",
		"13800138000":           "",
		"１２３":                   "",
		"١٢٣":                   "", // Arabic digits
		"alice@example.com":     "",
		"@alice":                "",
		"alice＠example":         "", // full width
		"idp:alice":             "",
		"idp：alice":             "",
		"+8613800138000":        "",
		"a+b":                   "",
		"a b":                   "",
		" alice":                "",
		"alice ":                "",
		"a\u3000b":              "", // ideographic space
		"a\u00a0b":              "",
		"a\tb":                  "",
		"alice\n":               "",
		"a\x00b":                "",
		"a\x7fb":                "",
		"a\u200bb":              "", // zero width
		"a\u202eb":              "", // turns the direction of writing
		"\ufeffalice":           "",
		"a\xffb":                "",
		"a/b":                   "",
		"a'b":                   "",
		"<b>":                   "",
		"🛡️":                    "",
		"\u0301":                "", // an accent without a letter
		"123-456":               "",
		"1-2":                   "",
	} {
		got, err := usernameKey(name)
		if got != want || (err != nil) != (want == "") || err != nil && !errors.Is(err, ErrUsername) {
			t.Errorf("%q is %q, %v; want %q", name, got, err, want)
		}
	}
}

// TestConfusableNames (T16): names that merely look alike are different users; none is folded into another by accident.
func TestConfusableNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{"alice", "аlice", "alíce", "al1ce", "ali.ce", "ali_ce", "ali-ce", "straße", "strasse", "ﬁ", "fi"} {
		key, err := usernameKey(name)
		if err != nil {
			continue // to refuse it is as good
		}
		if other, taken := seen[key]; taken {
			t.Errorf("%q and %q are one user, %q", name, other, key)
		}
		seen[key] = name
	}
	if len(seen) < 5 {
		t.Errorf("only %d of the names are accepted", len(seen))
	}
}

// FuzzUsernameKey (T16): a key is its own key, so that a user can sign in with the name as it is shown; and what is a
// user name is taken for one in the one field of a login form.
func FuzzUsernameKey(f *testing.F) {
	for _, seed := range []string{"alice", "Ａlice", "门神", "İ", "ẞ", "ǅ", "1-2", "a\u0301", "٣a", "\u0345a", "ﬀ", "Ω", "x\u00b2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		key, err := usernameKey(name)
		if err != nil {
			return
		}
		if again, err := usernameKey(key); err != nil || again != key {
			t.Errorf("%q has the key %q, and that has %q, %v", name, key, again, err)
		}
		if !utf8.ValidString(key) || key == "" || utf8.RuneCountInString(key) > maxUsername {
			t.Errorf("%q has the key %q", name, key)
		}
		if kind := identifierKind(name); kind != ByUsername {
			t.Errorf("the user name %q is taken for an id of the type %s", name, kind)
		}
	})
}

// TestEmail (C10): the domain in lower case, the local part as written but compared in lower case; nothing that could
// become a header, a name or two addresses.
func TestEmail(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]string{ // stored and key; empty is a refusal
		"alice@example.com":             {"alice@example.com", "alice@example.com"},
		"Alice@Example.COM":             {"Alice@example.com", "alice@example.com"},
		"a.b+tag@example.co.uk":         {"a.b+tag@example.co.uk", "a.b+tag@example.co.uk"},
		"o'brien@example.com":           {"o'brien@example.com", "o'brien@example.com"},
		"门神@例子.中国":                      {"门神@例子.中国", "门神@例子.中国"},
		"":                              {},
		"alice":                         {},
		"@example.com":                  {},
		"alice@":                        {},
		"alice@@example.com":            {},
		"a@b@example.com":               {},
		"Alice <alice@example.com>":     {},
		"<alice@example.com>":           {},
		" alice@example.com":            {},
		"alice@example.com ":            {},
		"alice @example.com":            {},
		"alice@example.com, b@x.org":    {},
		"alice@example.com\r\nBcc: b@x": {},
		"alice\n@example.com":           {},
		"alice@exa\x00mple.com":         {},
		"alice@example..com":            {},
		".alice@example.com":            {},
		"alice@example.com (comment)":   {},
		"\xff@example.com":              {},
	} {
		stored, key, err := email(address)
		if stored != want[0] || key != want[1] || (err != nil) != (want[0] == "") || err != nil && !errors.Is(err, ErrEmail) {
			t.Errorf("%q is stored as %q and compared as %q, %v; want %q", address, stored, key, err, want)
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
		got, err := phone(test.number, test.code, test.region)
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
		if code, national := splitPhone(e164); code != want[0] || national != want[1] || code+national != e164 {
			t.Errorf("%s is %q and %q, want %q", e164, code, national, want)
		}
	}
}

// TestIdentifierKind: what people type into the one field of a login form.
func TestIdentifierKind(t *testing.T) {
	t.Parallel()
	for account, want := range map[string]IDType{
		"alice": ByUsername, "门神": ByUsername, "user_1": ByUsername, "1user": ByUsername, "": ByUsername, "---": ByUsername,
		"alice@example.com": ByEmail, "@": ByEmail, "123@456": ByEmail,
		"13800138000": ByPhone, "+86 138-0013-8000": ByPhone, "(415) 555-2671": ByPhone, "1": ByPhone,
	} {
		if got := identifierKind(account); got != want {
			t.Errorf("%q is taken for %s, want %s", account, got, want)
		}
	}
}
