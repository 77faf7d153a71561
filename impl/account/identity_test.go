package account

import (
	"errors"
	"strings"
	"testing"
)

// FuzzSplitIdentity (T16): whatever is sent as identity or sync_relation is split at its first colon or refused, and nothing
// of it is lost: no two texts name the same user.
func FuzzSplitIdentity(f *testing.F) {
	for _, seed := range []string{"", ":", "a:", ":b", "lark:ou_8bae", "lark:a:b:c", "飞书:甲", "a\x00:b", "：", "a：b", " a : b "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		source, id, err := splitIdentity(text)
		if err != nil {
			if !errors.Is(err, ErrUserID) || source+id != "" {
				t.Errorf("%q: %q, %q, %v", text, source, id, err)
			}
			return
		}
		if source == "" || id == "" || strings.Contains(source, ":") || source+":"+id != text {
			t.Errorf("%q: split into %q and %q", text, source, id)
		}
	})
}
