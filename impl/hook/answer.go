package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/menshen-auth/menshen/impl/internal/webhook"
)

const (
	maxAnswer  = 16 << 10 // bytes
	maxMessage = 256      // characters
)

// decision is what a pre hook says.
type decision struct {
	deny    bool
	message string // for the person; empty for none that can be shown
}

var errAnswer = errors.New("an answer that makes no sense")

// decide reads the answer of a pre hook. Errors quote nothing of it.
func decide(a webhook.Answer) (decision, error) {
	switch {
	case a.Status/100 != 2:
		return decision{}, fmt.Errorf("HTTP %d", a.Status)
	case !a.Whole:
		return decision{}, errors.New("an answer that breaks off or is too long")
	case len(bytes.TrimSpace(a.Body)) == 0:
		return decision{}, nil
	}
	var answer struct {
		Decision string          `json:"decision"`
		Message  json.RawMessage `json:"message"`
	}
	if err := json.Unmarshal(a.Body, &answer); err != nil {
		return decision{}, errAnswer
	}
	switch answer.Decision {
	case "allow":
		return decision{}, nil
	case "deny":
		return decision{deny: true, message: shown(answer.Message)}, nil
	}
	return decision{}, errAnswer
}

// shown is the message if it is plain text of one line. One that is not does not make a denial less of one.
func shown(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	text = strings.TrimSpace(text)
	plain := !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError })
	if !plain || utf8.RuneCountInString(text) > maxMessage {
		return ""
	}
	return text
}
