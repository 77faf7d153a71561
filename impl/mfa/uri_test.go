package mfa

import (
	"encoding/base32"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pquerna/otp"
)

// TestURI (T12): the label is percent-encoded as apps read it: no '+', no colon but the one between issuer and account.
func TestURI(t *testing.T) {
	t.Parallel()
	const (
		secret = "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer="
		rest   = "&algorithm=SHA1&digits=6&period=30"
	)
	for _, test := range []struct{ issuer, account, encodedIssuer, encodedAccount string }{
		{"Menshen", "alice", "Menshen", "alice"},
		{"Menshen", "alice@example.com", "Menshen", "alice%40example.com"},
		{"My Company", "Alice Smith", "My%20Company", "Alice%20Smith"},
		{"A:B", "c:d:e", "A%20B", "c%20d%20e"},
		{"C++", "a+b@x.org", "C%2B%2B", "a%2Bb%40x.org"},
		{"100%", "50%25", "100%25", "50%2525"},
		{"Q&A", "a&secret=AAAA", "Q%26A", "a%26secret%3DAAAA"},
		{"a/b?c#d", "../e", "a%2Fb%3Fc%23d", "..%2Fe"},
		{"门神", "爱丽丝", "%E9%97%A8%E7%A5%9E", "%E7%88%B1%E4%B8%BD%E4%B8%9D"},
		{"🛡️", "🚪", "%F0%9F%9B%A1%EF%B8%8F", "%F0%9F%9A%AA"},
		{"full：width", "+8613800138000", "full%EF%BC%9Awidth", "%2B8613800138000"},
		{"line\r\nbreak", "\"<>\\^`{|}", "line%0D%0Abreak", "%22%3C%3E%5C%5E%60%7B%7C%7D"},
		{"", "", "", ""},
		{"un-re.ser_ved~", "!*'();=$,[]", "un-re.ser_ved~", "%21%2A%27%28%29%3B%3D%24%2C%5B%5D"},
	} {
		want := "otpauth://totp/" + test.encodedIssuer + ":" + test.encodedAccount + secret + test.encodedIssuer + rest
		if got := (generator{[]byte(digitsTwice), "SHA1", 6, 30}).key(test.issuer, test.account).String(); got != want {
			t.Errorf("%q, %q:\n got %s\nwant %s", test.issuer, test.account, got, want)
		}
	}
	if got := (generator{[]byte(digitsTwice), "SHA256", 8, 60}).key("i", "a").String(); !strings.HasSuffix(got, "&algorithm=SHA256&digits=8&period=60") {
		t.Errorf("another policy: %s", got)
	}
}

// FuzzURI (T12): whatever people call themselves, an app gets back secret, issuer and account, with colons as spaces.
func FuzzURI(f *testing.F) {
	for _, seed := range []string{"", "Menshen", "a:b", "C++ 100% Q&A", "门神 🛡️", "?secret=AAAA&issuer=x", "#", "/", "\x00\xff", "%zz", "＋：％"} {
		f.Add(seed, seed, []byte(digitsTwice))
	}
	f.Fuzz(func(t *testing.T, issuer, account string, seed []byte) {
		text := generator{seed, "SHA1", 6, 30}.key(issuer, account).String()
		if strings.ContainsAny(text, "+ \t\r\n\"") || strings.Contains(text, "#") {
			t.Fatalf("not encoded: %q", text)
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		wantIssuer, wantAccount := strings.ReplaceAll(issuer, ":", " "), strings.ReplaceAll(account, ":", " ")
		if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/"+wantIssuer+":"+wantAccount {
			t.Errorf("label %q of %q", u.Path, text)
		}
		wantQuery := url.Values{
			"secret": {base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)}, "issuer": {wantIssuer},
			"algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"},
		}
		if query, err := url.ParseQuery(u.RawQuery); err != nil || query.Encode() != wantQuery.Encode() {
			t.Errorf("query %q of %q: %v", query, text, err)
		}
		if raw, err := url.PathUnescape(strings.SplitN(text, "?", 2)[0]); err != nil || strings.Count(raw, ":") != 2 { // otpauth: and the one
			t.Errorf("%q has %d colons", raw, strings.Count(raw, ":"))
		}
		if !utf8.ValidString(issuer + account) {
			return
		}
		key, err := otp.NewKeyFromURL(text) // as an app might read it
		if err != nil {
			t.Fatal(err)
		}
		if key.Issuer() != wantIssuer || key.AccountName() != wantAccount {
			t.Errorf("read as %q, %q; want %q, %q", key.Issuer(), key.AccountName(), wantIssuer, wantAccount)
		}
	})
}
