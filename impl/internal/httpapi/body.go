package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

const (
	// MaxBody is the longest request body, in bytes.
	MaxBody = 64 << 10
	// maxDepth is how deep JSON may nest. Nothing in the contract needs more than a handful.
	maxDepth = 32
	// maxNumber bounds numbers, and its reciprocal those near zero: PostgreSQL writes them out, so that 1e-16383 of a few
	// bytes is one of kilobytes, and does not take 1e-20000 at all.
	maxNumber = 1e64
)

// mediaXML is the type of XML bodies; application/xml is the same by another name (RFC 7303 section 9.2), and generated code
// knows one. For the contract such a body is a text.
const mediaXML = "text/xml"

func init() { openapi3filter.RegisterBodyDecoder(mediaXML, openapi3filter.PlainBodyDecoder) }

// readBody takes the whole body, and refuses what the contract's validator would let pass: a body that is too long, text
// after the JSON value, members that come twice, bytes that are not UTF-8, and NUL, which PostgreSQL has no room for.
func readBody(w http.ResponseWriter, r *http.Request, op *operation) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, apierr.ErrTooLarge.WithDetail(fmt.Sprintf("at most %d bytes", MaxBody))
	case err != nil:
		return nil, apierr.ErrRequest.WithDetail("the body could not be read").WithCause(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	if len(body) == 0 || op.route.Operation.RequestBody == nil {
		return body, nil
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType == "application/xml" {
		mediaType = mediaXML
	}
	if err != nil || op.route.Operation.RequestBody.Value.Content[mediaType] == nil {
		return nil, apierr.ErrMediaType
	}
	r.Header.Set("Content-Type", mediaType) // generated code compares it byte by byte
	switch {
	case !utf8.Valid(body):
		return nil, apierr.ErrRequest.WithDetail("body: is not UTF-8")
	case mediaType == "application/json":
		return body, checkJSON(body)
	case mediaType == mediaXML: // whose operation reads it as what it is
		if bytes.ContainsRune(body, 0) {
			return nil, errNUL("body")
		}
		return body, nil
	}
	return body, checkForm(r, body)
}

// checkForm refuses what is odd about a form. Generated code reads forms together with the query, which the contract
// does not know there, so that is dropped: a password in a URL must not work.
func checkForm(r *http.Request, body []byte) error {
	r.URL.RawQuery = ""
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return apierr.ErrRequest.WithDetail("body: is not a form")
	}
	for name, list := range values {
		switch {
		case len(list) > 1:
			return apierr.ErrRequest.WithDetail("body: a member comes twice")
		case strings.Contains(name+list[0], "\x00"):
			return errNUL("body")
		case !utf8.ValidString(name + list[0]):
			return apierr.ErrRequest.WithDetail("body: is not UTF-8")
		}
	}
	return nil
}

func errNUL(where string) error { return apierr.ErrRequest.WithDetail(where + ": contains NUL") }

// checkJSON reads one JSON value and refuses anything odd about it. It never quotes the body.
func checkJSON(body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := checkValue(decoder, 0); err != nil {
		var refusal *apierr.Error
		if errors.As(err, &refusal) {
			return err
		}
		return apierr.ErrRequest.WithDetail("body: is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return apierr.ErrRequest.WithDetail("body: has more than one JSON value")
	}
	return nil
}

func checkValue(decoder *json.Decoder, depth int) error {
	if depth > maxDepth {
		return apierr.ErrRequest.WithDetail("body: is nested too deeply")
	}
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case string:
		if strings.Contains(t, "\x00") {
			return errNUL("body")
		}
	case json.Number:
		if f, err := t.Float64(); err != nil || f != 0 && (math.Abs(f) > maxNumber || math.Abs(f) < 1/maxNumber) ||
			f == 0 && strings.ContainsAny(t.String(), "eE") {
			return apierr.ErrRequest.WithDetail("body: a number is out of range")
		}
	case json.Delim:
		if t == '{' {
			err = checkObject(decoder, depth)
		} else {
			for err == nil && decoder.More() {
				err = checkValue(decoder, depth+1)
			}
		}
		if err == nil {
			_, err = decoder.Token() // the closing one
		}
	}
	return err
}

func checkObject(decoder *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return apierr.ErrRequest.WithDetail("body: a member comes twice")
		}
		if strings.Contains(name, "\x00") {
			return errNUL("body")
		}
		seen[name] = true
		if err := checkValue(decoder, depth+1); err != nil {
			return err
		}
	}
	return nil
}
