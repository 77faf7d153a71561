package channel

import (
	"fmt"
	"regexp"
	"strings"
)

// verdict is what an error code of a vendor means for the letter.
type verdict uint8

const (
	// account: not taken, because of something that the operator has to repair with the vendor. It is what an unknown code
	// means: the vendor said no, so nothing was sent, and codes about letters are fewer and better known.
	account verdict = iota
	busy            // not taken: limits and failures that pass
	refused         // not taken: number or text, for good
	unclear         // the vendor does not know itself
)

// verdicts lists codes by verdict. One that ends in "*" stands for all that begin like it; an exact one goes before it.
type verdicts map[string]verdict

func (v verdicts) of(code string) verdict {
	if verdict, ok := v[code]; ok {
		return verdict
	}
	for known, verdict := range v {
		if prefix, ok := strings.CutSuffix(known, "*"); ok && strings.HasPrefix(code, prefix) {
			return verdict
		}
	}
	return account
}

// wordForm is that of codes and request ids. Messages of vendors are never quoted: they repeat what was sent.
var wordForm = regexp.MustCompile(`^[A-Za-z][0-9A-Za-z._-]{0,79}$`)

// no is the error for an answer with a code that is not the one of success. Without a code it was not the vendor's API
// that answered, but something in front of it: with a failure of its own (5xx) it may have passed the request on before,
// and an answer that claims success (2xx) cannot be believed nor ignored; anything else stopped the request.
func (v verdicts) no(vendor string, status int, code string) error {
	if !wordForm.MatchString(code) {
		if status/100 == 2 || status/100 == 5 {
			return fmt.Errorf("%w: %s: HTTP %d without a code", ErrUncertain, vendor, status)
		}
		return fmt.Errorf("%s: not taken: HTTP %d without a code", vendor, status)
	}
	switch v.of(code) {
	case refused:
		return fmt.Errorf("%w: %s: %s (HTTP %d)", ErrRefused, vendor, code, status)
	case unclear:
		return fmt.Errorf("%w: %s: %s (HTTP %d)", ErrUncertain, vendor, code, status)
	case busy:
		return fmt.Errorf("%s: not taken for now: %s (HTTP %d)", vendor, code, status)
	}
	return fmt.Errorf("%s: not taken, see to account, keys, signature and templates: %s (HTTP %d)", vendor, code, status)
}
