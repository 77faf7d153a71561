package httpapi

import (
	"errors"
	"net/mail"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// formats are the string formats of the contract that kin-openapi would pass over. A format that is used and missing
// here is found by a test.
var formats = map[string]openapi3.StringFormatValidator{
	"email":    openapi3.NewCallbackValidator(checkEmail),
	"uri":      openapi3.NewCallbackValidator(checkURI),
	"password": openapi3.NewCallbackValidator(func(string) error { return nil }), // a hint for input fields
	"binary":   openapi3.NewCallbackValidator(func(string) error { return nil }), // any bytes
}

// checkEmail takes a bare address (RFC 5322 addr-spec) with a dotted domain.
func checkEmail(s string) error {
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s || address.Name != "" {
		return errors.New("is not an e-mail address")
	}
	local, domain, _ := strings.Cut(s, "@")
	if len(local) > 64 || strings.HasPrefix(domain, "[") || !strings.Contains(strings.Trim(domain, "."), ".") {
		return errors.New("is not an e-mail address")
	}
	return nil
}

// checkURI takes absolute URIs (RFC 3986).
func checkURI(s string) error {
	if u, err := url.Parse(s); err != nil || !u.IsAbs() {
		return errors.New("is not an absolute URI")
	}
	return nil
}
