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
