package harness

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 4226
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

// TOTP computes the code of a secret (base32) at a time, after RFC 4226 section 5.3 and RFC 6238 section 4.2. It shares
// nothing with the service, so that the two can be compared.
func TOTP(secret string, at time.Time) (string, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	truncated := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff
	return fmt.Sprintf("%06d", truncated%1_000_000), nil
}
