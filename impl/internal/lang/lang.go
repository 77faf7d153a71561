// Package lang chooses between the languages that Menshen speaks to people.
package lang

import "golang.org/x/text/language"

// Lang is a language of messages.
type Lang uint8

// The languages; English is the default.
const (
	English Lang = iota
	Chinese
)

var matcher = language.NewMatcher([]language.Tag{language.English, language.Chinese})

// Match reads the values of Accept-Language headers (RFC 9110 section 12.5.4) in order and returns the language of the
// first that names one that we speak. What it cannot read it passes over.
func Match(values ...string) Lang {
	for _, value := range values {
		if len(value) > 256 { // longer ones are not written by browsers
			continue
		}
		tags, _, err := language.ParseAcceptLanguage(value)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, index, confidence := matcher.Match(tags...); confidence != language.No { // "*" names none
			return Lang(index)
		}
	}
	return English
}

// String returns the BCP 47 tag.
func (l Lang) String() string {
	if l == Chinese {
		return "zh"
	}
	return "en"
}
