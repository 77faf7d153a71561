// Package otpauth reads and writes what the QR code of an authenticator carries: the Key Uri Format (T12), as published
// with Google Authenticator and read by all apps, and secrets in base32 (RFC 4648 section 6).
//
// What String writes every app reads the same: everything but unreserved characters is percent-encoded, since apps
// disagree about "+", and issuer and account have no colon of their own, which separates them. What Parse accepts,
// String writes back to the same key. No error quotes a URI or a secret.
package otpauth

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What apps and systems take for granted when a URI does not say it.
const (
	DefaultAlgorithm = "SHA1"
	DefaultDigits    = 6
	DefaultPeriod    = 30 // seconds
)

// Limits of what is accepted.
const (
	minDigits, maxDigits = 6, 8     // RFC 4226 section 5.3
	minPeriod, maxPeriod = 1, 300   // seconds
	maxURI               = 16 << 10 // bytes; a QR code has 2,953 at most, a line of an exported file more
)

// What keeps a key or a URI from being accepted; ErrBase32 and ErrSecretSize too.
var (
	ErrURI        = errors.New("not an otpauth URI")
	ErrTooLong    = errors.New("the otpauth URI is too long")
	ErrHOTP       = errors.New("a counter-based key (HOTP); only time-based ones (TOTP) are supported")
	ErrRepeated   = errors.New("a parameter is given twice")
	ErrNoSecret   = errors.New("there is no secret")
	ErrAlgorithm  = errors.New("the algorithm is not SHA1, SHA256 or SHA512")
	ErrDigits     = errors.New("the number of digits is not between 6 and 8")
	ErrPeriod     = errors.New("the period is not between 1 and 300 seconds")
	ErrCharacters = errors.New("issuer or account has a control character or is not UTF-8")
	ErrColon      = errors.New("the account has a colon")
)

// Key is what the QR code of an authenticator carries. Printed, it shows its secret: it belongs in no log.
type Key struct {
	Issuer, Account string // people read them: who asks for the code, and for whom
	Secret          []byte // MinSecret to MaxSecret bytes
	Algorithm       string // SHA1, SHA256 or SHA512
	Digits          int    // 6 to 8
	Period          int    // seconds, 1 to 300
}

// String returns the URI (T12). A colon in issuer or account becomes a space.
func (k Key) String() string {
	issuer, account := label(k.Issuer), label(k.Account)
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=%s&digits=%d&period=%d",
		issuer, account, FormatSecret(k.Secret), issuer, k.Algorithm, k.Digits, k.Period)
}

// label percent-encodes everything that is not unreserved (RFC 3986 section 2.3).
func label(s string) string {
	return strings.ReplaceAll(url.QueryEscape(strings.ReplaceAll(s, ":", " ")), "+", "%20")
}

// Check tells what is wrong with a key: its error is ErrSecretSize, ErrAlgorithm, ErrDigits, ErrPeriod or ErrCharacters.
func (k Key) Check() error {
	switch {
	case len(k.Secret) < MinSecret || len(k.Secret) > MaxSecret:
		return ErrSecretSize
	case k.Algorithm != "SHA1" && k.Algorithm != "SHA256" && k.Algorithm != "SHA512":
		return ErrAlgorithm
	case k.Digits < minDigits || k.Digits > maxDigits:
		return ErrDigits
	case k.Period < minPeriod || k.Period > maxPeriod:
		return ErrPeriod
	case !printable(k.Issuer) || !printable(k.Account):
		return ErrCharacters
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Parse reads a URI as it is written here and elsewhere, of at most 16 KiB. Algorithm, digits and period are SHA1, 6 and 30
// when they are absent; other parameters are passed over. The issuer is the parameter's, or else the label's: the parameter
// came later into the format, and is what apps show. Spaces before the account are no part of it, which the format says of
// its label; a colon in it is refused, since nobody can tell whose key it is. So Parse(k.String()) is k whenever Check
// accepts k, and its issuer has no colon, its account no colon and no space in front.
func Parse(uri string) (Key, error) {
	if len(uri) > maxURI {
		return Key{}, ErrTooLong
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return Key{}, ErrURI
	}
	if strings.EqualFold(u.Host, "hotp") {
		return Key{}, ErrHOTP
	}
	if !strings.EqualFold(u.Host, "totp") {
		return Key{}, ErrURI
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Key{}, ErrURI
	}
	for _, values := range query {
		if len(values) > 1 {
			return Key{}, ErrRepeated
		}
	}
	key := Key{Algorithm: DefaultAlgorithm, Digits: DefaultDigits, Period: DefaultPeriod}
	if key.Issuer, key.Account, err = names(u.Path, query.Get("issuer")); err != nil {
		return Key{}, err
	}
	if err := key.parameters(query); err != nil {
		return Key{}, err
	}
	if err := key.Check(); err != nil {
		return Key{}, err
	}
	return key, nil
}

// names takes the label apart: [issuer ":"] *space account.
func names(path, parameter string) (issuer, account string, err error) {
	issuer, account, found := strings.Cut(strings.TrimPrefix(path, "/"), ":")
	if !found {
		issuer, account = "", issuer
	}
	if strings.Contains(account, ":") {
		return "", "", ErrColon
	}
	if parameter != "" {
		issuer = strings.ReplaceAll(parameter, ":", " ")
	}
	return issuer, strings.TrimLeft(account, " "), nil
}

// parameters reads all but the issuer. Empty ones are not taken for absent.
func (k *Key) parameters(query url.Values) (err error) {
	if query.Get("secret") == "" {
		return ErrNoSecret
	}
	if k.Secret, err = ParseSecret(query.Get("secret")); err != nil {
		return err
	}
	if query.Has("algorithm") {
		if k.Algorithm, err = ParseAlgorithm(query.Get("algorithm")); err != nil {
			return err
		}
	}
	if query.Has("digits") {
		if k.Digits, err = number(query.Get("digits"), ErrDigits); err != nil {
			return err
		}
	}
	if query.Has("period") {
		k.Period, err = number(query.Get("period"), ErrPeriod)
	}
	return err
}

func number(text string, failure error) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16) // no sign
	if err != nil {
		return 0, failure
	}
	return int(n), nil
}

// ParseAlgorithm reads the name of a hash function or of the HMAC with it, as systems spell it: sha1, SHA-256, HmacSHA512.
// Its error is ErrAlgorithm.
func ParseAlgorithm(text string) (string, error) {
	name := strings.NewReplacer("-", "", "_", "").Replace(strings.ToUpper(text))
	switch name = strings.TrimPrefix(name, "HMAC"); name {
	case "SHA1", "SHA256", "SHA512":
		return name, nil
	}
	return "", ErrAlgorithm
}
