// Package address reads e-mail addresses and phone numbers into the one form in which they are stored, compared and sent
// to (C10). What it lets through has no line break and no second recipient in it.
package address

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// What something is not.
var (
	ErrEmail = errors.New("not an e-mail address")
	ErrPhone = errors.New("not a phone number")
)

// maxEmail is the longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3, without the brackets).
const maxEmail = 254

// maxLocal is the longest part before the @, in bytes (RFC 5321 section 4.5.3.1.1).
const maxLocal = 64

// Email returns an address as it is stored and as it is compared. The domain has the form of the DNS for both (RFC 5891), so
// that two spellings of it are one. The local part is compared in lower case, because no mail host in use keeps "Alice@" and
// "alice@" apart; letters beyond ASCII stay as they are, since some of them (U+212A) would become others.
func Email(address string) (stored, key string, err error) {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return "", "", ErrEmail
	}
	at := strings.LastIndexByte(address, '@')
	local := address[:at]
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil || !strings.Contains(domain, ".") || strings.HasSuffix(domain, ".") || !distinct(local) {
		return "", "", ErrEmail
	}
	stored, key = local+"@"+domain, lower(local)+"@"+domain
	if len(local) > maxLocal || len(stored) > maxEmail {
		return "", "", ErrEmail
	}
	return stored, key, nil
}

// distinct tells whether a local part looks like no other one: it is not another way to write the same characters, and has
// none that cannot be seen.
func distinct(local string) bool {
	return norm.NFKC.IsNormalString(local) && !strings.ContainsFunc(local, func(r rune) bool { return !unicode.IsPrint(r) })
}

// lower is local in lower case as far as it is ASCII.
func lower(local string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, local)
}

// Mailbox returns the key of an e-mail address without the tag that most mail hosts pass over: "alice+news@" is "alice@".
func Mailbox(key string) string {
	at := strings.LastIndexByte(key, '@')
	if plus := strings.IndexByte(key[:max(at, 0)], '+'); plus > 0 {
		return key[:plus] + key[at:]
	}
	return key
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

// Mobile tells whether a number in E.164 can be one that receives SMS at no special price: a mobile phone's, or one of a
// country that does not tell them apart.
func Mobile(e164 string) bool {
	parsed, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return false
	}
	t := phonenumbers.GetNumberType(parsed)
	return t == phonenumbers.MOBILE || t == phonenumbers.FIXED_LINE_OR_MOBILE
}

// Countries are all that have phone numbers, as ISO 3166-1 alpha-2.
func Countries() map[string]bool { return phonenumbers.GetSupportedRegions() }

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
