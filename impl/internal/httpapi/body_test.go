package httpapi

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// FuzzCheckJSON: what is let through is JSON for everybody who decodes it after, and a refusal never quotes the body.
func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `"a"`, `1`, `-0`, `1e400`, `{"a":1}`, `{"a":1,"a":2}`, `{"a":{"b":[1,2,{"c":null}]}}`, `{"a":1,}`, `[1,]`, `[1 2]`, `{"a" 1}`,
		`{,}`, `[,]`, `{"a"}`, `{1:2}`, `[}`, `{]`, `]`, `}`, `{} {}`, `{}x`, `{}]`, ` {} `, `tru`, `nul`, `"\u0000"`, `"\ud800"`, `"\x"`, `{"\u0061":1,"a":2}`, "\"a\nb\"",
		"\xef\xbb\xbf{}", "\"\xff\"", `01`, `1.`, `.1`, `+1`, `NaN`, `{"a":1}//`, `/**/{}`, strings.Repeat("[", 40), strings.Repeat("[", 40) + strings.Repeat("]", 40),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		err := checkJSON([]byte(body))
		if err == nil && !json.Valid([]byte(body)) {
			t.Errorf("%q was let through", body)
		}
		var refusal *apierr.Error
		if err != nil && (!errors.As(err, &refusal) || refusal.Code != apierr.ErrRequest.Code || refusal.Unwrap() != nil) {
			t.Errorf("%q: %v is no refusal of the gate", body, err)
		}
		if json.Valid([]byte(body)) && err != nil && utf8.ValidString(body) && plain(body) {
			t.Errorf("%q was refused: %v", body, err)
		}
	})
}

// plain tells whether there is nothing about a JSON value that the gate might refuse.
func plain(body string) bool {
	largeNumber := strings.ContainsAny(body, "eE") || len(body) > 300
	return !largeNumber && !strings.ContainsAny(body, "\\\x00") && strings.Count(body, `"`) < 4 && strings.Count(body, "[")+strings.Count(body, "{") < maxDepth
}

// TestDepth: nesting is bounded before anything recurses over it, and no document comes near the bound.
func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(open, inner, closing string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(closing, n)
	}
	for _, c := range []struct {
		body string
		ok   bool
	}{
		{nested("[", "1", "]", maxDepth), true},
		{nested(`{"a":`, "1", "}", maxDepth), true},
		{nested("[", "1", "]", maxDepth+1), false},
		{nested(`{"a":`, "1", "}", maxDepth+1), false},
		{nested(`[{"a":`, "1", "}]", 5000), false},
		{nested("[", "", "", 65_000), false},
	} {
		if err := checkJSON([]byte(c.body)); (err == nil) != c.ok {
			t.Errorf("%.40s: %v", c.body, err)
		}
	}
}
