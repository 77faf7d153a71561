package channel

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
)

// acs3 is a request to Alibaba Cloud, to be signed with their signature version 3 (ACS3-HMAC-SHA256):
// https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
type acs3 struct {
	host    string // with the port, where it is not that of the scheme
	action  string
	version string
	query   url.Values
	body    []byte
	at      time.Time
	nonce   string // never used twice
}

// acs3Headers are all that is signed, sorted.
const acs3Headers = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"

// header is what goes with the request, but for the authorization.
func (r acs3) header() map[string]string {
	return map[string]string{
		"host":                  r.host,
		"x-acs-action":          r.action,
		"x-acs-content-sha256":  sha256Hex(r.body),
		"x-acs-date":            r.at.UTC().Format(time.RFC3339),
		"x-acs-signature-nonce": r.nonce,
		"x-acs-version":         r.version,
	}
}

// canonicalQuery is sorted by name and escaped as RFC 3986 has it, where a space is %20.
func (r acs3) canonicalQuery() string { return strings.ReplaceAll(r.query.Encode(), "+", "%20") }

func (r acs3) canonicalRequest() string {
	header, lines := r.header(), ""
	for name := range strings.SplitSeq(acs3Headers, ";") {
		lines += name + ":" + header[name] + "\n"
	}
	return strings.Join([]string{"POST", "/", r.canonicalQuery(), lines, acs3Headers, sha256Hex(r.body)}, "\n")
}

func (r acs3) stringToSign() string {
	return "ACS3-HMAC-SHA256\n" + sha256Hex([]byte(r.canonicalRequest()))
}

func (r acs3) authorization(keyID, keySecret string) string {
	signature := hex.EncodeToString(hmacSHA256([]byte(keySecret), r.stringToSign()))
	return "ACS3-HMAC-SHA256 Credential=" + keyID + ",SignedHeaders=" + acs3Headers + ",Signature=" + signature
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
