package authn

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the documents' scheme
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// SignedRequest is a request in the signature scheme of the official Node SDK.
type SignedRequest struct {
	KeyID     string
	Signature string // base64
	Date      string // header date
	Method    string // header x-authing-signature-method
	Version   string // header x-authing-signature-version
	Nonce     string // header x-authing-signature-nonce

	texts []string // candidates for what was signed
}

// SignatureMethod and SignatureVersion are the only ones there are.
const (
	SignatureMethod  = "HMAC-SHA1"
	SignatureVersion = "1.0"
)

func signedRequest(r *http.Request, credentials string, body []byte) SignedRequest {
	keyID, signature, _ := strings.Cut(credentials, ":")
	return SignedRequest{
		KeyID:     keyID,
		Signature: signature,
		Date:      r.Header.Get("Date"),
		Method:    r.Header.Get("x-authing-signature-method"),
		Version:   r.Header.Get("x-authing-signature-version"),
		Nonce:     r.Header.Get("x-authing-signature-nonce"),
		texts:     stringsToSign(r, body),
	}
}

// Matches tells, in constant time, whether the request was signed with the secret.
func (s SignedRequest) Matches(secret []byte) bool {
	given, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil {
		return false
	}
	matches := false
	for _, text := range s.texts {
		mac := hmac.New(sha1.New, secret)
		mac.Write([]byte(text))
		if hmac.Equal(mac.Sum(nil), given) {
			matches = true
		}
	}
	return matches
}

// stringsToSign writes the request as the SDK did before it signed: method, signed headers, path and parameters. A
// request without parameters has two readings, since the SDK writes "?" also when all of them were undefined. One with a
// parameter that comes twice has none: the SDK sends none, and one of the values would not be covered.
func stringsToSign(r *http.Request, body []byte) []string {
	var b strings.Builder
	b.WriteString(r.Method + "\n")
	names := make([]string, 0, 8)
	for name := range r.Header {
		if lower := strings.ToLower(name); lower == "date" || strings.HasPrefix(lower, "x-authing-") {
			names = append(names, lower)
		}
	}
	slices.Sort(names)
	fold := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ", "\f", " ")
	for _, name := range names {
		b.WriteString(name + ":" + strings.TrimSpace(fold.Replace(strings.Join(r.Header.Values(name), ", "))) + "\n")
	}
	b.WriteString(r.URL.Path)
	params, ok := signedParams(r, body)
	switch {
	case !ok:
		return nil
	case len(params) == 0:
		return []string{b.String(), b.String() + "?"}
	}
	return []string{b.String() + "?" + strings.Join(params, "&")}
}

// signedParams returns the parameters as name=value, sorted as JavaScript sorts strings, values raw; false if one comes twice.
func signedParams(r *http.Request, body []byte) ([]string, bool) {
	values := map[string]string{}
	if r.Method == http.MethodGet {
		query, _ := url.ParseQuery(r.URL.RawQuery) // what cannot be parsed cannot have been signed
		for name, list := range query {
			if len(list) > 1 {
				return nil, false
			}
			values[name] = list[0]
		}
	} else {
		var members map[string]json.RawMessage
		if json.Unmarshal(body, &members) != nil {
			return nil, true
		}
		for name, raw := range members {
			values[name] = signedValue(raw)
		}
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	params := make([]string, len(names))
	for i, name := range names {
		params[i] = name + "=" + values[name]
	}
	return params, true
}

// signedValue writes a JSON value as the SDK signs it: strings bare, everything else as compact JSON, with numbers as they were
// sent. JavaScript writes them in one way only, and a verifier that did so too would take one signature for two bodies.
func signedValue(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil && string(raw) != "null" {
		return text
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return string(raw)
	}
	return compact.String()
}
