// Package address reads e-mail addresses and phone numbers into the one form in which they are stored, compared and sent
// to (C10). What it lets through has no line break and no second recipient in it.
package address

import (
	"errors"
	"net/mail"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/width"
)

// What something is not.
var (
	ErrEmail = errors.New("not an e-mail address")
	ErrPhone = errors.New("not a phone number")
)

// maxEmail is the longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3, without the brackets).
const maxEmail = 254

// Email returns an address as it is stored and as it is compared: the domain in lower case for both, the local part for
// comparison only, because no mail host in use keeps "Alice@" and "alice@" apart.
func Email(address string) (stored, key string, err error) {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > maxEmail {
		return "", "", ErrEmail
	}
	at := strings.LastIndexByte(address, '@')
	stored = address[:at+1] + strings.ToLower(address[at+1:])
	return stored, strings.ToLower(stored), nil
}

// Phone returns a number in E.164. countryCode, like "+86", may be empty: then a number without "+" is one of region
// (ISO 3166-1 alpha-2).
func Phone(number, countryCode, region string) (string, error) {
	number = width.Narrow.String(number)
	if strings.Trim(number, "+0123456789 -().") != "" { // the library also reads letters and extensions
		return "", ErrPhone
	}
	if code := strings.TrimPrefix(countryCode, "+"); code != "" && !strings.HasPrefix(number, "+") {
		number = "+" + code + number
	}
	parsed, err := phonenumbers.Parse(number, region)
	if err != nil || !phonenumbers.IsValidNumber(parsed) {
		return "", ErrPhone
	}
	return phonenumbers.Format(parsed, phonenumbers.E164), nil
}

// SplitPhone takes a number in E.164 apart into country code, like "+86", and national number.
func SplitPhone(e164 string) (countryCode, national string) {
	parsed, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return "", e164
	}
	national = phonenumbers.GetNationalSignificantNumber(parsed)
	return strings.TrimSuffix(e164, national), national
}

// Country returns the country of a number in E.164, as ISO 3166-1 alpha-2; "ZZ" for a number of none.
func Country(e164 string) string {
	parsed, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return "ZZ"
	}
	return phonenumbers.GetRegionCodeForNumber(parsed)
}

// prefixCut is how many digits at the end of a phone number tell neighbours apart: numbers are handed out in blocks of ten
// thousand, and whoever earns by receiving SMS has whole blocks.
const prefixCut = 4

// Prefix returns what a number in E.164 shares with the ten thousand of its block.
func Prefix(e164 string) string { return e164[:max(0, len(e164)-prefixCut)] }
