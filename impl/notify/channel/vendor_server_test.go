package channel

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// double stands in for an HTTP API. It checks every request as the vendor would, with none of the code under test, and
// answers what it is told.
type double struct {
	*httptest.Server
	mu       sync.Mutex
	seen     []sms
	faults   []string // what is wrong with requests
	nonces   map[string]bool
	status   int
	answer   string
	location string
}

// sms is what a request asks for, whoever the vendor is.
type sms struct{ to, template, parameters, sign, id string }

// newDouble starts a double. read checks a request and returns what it asks for.
func newDouble(t *testing.T, answer string, read func(d *double, r *http.Request, body []byte) sms) *double {
	t.Helper()
	d := &double{status: http.StatusOK, answer: answer, nonces: map[string]bool{}}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.expect("body", err, nil)
		d.expect("method", r.Method, http.MethodPost)
		d.expect("user agent", r.UserAgent(), "Menshen")
		d.seen = append(d.seen, read(d, r, body))
		if d.location != "" {
			w.Header().Set("Location", d.location)
		}
		w.WriteHeader(d.status)
		_, _ = io.WriteString(w, d.answer)
	}))
	t.Cleanup(d.Close)
	t.Cleanup(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, fault := range d.faults {
			t.Error(fault)
		}
	})
	return d
}

func (d *double) expect(what string, got, want any) {
	if got != want {
		d.faults = append(d.faults, fmt.Sprintf("%s is %v, want %v", what, got, want))
	}
}

func (d *double) got() []sms {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.seen)
}

func (d *double) fresh(at time.Time) {
	if age := time.Since(at).Abs(); age > time.Minute {
		d.faults = append(d.faults, fmt.Sprintf("signed %v ago", age))
	}
}

func testMAC(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, text)
	return h.Sum(nil)
}

func testHash(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// testEscape is section 2 of RFC 3986, spelled out.
func testEscape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// aliyunDouble checks what Alibaba Cloud documents: the query holds the parameters, all of host, content-type and x-acs-*
// is signed, the hash is that of the body, the date is now, a nonce comes once.
func aliyunDouble(t *testing.T) *double {
	return newDouble(t, `{"Message":"OK","RequestId":"R","BizId":"B","Code":"OK"}`, func(d *double, r *http.Request, body []byte) sms {
		d.expect("path", r.URL.Path, "/")
		d.expect("action", r.Header.Get("x-acs-action"), "SendSms")
		d.expect("version", r.Header.Get("x-acs-version"), "2017-05-25")
		d.expect("hash", r.Header.Get("x-acs-content-sha256"), testHash(string(body)))
		at, err := time.Parse("2006-01-02T15:04:05Z", r.Header.Get("x-acs-date"))
		d.expect("date", err, nil)
		d.fresh(at)
		nonce := r.Header.Get("x-acs-signature-nonce")
		d.expect("length of the nonce", len(nonce), 32)
		d.expect("nonce was used", d.nonces[nonce], false)
		d.nonces[nonce] = true

		signed := map[string]string{"host": r.Host}
		for name, values := range r.Header {
			if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-acs-") {
				signed[name] = strings.TrimSpace(values[0])
			}
		}
		names := slices.Sorted(maps.Keys(signed))
		var query []string
		for name, values := range r.URL.Query() {
			query = append(query, testEscape(name)+"="+testEscape(values[0]))
		}
		slices.Sort(query)
		canonical := "POST\n/\n" + strings.Join(query, "&") + "\n"
		for _, name := range names {
			canonical += name + ":" + signed[name] + "\n"
		}
		canonical += "\n" + strings.Join(names, ";") + "\n" + testHash(string(body))
		signature := hex.EncodeToString(testMAC([]byte(canaryKey), "ACS3-HMAC-SHA256\n"+testHash(canonical)))
		d.expect("authorization", r.Header.Get("Authorization"),
			"ACS3-HMAC-SHA256 Credential=key-id,SignedHeaders="+strings.Join(names, ";")+",Signature="+signature)

		q := r.URL.Query()
		d.expect("number of parameters", len(q), 5)
		return sms{q.Get("PhoneNumbers"), q.Get("TemplateCode"), q.Get("TemplateParam"), q.Get("SignName"), q.Get("OutId")}
	})
}

// tencentDouble checks what Tencent Cloud documents: JSON, headers of the action, a timestamp of now, and a signature with
// the key of the day, in UTC.
func tencentDouble(t *testing.T) *double {
	answer := `{"Response":{"SendStatusSet":[{"SerialNo":"1","PhoneNumber":"","Fee":1,"Code":"Ok","Message":"send success","IsoCode":"CN"}],"RequestId":"R"}}`
	return newDouble(t, answer, func(d *double, r *http.Request, body []byte) sms {
		d.expect("URL", r.URL.String(), "/")
		d.expect("action", r.Header.Get("X-TC-Action"), "SendSms")
		d.expect("version", r.Header.Get("X-TC-Version"), "2021-01-11")
		d.expect("region", r.Header.Get("X-TC-Region"), "ap-guangzhou")
		d.expect("content type", r.Header.Get("Content-Type"), "application/json; charset=utf-8")
		seconds, err := strconv.ParseInt(r.Header.Get("X-TC-Timestamp"), 10, 64)
		d.expect("timestamp", err, nil)
		at := time.Unix(seconds, 0).UTC()
		d.fresh(at)

		day := fmt.Sprintf("%04d-%02d-%02d", at.Year(), at.Month(), at.Day())
		canonical := "POST\n/\n\ncontent-type:application/json; charset=utf-8\nhost:" + r.Host + "\nx-tc-action:sendsms\n\ncontent-type;host;x-tc-action\n" + testHash(string(body))
		text := fmt.Sprintf("TC3-HMAC-SHA256\n%d\n%s/sms/tc3_request\n%s", seconds, day, testHash(canonical))
		key := testMAC(testMAC(testMAC([]byte("TC3"+canaryKey), day), "sms"), "tc3_request")
		d.expect("authorization", r.Header.Get("Authorization"), fmt.Sprintf(
			"TC3-HMAC-SHA256 Credential=key-id/%s/sms/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=%x", day, testMAC(key, text)))

		var parameters struct {
			PhoneNumberSet                                          []string
			SmsSdkAppId, SignName, TemplateId, SessionContext, Junk string
			TemplateParamSet                                        []string
		}
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.DisallowUnknownFields()
		d.expect("JSON", decoder.Decode(&parameters), nil)
		d.expect("app", parameters.SmsSdkAppId, "1400006666")
		d.expect("parameters are null", parameters.TemplateParamSet == nil, false)
		return sms{
			strings.Join(parameters.PhoneNumberSet, ","), parameters.TemplateId, strings.Join(parameters.TemplateParamSet, ","),
			parameters.SignName, parameters.SessionContext,
		}
	})
}
