package puzzle

import (
	"fmt"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// Kind is what a person is asked to do.
type Kind string

// The kinds.
const (
	Digits     Kind = "digits"     // type six digits
	Letters    Kind = "letters"    // type five letters, in either case
	Arithmetic Kind = "arithmetic" // solve a sum
	Chinese    Kind = "chinese"    // type four Chinese characters
	Audio      Kind = "audio"      // type six digits that are spoken
)

// UnmarshalText reads a kind of the configuration.
func (k *Kind) UnmarshalText(text []byte) error {
	switch kind := Kind(text); kind {
	case Digits, Letters, Arithmetic, Chinese, Audio:
		*k = kind
		return nil
	}
	return fmt.Errorf("%q is no kind of captcha: want %s, %s, %s, %s or %s", text, Digits, Letters, Arithmetic, Chinese, Audio)
}

// Random is where answers come from; it must be unpredictable (C1).
type Random interface {
	Digits(n int) string // n decimal digits, uniformly
	Pick(n int) int      // a number of [0,n), uniformly
}

// Puzzle is a challenge and what solves it.
type Puzzle struct {
	Answer   string // in normal form: compare it with Normal of what was typed
	kind     Kind
	question string
}

// Make makes up a puzzle.
func Make(k Kind, r Random) (Puzzle, error) {
	question, answer, err := ask(k, r)
	return Puzzle{Normal(answer), k, question}, err
}

// Show draws or speaks a puzzle, which takes its time: a data URI (RFC 2397), image/png of 240 x 80 pixels, or audio/wav.
// The language is the voice's; pictures have none.
func (p Puzzle) Show(l lang.Lang) (url string, err error) {
	if p.kind == Audio {
		url, err = speak(p.question, l)
	} else {
		url, err = draw(p.kind, p.question)
	}
	if err != nil {
		return "", fmt.Errorf("captcha of %s: %w", p.kind, err)
	}
	return url, nil
}
