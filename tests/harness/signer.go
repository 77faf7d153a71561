package harness

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the documents' scheme
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"sort"
	"strings"
	"unicode/utf16"
)

// Signer signs requests as the official Node SDK does. Like TOTP it shares nothing with the service. A part that is
// empty is left out of the request.
type Signer struct {
	KeyID, Secret          string
	Method, Version, Nonce string
	Date                   string
}

// Signer returns what is needed to sign one request with the default access key.
func (h *Instance) Signer() Signer {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	return Signer{
		KeyID: h.Credentials.AccessKeyID, Secret: h.Credentials.AccessKeySecret,
		Method: "HMAC-SHA1", Version: "1.0", Nonce: hex.EncodeToString(nonce),
		Date: h.Clock.Now().UTC().Format(http.TimeFormat),
	}
}

// Sign is a client editor.
func (s Signer) Sign(_ context.Context, r *http.Request) error {
	for name, value := range map[string]string{
		"Date": s.Date, "x-authing-lang": "zh-CN", "x-authing-sdk-version": "authing-node-sdk:4.0.1",
		"x-authing-signature-method": s.Method, "x-authing-signature-version": s.Version, "x-authing-signature-nonce": s.Nonce,
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	text, err := stringToSign(r)
	if err != nil {
		return err
	}
	mac := hmac.New(sha1.New, []byte(s.Secret))
	mac.Write([]byte(text))
	r.Header.Set("Authorization", "authing "+s.KeyID+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return nil
}

// stringToSign is method, signed headers by name, path and parameters by name, values not encoded.
func stringToSign(r *http.Request) (string, error) {
	var names []string
	for name := range r.Header {
		if name = strings.ToLower(name); name == "date" || strings.HasPrefix(name, "x-authing-") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	params, err := paramsToSign(r)
	if err != nil {
		return "", err
	}
	sort.Slice(params, func(i, j int) bool { return lessUTF16(params[i][0], params[j][0]) })
	text := r.Method + "\n"
	for _, name := range names {
		text += name + ":" + r.Header.Get(name) + "\n"
	}
	text += r.URL.Path
	for i, p := range params {
		text += map[bool]string{true: "?", false: "&"}[i == 0] + p[0] + "=" + p[1]
	}
	return text, nil
}

func paramsToSign(r *http.Request) (params [][2]string, err error) {
	if r.Method == http.MethodGet {
		for name, values := range r.URL.Query() {
			params = append(params, [2]string{name, values[0]})
		}
		return params, nil
	}
	reader, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, err
	}
	for name, value := range members {
		text := string(value)
		if bytes.HasPrefix(value, []byte(`"`)) {
			if err := json.Unmarshal(value, &text); err != nil {
				return nil, err
			}
		}
		params = append(params, [2]string{name, text})
	}
	return params, nil
}

// lessUTF16 is how JavaScript sorts strings.
func lessUTF16(a, b string) bool {
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := 0; i < len(x) && i < len(y); i++ {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return len(x) < len(y)
}
