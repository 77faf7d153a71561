package authn

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const date = "Sat, 21 Nov 2026 08:00:00 GMT"

func signed(method, target, body string, headers ...string) []string {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	return stringsToSign(r, []byte(body))
}

// TestStringsToSign: what is signed is written as the official SDK writes it, byte by byte. The texts are written by hand
// from the scheme: method, date and x-authing headers by name, path, parameters by name with raw values.
func TestStringsToSign(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, target, body string
		headers              []string
		want                 []string
	}{
		"headers, sorted and lower case": {
			"GET", "/api/v3/get-user?userId=a", "",
			[]string{"x-authing-signature-version", "1.0", "Date", date, "X-Authing-App-Id", "app", "Accept", "no", "Authorization", "no", "X-Other", "no"},
			[]string{"GET\ndate:" + date + "\nx-authing-app-id:app\nx-authing-signature-version:1.0\n/api/v3/get-user?userId=a"},
		},
		"white space in headers": {
			"GET", "/p?a=b", "", []string{"x-authing-lang", " \tzh\t\fCN  "}, []string{"GET\nx-authing-lang:zh  CN\n/p?a=b"},
		},
		"no headers": {"GET", "/p?a=b", "", nil, []string{"GET\n/p?a=b"}},
		"query, sorted and decoded": {
			"GET", "/p?b=2&a=%E9%97%A8%26%3D+x&B=1&empty=", "", nil, []string{"GET\n/p?B=1&a=门&= x&b=2&empty="},
		},
		"a parameter twice cannot have been signed": {"GET", "/p?a=b&a=c", "", nil, nil},
		"as the Go SDK ends its queries":            {"GET", "/p?a=b&", "", nil, []string{"GET\n/p?a=b"}},
		"a header without value":                    {"GET", "/p?a=b", "", []string{"x-authing-lang", ""}, []string{"GET\nx-authing-lang:\n/p?a=b"}},
		"no parameters: two readings":               {"GET", "/p", "", nil, []string{"GET\n/p", "GET\n/p?"}},
		"a body has no say in a GET":                {"GET", "/p?a=b", `{"c":"d"}`, nil, []string{"GET\n/p?a=b"}},
		"the query has none in a POST":              {"POST", "/p?a=b", `{"c":"d"}`, nil, []string{"POST\n/p?c=d"}},
		"an empty body":                             {"POST", "/p", "", nil, []string{"POST\n/p", "POST\n/p?"}},
		"an empty object":                           {"POST", "/p", "{}", nil, []string{"POST\n/p", "POST\n/p?"}},
		"a body that is no object":                  {"POST", "/p", `["a"]`, nil, []string{"POST\n/p", "POST\n/p?"}},
		"strings are bare, all else is JSON":        {"POST", "/p", `{"s":"a \"b\"","n":1,"z":null,"t":true,"f":1.50,"e":""}`, nil, []string{`POST` + "\n" + `/p?e=&f=1.50&n=1&s=a "b"&t=true&z=null`}},
		"compact JSON inside": {
			"POST", "/p", "{\"o\": {\"b\": [1, 2 ],\n \"a\" : \"x y<&>\"}}", nil, []string{"POST\n/p?o={\"b\":[1,2],\"a\":\"x y<&>\"}"},
		},
		"escapes in strings": {"POST", "/p", `{"a":"\u95e8\n"}`, nil, []string{"POST\n/p?a=门\n"}},
		// JavaScript sorts by UTF-16 units: U+1F600 begins with D83D, before U+FF71, though its code point is greater.
		"names as JavaScript sorts them": {
			"POST", "/p", `{"ｱ":"3","😀":"2","é":"1","z":"0","Z":"00","_":"000"}`, nil, []string{"POST\n/p?Z=00&_=000&z=0&é=1&😀=2&ｱ=3"},
		},
	} {
		if got := signed(c.method, c.target, c.body, c.headers...); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
	}
}

// TestStringsToSignOfJavaScript: bodies as JSON.stringify writes them, with the texts that a program in JavaScript, written after
// the SDK, has made of the objects: numbers in its one way to write them, undefined left out or null, other letters as they are.
func TestStringsToSignOfJavaScript(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"a":1e+21,"b":1,"c":0.1,"d":1e-7,"e":0,"f":123456789012345680000,"g":5e-324,"h":1.7976931348623157e+308,"i":100}`://
		"a=1e+21&b=1&c=0.1&d=1e-7&e=0&f=123456789012345680000&g=5e-324&h=1.7976931348623157e+308&i=100",
		"{\"o\":{\"门\":\"禁 \\\"引\\\"\\\\ <&>\u2028\",\"n\":1e+21,\"z\":null,\"arr\":[null,1,\"é\"],\"nested\":{\"😀\":true}}}"://
		"o={\"门\":\"禁 \\\"引\\\"\\\\ <&>\u2028\",\"n\":1e+21,\"z\":null,\"arr\":[null,1,\"é\"],\"nested\":{\"😀\":true}}",
		`{"s":"\ud800x","t":true,"z":null,"arr":[],"obj":{},"num":"1.0","q":"a&b=c"}`://
		"arr=[]&num=1.0&obj={}&q=a&b=c&s=\uFFFDx&t=true&z=null", // the hash is of UTF-8, which has no lone surrogate
		`{}`:        "",
		`{"b":"x"}`: "b=x",
	} {
		if got := signed("POST", "/p", body, "Date", date); !slices.Contains(got, "POST\ndate:"+date+"\n/p?"+want) {
			t.Errorf("%s:\n got %q\nwant %q", body, got, want)
		}
	}
}

// TestHeadersThatComeTwice: both values are covered. A second one, which somebody has added on the way, breaks the signature.
func TestHeadersThatComeTwice(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/p", nil)
	r.Header["X-Authing-App-Id"] = []string{"app", " another "}
	if got, want := stringsToSign(r, nil)[0], "GET\nx-authing-app-id:app,  another\n/p"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzStringsToSign: whatever is sent, there are at most two readings of it; a parameter reads the same in a query and in a body,
// as the scheme has it; and what is signed covers the headers of the scheme.
func FuzzStringsToSign(f *testing.F) {
	f.Add("key:c2ln", "zh-CN", "userId", "a&b=c", `{"a":[1.0,null]}`)
	f.Add(":", "\t", "门", "\u2028", `{"a":"\ud800","😀":1e21,"ｱ":{}}`)
	f.Add("", "", "", "", "null")
	f.Fuzz(func(t *testing.T, credentials, header, name, value, body string) {
		raw := httptest.NewRequest(http.MethodPost, "/p", nil)
		raw.Header.Set("x-authing-lang", header)
		raw.URL.RawQuery = value
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			raw.Method = method
			if s := signedRequest(raw, credentials, []byte(body)); len(s.texts) > 2 || s.Matches([]byte(value)) {
				t.Errorf("%d readings, or a signature by chance: %+v", len(s.texts), s)
			}
		}
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return
		}
		object, err := json.Marshal(map[string]string{name: value})
		if err != nil {
			t.Fatal(err)
		}
		want := "/p?" + name + "=" + value
		inBody := signed(http.MethodPost, "/p?x=y", string(object), "x-authing-lang", header)
		inQuery := signed(http.MethodGet, "/p?"+url.Values{name: {value}}.Encode(), "{}", "x-authing-lang", header)
		if len(inBody) != 1 || len(inQuery) != 1 || !strings.HasSuffix(inBody[0], want) || !strings.HasSuffix(inQuery[0], want) {
			t.Fatalf("%q in a body, %q in a query, want %q", inBody, inQuery, want)
		}
		before := strings.TrimSuffix(inQuery[0], want)
		if !strings.HasPrefix(before, "GET\nx-authing-lang:") || strings.Count(before, "\n") != 2 {
			t.Errorf("before the path: %q", before)
		}
		other := signed(http.MethodGet, "/p?"+url.Values{name: {value}}.Encode(), "{}", "x-authing-lang", "x"+strings.TrimSpace(header))
		if other[0] == inQuery[0] {
			t.Errorf("the header is not covered: %q", other)
		}
	})
}

// TestSignatureMatches: signatures computed elsewhere (Python's hmac) are right, and nothing near them is.
func TestSignatureMatches(t *testing.T) {
	t.Parallel()
	const secret = "access key secret"
	post := httptest.NewRequest(http.MethodPost, "/api/v3/create-user", nil)
	for name, value := range map[string]string{
		"Date": date, "x-authing-signature-method": SignatureMethod, "x-authing-signature-version": SignatureVersion, "x-authing-signature-nonce": "7f3a",
	} {
		post.Header.Set(name, value)
	}
	get := httptest.NewRequest(http.MethodGet, "/api/v3/get-user", nil)
	get.Header.Set("Date", date)
	body := `{"username":"爱丽丝","password":"p w"}`
	for _, c := range []struct {
		name      string
		r         *http.Request
		body      string
		signature string
		secret    string
		ok        bool
	}{
		{"signed", post, body, "NMS3isu138YbaqpFR8+v3suRSzE=", secret, true},
		{"members in other order", post, `{"password":"p w","username":"爱丽丝"}`, "NMS3isu138YbaqpFR8+v3suRSzE=", secret, true},
		{"other secret", post, body, "NMS3isu138YbaqpFR8+v3suRSzE=", "access key secreT", false},
		{"other body", post, `{"username":"爱丽丝","password":"p  w"}`, "NMS3isu138YbaqpFR8+v3suRSzE=", secret, false},
		{"more in the body", post, `{"username":"爱丽丝","password":"p w","status":"Activated"}`, "NMS3isu138YbaqpFR8+v3suRSzE=", secret, false},
		{"no signature", post, body, "", secret, false},
		{"no base64", post, body, "NMS3isu138YbaqpFR8+v3suRSzE", secret, false},
		{"a part of it", post, body, "NMS3isu138YbaqpFR8+v3g==", secret, false},
		{"no parameters", get, "", "dNTnpnrUT+6aXHbpi+O0FMrKU4A=", secret, true},
		{"no parameters, with a question mark", get, "", "Koe3Szinqz25bRhAA4ChFHQ5wLg=", secret, true},
	} {
		r := signedRequest(c.r, "key:"+c.signature, []byte(c.body))
		if r.KeyID != "key" || r.Signature != c.signature || r.Date != date {
			t.Errorf("%s: read as %+v", c.name, r)
		}
		if r.Matches([]byte(c.secret)) != c.ok {
			t.Errorf("%s: matches: %v", c.name, !c.ok)
		}
	}
	r := signedRequest(post, "key:a:b", []byte(body))
	if r.KeyID != "key" || r.Signature != "a:b" || r.Method != SignatureMethod || r.Version != SignatureVersion || r.Nonce != "7f3a" {
		t.Errorf("read as %+v", r)
	}
}
