package account

import (
	"net/mail"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/width"
)

// maxUsername is the longest user name, in characters.
const maxUsername = 64

// usernameKey checks a user name and returns the form in which names are compared (RFC 8265 UsernameCaseMapped). A user
// name can be told from an e-mail address and a phone number by its looks, so that a login form needs one field.
func usernameKey(name string) (string, error) {
	key, err := precis.UsernameCaseMapped.String(name)
	if err != nil || len([]rune(key)) > maxUsername {
		return "", ErrUsername
	}
	digits := true
	for _, r := range key {
		if !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune("._-", r) {
			return "", ErrUsername
		}
		digits = digits && unicode.IsDigit(r)
	}
	if digits || identifierKind(key) != ByUsername {
		return "", ErrUsername
	}
	return key, nil
}

// email is an address as it is stored and as it is compared: the domain in lower case for both, the local part for
// comparison only, because no mail host in use keeps "Alice@" and "alice@" apart.
func email(address string) (stored, key string, err error) {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return "", "", ErrEmail
	}
	at := strings.LastIndexByte(address, '@')
	stored = address[:at+1] + strings.ToLower(address[at+1:])
	return stored, strings.ToLower(stored), nil
}

// phone returns a number in E.164 (C10). countryCode, like "+86", may be empty: then a number without "+" is one of
// region.
func phone(number, countryCode, region string) (string, error) {
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

// splitPhone takes a number in E.164 apart into country code, like "+86", and national number.
func splitPhone(e164 string) (countryCode, national string) {
	parsed, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return "", e164
	}
	national = phonenumbers.GetNationalSignificantNumber(parsed)
	return strings.TrimSuffix(e164, national), national
}

// identifierKind tells what the one field of a login form holds.
func identifierKind(account string) IDType {
	switch {
	case strings.Contains(account, "@"):
		return ByEmail
	case strings.Trim(account, "+0123456789 -()") == "" && strings.ContainsAny(account, "0123456789"):
		return ByPhone
	}
	return ByUsername
}
