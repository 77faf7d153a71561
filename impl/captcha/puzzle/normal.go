package puzzle

import (
	"strings"

	textwidth "golang.org/x/text/width"
)

// Normal is the form in which answers are compared: people type a space too many, letters in either case, and digits as wide
// as the input method for Chinese makes them. No two right answers become one by it.
func Normal(answer string) string {
	return strings.ToUpper(strings.TrimSpace(textwidth.Fold.String(answer)))
}
