package httpapi

import (
	"regexp"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/openapi"
)

// FuzzDataURI holds the Go matcher and the contract's regular expression equal: the pattern that clients read is the one
// that is enforced.
func FuzzDataURI(f *testing.F) {
	pattern := regexp.MustCompile(dataURIPattern)
	for _, seed := range []string{
		"", "A", "=", "==", "===", "A=", "A==", "A===", "=A", "A=A", "A==A", "AAAA", "A\n", "A=\n", "\nA", "A B", "+/", "-_", "é", "\xff", "A\x00", strings.Repeat("A", 5000),
	} {
		f.Add(dataURIPrefix + seed)
		f.Add(seed)
		f.Add(" " + dataURIPrefix + seed)
		f.Add(strings.ToUpper(dataURIPrefix) + seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := (dataURIMatcher{}).MatchString(s), pattern.MatchString(s); got != want {
			t.Errorf("%q: %v, the pattern says %v", s, got, want)
		}
	})
}

// TestDataURIPatternIsTheContracts: a change of the pattern in the contract would silently bring the slow one back.
func TestDataURIPatternIsTheContracts(t *testing.T) {
	t.Parallel()
	if n := strings.Count(string(openapi.YAML), "pattern: '"+dataURIPattern+"'"); n != 2 {
		t.Errorf("the contract has the pattern %d times, want 2: the enrolment QR code and the captcha", n)
	}
	matcher, err := compilePattern(dataURIPattern)
	if _, fast := matcher.(dataURIMatcher); !fast || err != nil {
		t.Errorf("%T, %v", matcher, err)
	}
	if _, err := compilePattern("(a"); err == nil {
		t.Error("a pattern that is none was compiled")
	}
}
