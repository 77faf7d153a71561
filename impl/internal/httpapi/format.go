package httpapi

import (
	"errors"
	"net/url"

	"github.com/getkin/kin-openapi/openapi3"
)

// formats are the string formats of the contract that kin-openapi would pass over. A format that is used and missing
// here is found by a test.
var formats = map[string]openapi3.StringFormatValidator{
	"uri":      openapi3.NewCallbackValidator(checkURI),
	"password": openapi3.NewCallbackValidator(func(string) error { return nil }), // a hint for input fields
	"binary":   openapi3.NewCallbackValidator(func(string) error { return nil }), // any bytes
}

// checkURI takes absolute URIs (RFC 3986).
func checkURI(s string) error {
	if u, err := url.Parse(s); err != nil || !u.IsAbs() {
		return errors.New("is not an absolute URI")
	}
	return nil
}
