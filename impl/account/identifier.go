package account

import (
	"strings"
	"unicode"

	"golang.org/x/text/secure/precis"

	"github.com/menshen-auth/menshen/impl/internal/address"
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

// email is address.Email with a refusal.
func email(text string) (stored, key string, err error) {
	stored, key, err = address.Email(text)
	if err != nil {
		err = ErrEmail
	}
	return stored, key, err
}

// phone is address.Phone with a refusal.
func phone(number, countryCode, region string) (string, error) {
	e164, err := address.Phone(number, countryCode, region)
	if err != nil {
		err = ErrPhone
	}
	return e164, err
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

// splitIdentity reads "<source>:<id there>". It splits at the first colon: ids at a source may have more (T16).
func splitIdentity(text string) (source, id string, err error) {
	source, id, ok := strings.Cut(text, ":")
	if !ok || source == "" || id == "" {
		return "", "", ErrUserID
	}
	return source, id, nil
}
