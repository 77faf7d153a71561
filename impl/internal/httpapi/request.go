package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// maxDetail bounds what a refusal says about a request, in bytes.
const maxDetail = 512

// options of both validations.
var options = &openapi3filter.Options{
	MultiError:                        true,
	IncludeResponseStatus:             true,
	RejectWhenRequestBodyNotSpecified: true,
	AuthenticationFunc:                openapi3filter.NoopAuthenticationFunc, // the gate has authenticated before
	// The handler must see what was validated, member by member: the standard decoder would also take "TYPE" for "type".
	KeepValidatedValue: true,
	RegexCompiler:      compilePattern,
	SchemaValidationOptions: []openapi3.SchemaValidationOption{
		openapi3.DisableSchemaErrorDetails(), // they quote the value, which may be a secret
		openapi3.EnableFormatValidation(),
		openapi3.WithStringFormatValidators(formats),
		openapi3.DefaultsSet(nil), // a default would take the place of a null, which the contract does not take
	},
}

// tidyHeaders makes the declared header parameters what the generated code expects: absent rather than empty, and one
// value where clients are known to send two.
func tidyHeaders(r *http.Request, op *operation) error {
	for _, h := range op.headers {
		values := r.Header[h.name]
		if len(values) == 0 {
			continue
		}
		kept := make([]string, 0, len(values))
		for _, v := range values {
			switch {
			case v == "":
			case utf8.ValidString(v):
				kept = append(kept, v)
			case !h.repeatable: // of those that are known to bring garbage, garbage counts as nothing
				return apierr.ErrRequest.WithDetail("header." + h.name + ": is not UTF-8")
			}
		}
		switch {
		case len(kept) == 0:
			delete(r.Header, h.name)
		case h.repeatable:
			r.Header[h.name] = kept[:1]
		default:
			r.Header[h.name] = kept
		}
	}
	return nil
}

// checkQuery refuses query strings with bytes that no string of the contract can hold, and an empty value of what is no string,
// which the validator takes for none.
func checkQuery(r *http.Request, op *operation) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return apierr.ErrRequest.WithDetail("query: is malformed")
	}
	for name, list := range values {
		for _, text := range append(list, name) {
			if !utf8.ValidString(text) {
				return apierr.ErrRequest.WithDetail("query: is not UTF-8")
			}
			if strings.Contains(text, "\x00") {
				return errNUL("query")
			}
		}
	}
	for _, p := range op.route.Operation.Parameters {
		query := p.Value.In == openapi3.ParameterInQuery && !p.Value.Schema.Value.Type.Is(openapi3.TypeString)
		if query && slices.Contains(values[p.Value.Name], "") {
			return apierr.ErrRequest.WithDetail("query." + p.Value.Name + ": is empty")
		}
	}
	return nil
}

// validateRequest checks a request against its operation.
func validateRequest(ctx context.Context, r *http.Request, op *operation) (*openapi3filter.RequestValidationInput, error) {
	input := &openapi3filter.RequestValidationInput{Request: r, Route: op.route, Options: options}
	if err := checkQuery(r, op); err != nil {
		return input, err
	}
	if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
		return input, apierr.ErrRequest.WithDetail(explain(err)).WithCause(err)
	}
	return input, nil
}

// explain says where a request breaks the contract and how, for the developer who sent it. It never quotes a value.
func explain(err error) string {
	var reasons []string
	walk(err, "", func(where, reason string) {
		text := where + ": " + reason
		for _, known := range reasons {
			if known == text {
				return
			}
		}
		reasons = append(reasons, text)
	})
	text := strings.Join(reasons, "; ")
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail-len("...")], "") + "..."
	}
	return text
}

// walk visits the reasons of a validation error.
func walk(err error, where string, visit func(where, reason string)) {
	//nolint:errorlint // each layer is looked at by itself
	switch e := err.(type) {
	case openapi3.MultiError:
		for _, one := range e {
			walk(one, where, visit)
		}
	case *openapi3filter.RequestError:
		switch {
		case e.Parameter != nil:
			where = e.Parameter.In + "." + e.Parameter.Name
		case e.RequestBody != nil:
			where = "body"
		default:
			visit("body", "is not taken by this operation")
			return
		}
		if errors.Is(e.Err, openapi3filter.ErrInvalidRequired) {
			visit(where, "is required")
			return
		}
		if e.Err == nil {
			visit(where, "is not accepted")
			return
		}
		walk(e.Err, where, visit)
	case *openapi3.SchemaError:
		if pointer := e.JSONPointer(); len(pointer) > 0 {
			where += "." + strings.Join(pointer, ".")
		}
		visit(where, reason(e))
	default:
		visit(where, "cannot be read")
	}
}

// reason words what a schema wants. kin-openapi's own texts are used where they cannot hold a value.
func reason(e *openapi3.SchemaError) string {
	switch e.SchemaField {
	case "required":
		return "is required"
	case "format":
		return "is not of the format " + e.Schema.Format
	case "pattern":
		return "does not match " + e.Schema.Pattern
	case "properties":
		return "is not a member of the contract"
	}
	return e.Reason
}
