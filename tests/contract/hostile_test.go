package contract

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/tests/harness"
)

// hostile is a request that somebody sends who means no good.
type hostile struct {
	name string // of the input: what is wrong about the request, and with which part of it
	r    request
}

// hostileTexts are JSON strings, as they are written, that break what does not expect them.
var hostileTexts = map[string]string{
	"empty":              `""`,
	"blank":              `"   "`,
	"NUL":                `"a\u0000b"`,
	"lone surrogate":     `"\ud800"`,
	"noncharacter":       `"\uffff"`,
	"full-width digits":  `"４９２０３９"`,
	"other digits":       `"٤٩٢٠٣٩"`,
	"line breaks":        `"a\r\nSet-Cookie: x=1\r\n\r\n"`,
	"right to left":      `"\u202egnp.exe"`,
	"combining":          `"` + strings.Repeat(`e\u0301`, 100) + `"`,
	"very long":          `"` + strings.Repeat("a", 60_000) + `"`,
	"very long, Chinese": `"` + strings.Repeat("门", 20_000) + `"`,
	"SQL":                `"' OR 1=1; DROP TABLE users; --"`,
	"LIKE":               `"%_\\"`,
	"format":             `"%s%n%x{{.}}${jndi:ldap://x}"`,
	"markup":             `"<script>alert(1)</script>"`,
	"XML entity":         `"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"`,
	"path":               `"../../../../etc/passwd"`,
	"prototype":          `"__proto__"`,
}

// hostileValues are JSON that is not of the type that is asked for.
var hostileValues = map[string]string{
	"null":            `null`,
	"true":            `true`,
	"number":          `7`,
	"minus zero":      `-0`,
	"beyond float":    `1e400`,
	"huge integer":    `123456789012345678901234567890123456789012345678901234567890`,
	"max int64 and 1": `9223372036854775808`,
	"fraction":        `0.1`,
	"array":           `[]`,
	"object":          `{}`,
	"list of lists":   `[[[[[]]]]]`,
	"10,000 levels":   strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
	"NaN":             `NaN`,
	"raw NUL":         "\"a\x00b\"",
	"bad UTF-8":       "\"\xff\xfe\xfd\"",
	"overlong UTF-8":  "\"\xc0\xaf\"",
	"megabyte":        `"` + strings.Repeat("a", 1<<20) + `"`,
}

// hostileBodies are whole bodies, and what they claim to be.
var hostileBodies = map[string]struct{ media, body string }{
	"nothing":                   {mediaJSON, ""},
	"null":                      {mediaJSON, "null"},
	"array":                     {mediaJSON, "[1,2,3]"},
	"number":                    {mediaJSON, "1e400"},
	"open brackets":             {mediaJSON, strings.Repeat("[", 60_000)},
	"open objects":              {mediaJSON, strings.Repeat(`{"a":`, 12_000)},
	"many members":              {mediaJSON, manyMembers(4_000)},
	"many times the same":       {mediaJSON, `{` + strings.TrimSuffix(strings.Repeat(`"a":1,`, 9_000), ",") + `}`},
	"gzip":                      {mediaJSON, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00"},
	"UTF-16":                    {"application/json; charset=utf-16", "\xff\xfe{\x00}\x00"},
	"XML":                       {"application/xml", `<!DOCTYPE a [<!ENTITY x "x">]><a>&x;</a>`},
	"YAML":                      {"application/yaml", "a: &a [*a, *a]"},
	"form":                      {mediaForm, "a=b&a=c&%00=%ff"},
	"form of 10,000 members":    {mediaForm, strings.Repeat("a&", 10_000)},
	"multipart":                 {"multipart/form-data; boundary=" + strings.Repeat("x", 70), "--x"},
	"media type without end":    {"application/json; charset=\"", "{}"},
	"media type that is long":   {mediaJSON + "; a=" + strings.Repeat("b", 8<<10), "{}"},
	"media type of no one":      {"*/*", "{}"},
	"no media type":             {"", "{}"},
	"half a media type":         {"application", "{}"},
	"text":                      {"text/plain", "{}"},
	"text that is JSON":         {"text/json", "{}"},
	"JSON of an older name":     {"application/x-javascript", "{}"},
	"JSON by its suffix":        {"application/vnd.api+json", "{}"},
	"JSON, and more":            {"application/json, text/plain", "{}"},
	"JSON, twice":               {mediaJSON, "{}{}"},
	"JSON, and a comment":       {mediaJSON, "{}/**/"},
	"JSON in quotes":            {mediaJSON, `"{}"`},
	"byte order mark":           {mediaJSON, "\xef\xbb\xbf{}"},
	"a member without a name":   {mediaJSON, `{"":{"":{"":1}}}`},
	"bytes":                     {"application/octet-stream", "\x00\x01\x02\xff"},
	"lines of JSON":             {"application/x-ndjson", "{}\n{}\n"},
	"CBOR":                      {"application/cbor", "\xa0"},
	"JSON with problems":        {mediaProblem, "{}"},
	"JSON for another encoding": {"application/json;charset=\xff", "{}"},
}

// gzipBomb is a JSON text of 16 MiB in 16 kB.
var gzipBomb = sync.OnceValue(func() string {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for range 16 {
		if _, err := w.Write([]byte(`"` + strings.Repeat("a", 1<<20-2) + `"`)); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return packed.String()
})

func manyMembers(n int) string {
	members := map[string]int{}
	for i := range n {
		members[fmt.Sprintf("m%d", i)] = i
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// hostileParameters are values of query parameters, escaped.
var hostileParameters = []string{
	"", "%00", "%ff%fe", "%zz", "%", "a&a", "a%0d%0aSet-Cookie:x", "%27%20OR%201=1", strings.Repeat("a", 8<<10), "%F0%9F%98%80", "[]", "a;b",
	"%EF%BC%94%EF%BC%99", "null", "true", ":", "a:", ":a", "%2e%2e%2f", "+%2B+",
}

// hostileHeaders are values of headers. Line breaks and NUL never get past net/http, on either side.
var hostileHeaders = []string{
	"", " ", "\xff\xfe", strings.Repeat("a", 8<<10), "a,b", `"`, "null", "authing \xff:x", "authing :", "Bearer ", "Bearer \xff", "Basic",
	"Basic !", "Basic " + base64.StdEncoding.EncodeToString([]byte("\x00:\x00")), "Basic " + base64.StdEncoding.EncodeToString([]byte("\xff:\xff")),
	"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "........", "%00", "en;q=x, zh;q=-1", "门",
}

// cheap are bodies that are refused before a password is hashed or a sound is made, which costs more than all else
// together and says nothing about a header.
var cheap = map[string]string{
	"createCaptcha": `{"type":"email","use":"login","account":"a"}`, "changePassword": `{"type":"email","password":"12345678"}`,
	"loginWithCaptcha": `{"account":"a","loginType":"email","codeID":"c","code":"1"}`,
	"loginUser":        "{}", "registerUser": `{"username":"1","password":"12345678"}`, "signIn": `{"connection":"LDAP"}`,
	"createUser": `{"username":"bob","email":"bob@example.com","phone":"13800138000","externalId":"a","identities":[{"extIdpId":"a","provider":"b","userIdInIdp":"c","type":"openid","userInfoInIdp":{"d":1},"originConnIds":["a"]}]}`,
}

// hostileXML are XML bodies that cost more than they say, or that reach for what they should not.
var hostileXML = map[string]string{
	"nothing":    "",
	"JSON":       "{}",
	"text":       "门神",
	"NUL":        "<xml>\x00</xml>",
	"bad UTF-8":  "<xml>\xff</xml>",
	"open tags":  strings.Repeat("<a>", 16_000),
	"deep":       strings.Repeat("<xml>", 5_000) + strings.Repeat("</xml>", 5_000),
	"attributes": "<xml " + strings.Repeat(`a="" `, 10_000) + "/>",
	"bomb":       `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><xml>&b;</xml>`,
	"file":       `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Content>&f;</Content></xml>`,
	"charset":    `<?xml version="1.0" encoding="UTF-7"?><xml>+ADw-</xml>`,
	"megabyte":   "<xml>" + strings.Repeat("a", 1<<20) + "</xml>",
}

// hostileRequests makes the table for one operation.
func hostileRequests(op operation) []hostile {
	var list []hostile
	add := func(name string, r request) { list = append(list, hostile{name, r}) }
	plain := request{method: op.method, path: op.path}
	if media := op.body(mediaJSON); media != nil {
		objects := samples(op)
		plain.media, plain.body = mediaJSON, cmp.Or(cheap[op.OperationID], string(objects[0]))
		if op.OperationID == "createUser" {
			objects = [][]byte{[]byte(plain.body)} // registerUser has the same passwords
		}
		for _, object := range objects {
			for _, values := range []map[string]string{hostileTexts, hostileValues} {
				for _, name := range slices.Sorted(maps.Keys(values)) {
					eachMember(object, func(replace func(string) string) { add("member: "+name, post(op.path, replace(values[name]))) })
				}
			}
		}
		if cheap[op.OperationID] != "" {
			list = every(2, list)
		}
		eachMember(objects[0], func(replace func(string) string) {
			add("member twice", post(op.path, replace(`1,"x":1,"x":2`)))
		})
		for name, b := range hostileBodies {
			add("body: "+name, request{path: op.path, media: b.media, body: b.body})
		}
		add("claims to be gzip", plain.with("Content-Encoding", "gzip"))
		bomb := request{path: op.path, media: mediaJSON, body: gzipBomb()}
		add("gzip bomb", bomb.with("Content-Encoding", "gzip"))
		add("gzip bomb, not said", bomb)
		add("deflate", plain.with("Content-Encoding", "deflate, br"))
	} else if op.body(mediaForm) != nil {
		plain.media, plain.body = mediaForm, form(samples(op)[0])
		for _, value := range hostileParameters {
			eachMember(samples(op)[0], func(replace func(string) string) {
				body := strings.Replace(form([]byte(replace(`"☠"`))), "%E2%98%A0", value, 1)
				add("member: "+value, request{path: op.path, media: mediaForm, body: body})
			})
		}
		for name, b := range hostileBodies {
			add("body: "+name, request{path: op.path, media: b.media, body: b.body})
			add("form: "+name, request{path: op.path, media: mediaForm, body: b.body})
		}
	} else if op.body(mediaXML) != nil {
		plain.media, plain.body = mediaXML, xmlSample(op)
		for name, body := range hostileXML {
			add("XML: "+name, request{path: op.path + requiredQuery(op), media: mediaXML, body: body})
			add("application/xml: "+name, request{path: op.path + requiredQuery(op), media: "application/xml; charset=utf-8", body: body})
		}
	} else {
		add("body that nobody wants", request{method: op.method, path: op.path, media: mediaJSON, body: "{}"})
	}
	query := requiredQuery(op)
	plain.path += query
	for _, value := range hostileParameters {
		add("parameter nobody knows: "+value, request{method: op.method, path: op.path + "?" + value + "=" + value, media: plain.media, body: plain.body})
		for _, p := range op.Parameters {
			if p.Value.In == openapi3.ParameterInQuery {
				add("parameter: "+value, get(op.path+"?"+p.Value.Name+"="+value))
				add("parameter twice: "+value, get(op.path+"?"+p.Value.Name+"=a&"+p.Value.Name+"="+value))
			}
		}
	}
	for _, name := range headersOf(op) {
		for _, value := range hostileHeaders {
			add("header: "+value, plain.with(name, value))
			add("header twice: "+value, plain.with(name, value).with(name, "x"))
		}
	}
	return every(cmp.Or(costly[op.OperationID], 1), list)
}

// costly are operations whose answers take long to make or to validate; they get some of the requests only.
var costly = map[string]int{"getContractYAML": 20, "getContractJSON": 20, "getMFAQRCode": 8}

// every returns the first of each n requests.
func every(n int, list []hostile) []hostile {
	var some []hostile
	for chunk := range slices.Chunk(list, n) {
		some = append(some, chunk[0])
	}
	return some
}

// requiredQuery fills the required parameters, so that what is hostile elsewhere gets further.
func requiredQuery(op operation) string {
	query := url.Values{}
	for _, p := range op.Parameters {
		if p.Value.In == openapi3.ParameterInQuery && p.Value.Required {
			query.Set(p.Value.Name, "a")
		}
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}

// headersOf lists the headers that an operation reads. Those that the gate reads for every operation are tried at one of
// each dialect.
func headersOf(op operation) []string {
	names := []string{"Authorization"}
	for _, p := range op.Parameters {
		if p.Value.In == openapi3.ParameterInHeader {
			names = append(names, p.Value.Name)
		}
	}
	if everywhere := map[string]bool{"getUserInfo": true, "getUser": true, "createCaptcha": true}; everywhere[op.OperationID] {
		names = append(names, "Accept", "X-Request-Id", "User-Agent", "X-Forwarded-For", "x-authing-lang", "If-None-Match")
	}
	return names
}

// TestHostileRequests: nothing that somebody sends makes the service fail. Whatever comes back is an answer of the
// operation, in its dialect, and valid against the contract; and the service is alive afterwards. All of it is sent with
// good credentials, so that it gets as far as it can.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	h := start(t)
	token := bearer(t, h)
	alice := h.SignUp("alice")
	total, inputs := 0, map[string]bool{}
	t.Run("operations", func(t *testing.T) {
		for n, op := range operations(t) {
			credentials := map[string]string{"Access-Token": alice.AccessToken, "Authorization": alice.AccessToken}
			if takes(op, "ManagementToken") {
				credentials["Authorization"] = token
			}
			requests := share(hostileRequests(op), n)
			total += len(requests)
			for _, c := range requests {
				inputs[c.name] = true
			}
			t.Run(op.OperationID, func(t *testing.T) {
				t.Parallel()
				for _, c := range requests {
					checkHostile(t, h, op, c.name, c.r.unless(credentials))
				}
			})
		}
	})
	t.Attr("inputs", strconv.Itoa(len(inputs)))
	t.Attr("requests", strconv.Itoa(total))
	if total < 3000 || len(inputs) < 200 {
		t.Errorf("only %d requests of %d inputs", total, len(inputs))
	}
	if a := send(t, h, get("/readyz")); a.status != http.StatusOK {
		t.Errorf("the service is not ready afterwards: %s", a.body)
	}
}

// share is every third of the requests of the nth operation, so that each input is sent to many, or with make fuzz all of them.
func share(requests []hostile, n int) (some []hostile) {
	if os.Getenv("MENSHEN_TEST_FUZZ") != "" {
		return requests
	}
	for i, r := range requests {
		if (i+n)%3 == 0 {
			some = append(some, r)
		}
	}
	return some
}

func checkHostile(t *testing.T, h *harness.Instance, op operation, name string, r request) {
	t.Helper()
	began := time.Now()
	a := send(t, h, r)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("%.80q took %s", name, took)
	}
	if a.status >= http.StatusInternalServerError {
		t.Errorf("%.80q: HTTP %d %.200s", name, a.status, a.body)
	}
	checkAnswer(t, op, a)
	if a.status != http.StatusOK && a.media() != mediaProblem || a.status == http.StatusOK && op.enveloped() {
		op.dialect.read(t, a.body)
	}
}

// TestHostileSignatures: the parts of a signed request are looked up before the signature can be checked.
func TestHostileSignatures(t *testing.T) {
	t.Parallel()
	h := start(t)
	op := find(t, "getUser")
	for _, credentials := range []string{"\xff:x", "a\xff:x", ":", "::::", strings.Repeat("a", 4096) + ":x", h.Credentials.AccessKeyID + ":\xff", "%00:x"} {
		for _, nonce := range []string{"n", "\xff", strings.Repeat("n", 129)} {
			r := get(op.path+"?userId=a").with("Authorization", "authing "+credentials).with("Date", h.Clock.Now().Format(http.TimeFormat)).
				with("x-authing-signature-method", "HMAC-SHA1").with("x-authing-signature-version", "1.0").with("x-authing-signature-nonce", nonce)
			checkHostile(t, h, op, fmt.Sprintf("%.20q %.10q", credentials, nonce), r)
		}
	}
}
