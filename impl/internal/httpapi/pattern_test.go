package httpapi

import (
	"regexp"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/openapi"
)

// FuzzDataURI holds the Go matchers and the contract's regular expressions equal: the pattern that clients read is the one
// that is enforced.
func FuzzDataURI(f *testing.F) {
	for _, seed := range []string{
		"", "A", "=", "==", "===", "A=", "A==", "A===", "=A", "A=A", "A==A", "AAAA", "A\n", "A=\n", "\nA", "A B", "+/", "-_", "é", "\xff", "A\x00", strings.Repeat("A", 5000),
	} {
		f.Add(seed)
		for _, prefix := range []string{"data:image/png;base64,", "data:audio/wav;base64,", "data:text/html;base64,"} {
			f.Add(prefix + seed)
			f.Add(" " + prefix + seed)
			f.Add(strings.ToUpper(prefix) + seed)
		}
	}
	patterns := map[string]*regexp.Regexp{}
	for pattern := range dataURIPatterns {
		patterns[pattern] = regexp.MustCompile(pattern)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for pattern, matcher := range dataURIPatterns {
			if got, want := matcher.MatchString(s), patterns[pattern].MatchString(s); got != want {
				t.Errorf("%q: %v, the pattern %s says %v", s, got, pattern, want)
			}
		}
	})
}

// TestDataURIPatternsAreTheContracts: a change of a pattern in the contract would silently bring the slow one back.
func TestDataURIPatternsAreTheContracts(t *testing.T) {
	t.Parallel()
	known := 0
	for pattern := range dataURIPatterns {
		known += strings.Count(string(openapi.YAML), "pattern: '"+pattern+"'")
	}
	if n := strings.Count(string(openapi.YAML), "pattern: '^data:"); n != known || n != 3 {
		t.Errorf("the contract has %d patterns of data URIs, %d of them known, want 3: both enrolment QR codes and the captcha", n, known)
	}
	for pattern := range dataURIPatterns {
		if !strings.Contains(string(openapi.YAML), "pattern: '"+pattern+"'") {
			t.Errorf("the contract does not have the pattern %s", pattern)
		}
		matcher, err := compilePattern(pattern)
		if _, fast := matcher.(dataURIMatcher); !fast || err != nil {
			t.Errorf("%T, %v", matcher, err)
		}
	}
	if _, err := compilePattern("(a"); err == nil {
		t.Error("a pattern that is none was compiled")
	}
}
