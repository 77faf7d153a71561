package channel

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// tc3 is a request to Tencent Cloud, to be signed with their signature version 3 (TC3-HMAC-SHA256):
// https://cloud.tencent.com/document/api/382/52072
type tc3 struct {
	host    string // with the port, where it is not that of the scheme
	service string // sms
	action  string
	body    []byte
	at      time.Time
}

const (
	tc3ContentType = "application/json; charset=utf-8"
	tc3Headers     = "content-type;host;x-tc-action" // all that is signed, sorted
)

// canonicalRequest has the values of headers in lower case, too.
func (r tc3) canonicalRequest() string {
	return "POST\n/\n\n" +
		"content-type:" + tc3ContentType + "\nhost:" + strings.ToLower(r.host) + "\nx-tc-action:" + strings.ToLower(r.action) + "\n" +
		"\n" + tc3Headers + "\n" + sha256Hex(r.body)
}

// date is in UTC: with that of the time zone, signatures would be wrong for some hours a day.
func (r tc3) date() string { return r.at.UTC().Format(time.DateOnly) }

func (r tc3) scope() string { return r.date() + "/" + r.service + "/tc3_request" }

func (r tc3) timestamp() string { return strconv.FormatInt(r.at.Unix(), 10) }

func (r tc3) stringToSign() string {
	return "TC3-HMAC-SHA256\n" + r.timestamp() + "\n" + r.scope() + "\n" + sha256Hex([]byte(r.canonicalRequest()))
}

// signingKey is good for one day and one service.
func (r tc3) signingKey(secretKey string) []byte {
	key := hmacSHA256([]byte("TC3"+secretKey), r.date())
	return hmacSHA256(hmacSHA256(key, r.service), "tc3_request")
}

func (r tc3) authorization(secretID, secretKey string) string {
	signature := hex.EncodeToString(hmacSHA256(r.signingKey(secretKey), r.stringToSign()))
	return "TC3-HMAC-SHA256 Credential=" + secretID + "/" + r.scope() + ", SignedHeaders=" + tc3Headers + ", Signature=" + signature
}
