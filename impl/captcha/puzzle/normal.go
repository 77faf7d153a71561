package puzzle

import (
	"strings"

	textwidth "golang.org/x/text/width"
)

func Normal(answer string) string {
	return strings.ToUpper(strings.TrimSpace(textwidth.Fold.String(answer)))
}
