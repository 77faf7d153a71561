package channel

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Lengths of a secret, in bytes, by the specification.
const (
	minWebhookSecret = 24
	maxWebhookSecret = 64
)

// webhookSecrets reads secrets in the form of Standard Webhooks, whsec_ and base64, separated by spaces.
func webhookSecrets(text string) ([][]byte, error) {
	var secrets [][]byte
	for field := range strings.FieldsSeq(text) {
		encoded, ok := strings.CutPrefix(field, "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < minWebhookSecret || len(key) > maxWebhookSecret {
			return nil, errors.New("a secret is not whsec_ and the base64 of 24 to 64 bytes")
		}
		secrets = append(secrets, key)
	}
	if len(secrets) == 0 {
		return nil, errors.New("a secret is needed")
	}
	return secrets, nil
}

// webhookSignature signs with every secret, for receivers that know the old one or the new one. id has no full stop.
func webhookSignature(secrets [][]byte, id string, at time.Time, body []byte) string {
	signed := id + "." + webhookTimestamp(at) + "." + string(body)
	var signatures []string
	for _, key := range secrets {
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(hmacSHA256(key, signed)))
	}
	return strings.Join(signatures, " ")
}

func webhookTimestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
