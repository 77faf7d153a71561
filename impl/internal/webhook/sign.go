package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Lengths of a secret, in bytes, by the specification.
const (
	minSecret = 24
	maxSecret = 64
	newSecret = 32
)

const secretPrefix = "whsec_"

// NewSecret makes a secret in the form of Standard Webhooks.
func NewSecret() string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secret.Bytes(newSecret))
}

// Secrets reads secrets in the form of Standard Webhooks, whsec_ and base64, separated by spaces.
func Secrets(text string) ([][]byte, error) {
	var secrets [][]byte
	for field := range strings.FieldsSeq(text) {
		encoded, ok := strings.CutPrefix(field, secretPrefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
			return nil, errors.New("a secret is not whsec_ and the base64 of 24 to 64 bytes")
		}
		secrets = append(secrets, key)
	}
	if len(secrets) == 0 {
		return nil, errors.New("a secret is needed")
	}
	return secrets, nil
}

// Header is what goes with a body: its type, and what proves who sent it, and when. It is signed with every secret, for
// receivers that know the old one or the new one. id has no full stop, and is the same for every try of one event.
func Header(secrets [][]byte, id string, at time.Time, body []byte) map[string]string {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signed := id + "." + timestamp + "." + string(body)
	var signatures []string
	for _, key := range secrets {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(signed))
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return map[string]string{
		"Content-Type":      "application/json",
		"webhook-id":        id,
		"webhook-timestamp": timestamp,
		"webhook-signature": strings.Join(signatures, " "),
	}
}
