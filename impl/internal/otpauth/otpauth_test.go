package otpauth

import (
	"errors"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/pquerna/otp"
)

const prefix = "otpauth://totp/Menshen:alice?secret=" + seedBase32

func key(issuer, account string) Key { return Key{issuer, account, []byte(seed), "SHA1", 6, 30} }

// TestURI (T12): the label is percent-encoded as apps read it: no '+', no colon but the one between issuer and account.
func TestURI(t *testing.T) {
	t.Parallel()
	const rest = "&algorithm=SHA1&digits=6&period=30"
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
		want := "otpauth://totp/" + test.encodedIssuer + ":" + test.encodedAccount + "?secret=" + seedBase32 +
			"&issuer=" + test.encodedIssuer + rest
		if got := key(test.issuer, test.account).String(); got != want {
			t.Errorf("%q, %q:\n got %s\nwant %s", test.issuer, test.account, got, want)
		}
	}
	if got := (Key{"i", "a", []byte(seed), "SHA256", 8, 60}).String(); !strings.HasSuffix(got, "&algorithm=SHA256&digits=8&period=60") {
		t.Errorf("another policy: %s", got)
	}
}

// TestEveryScriptComesBack (T12): Parse gives back what String was given, and so does an implementation that is not ours.
func TestEveryScriptComesBack(t *testing.T) {
	t.Parallel()
	names := []string{
		"Menshen", "门神 认证", "爱丽丝", "أليس بنت محمد", "אליס", "Ἀλίκη", "Алиса", "アリス", "எலிசு", "👩‍🚀 🛡️", "e\u0301 é", "a b  c", "C++ & D",
		"100%", "%2B", "a=b&secret=AAAA", "#1", "a/b", "?", "!*'();$,[]@", "\"<>\\^`{|}", "full：width", "+8613800138000", "x ", "",
	}
	for i, issuer := range names {
		for _, account := range names {
			want := Key{issuer, account, []byte(seed)[:10+i%11], "SHA1", 6 + i%3, 1 + i}
			want.Algorithm = []string{"SHA1", "SHA256", "SHA512"}[i%3]
			text := want.String()
			if got, err := Parse(text); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s is read as %+v, %v", text, got, err)
			}
			theirs, err := otp.NewKeyFromURL(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if theirs.Issuer() != issuer || theirs.AccountName() != account || theirs.Secret() != FormatSecret(want.Secret) ||
				theirs.Algorithm().String() != want.Algorithm || theirs.Digits().Length() != want.Digits || theirs.Period() != uint64(want.Period) {
				t.Errorf("another implementation reads %s as %q %q %s %s", text, theirs.Issuer(), theirs.AccountName(), theirs.Algorithm(), theirs.Digits())
			}
		}
	}
}

// TestURIsOfOthers (T12): what other systems write is read, and means what their apps show.
func TestURIsOfOthers(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]Key{
		"otpauth://totp/alice?secret=" + seedBase32:                                                          key("", "alice"),
		"otpauth://totp/Example:alice@google.com?secret=" + seedBase32 + "&issuer=Example":                   key("Example", "alice@google.com"),
		"otpauth://totp/Big%20Corporation%3A%20alice%40bigco.com?secret=" + seedBase32:                       key("Big Corporation", "alice@bigco.com"),
		"otpauth://totp/Example:%20%20alice?secret=" + seedBase32:                                            key("Example", "alice"),
		"otpauth://totp/Old%20name:alice?issuer=New%20name&secret=" + seedBase32:                             key("New name", "alice"),
		"otpauth://totp/Example:alice?issuer=&secret=" + seedBase32:                                          key("Example", "alice"),
		"otpauth://totp/alice?issuer=My+Company&secret=" + seedBase32:                                        key("My Company", "alice"),
		"otpauth://totp/alice?issuer=https://x.example&secret=" + seedBase32:                                 key("https //x.example", "alice"),
		"OTPAUTH://TOTP/alice?secret=" + seedBase32:                                                          key("", "alice"),
		"otpauth://totp/a+b:c+d?secret=" + seedBase32:                                                        key("a+b", "c+d"),
		"otpauth://totp/?secret=" + seedBase32:                                                               key("", ""),
		"otpauth://totp?secret=" + seedBase32:                                                                key("", ""),
		"otpauth://totp/门神:爱丽丝?secret=" + seedBase32 + "&issuer=门神":                                          key("门神", "爱丽丝"),
		"otpauth://totp/My Company:Alice Smith?secret=" + seedBase32 + "&issuer=My Company":                  key("My Company", "Alice Smith"),
		prefix + "&image=https%3A%2F%2Fx.example%2Flogo.png&color=ff0000&counter=1":                          key("Menshen", "alice"),
		prefix + "&algorithm=sha1":                                                                           key("Menshen", "alice"),
		prefix + "&algorithm=HmacSHA1":                                                                       key("Menshen", "alice"),
		prefix + "&algorithm=HMAC-SHA-512&digits=8&period=60":                                                {"Menshen", "alice", []byte(seed), "SHA512", 8, 60},
		prefix + "&algorithm=hmac_sha256&digits=7&period=300":                                                {"Menshen", "alice", []byte(seed), "SHA256", 7, 300},
		"otpauth://totp/alice?secret=gezd%20gnbv-gy3t+qojq%20ge%3D%3D%3D%3D%3D%3D&algorithm=SHA256&period=1": {"", "alice", []byte(seed[:10] + "1"), "SHA256", 6, 1},
	} {
		got, err := Parse(uri)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %+v, %v", uri, got, err)
		}
		if again, err := Parse(got.String()); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s is read again as %+v, %v", got, again, err)
		}
	}
}

// TestRefusedURIs (T12): what is not a time-based key in the limits is refused, for a reason that names neither the URI nor
// the secret.
func TestRefusedURIs(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]error{
		"":      ErrURI,
		"alice": ErrURI,
		"https://totp/alice?secret=" + seedBase32:                      ErrURI,
		"otpauth:totp/alice?secret=" + seedBase32:                      ErrURI,
		"otpauth://user@totp/alice?secret=" + seedBase32:               ErrURI,
		"otpauth://totp:80/alice?secret=" + seedBase32:                 ErrURI,
		"otpauth://steam/alice?secret=" + seedBase32:                   ErrURI,
		"otpauth-migration://offline?data=" + seedBase32:               ErrURI,
		"otpauth://totp/al%zzice?secret=" + seedBase32:                 ErrURI,
		"otpauth://totp/al\x00ice?secret=" + seedBase32:                ErrURI,
		"otpauth://totp/alice?secret=" + seedBase32 + "%z":             ErrURI,
		"otpauth://totp/alice?secret=" + seedBase32 + ";issuer=x":      ErrURI,
		"otpauth://totp/alice#1?secret=" + seedBase32:                  ErrURI,
		"otpauth://hotp/alice?counter=1&secret=" + seedBase32:          ErrHOTP,
		"otpauth://HOTP/alice?secret=" + seedBase32:                    ErrHOTP,
		prefix + "&secret=" + seedBase32:                               ErrRepeated,
		prefix + "&issuer=a&issuer=b":                                  ErrRepeated,
		prefix + "&digits=6&digits=8":                                  ErrRepeated,
		prefix + "&image=a&image=a":                                    ErrRepeated,
		"otpauth://totp/alice":                                         ErrNoSecret,
		"otpauth://totp/alice?secret=":                                 ErrNoSecret,
		"otpauth://totp/alice?Secret=" + seedBase32:                    ErrNoSecret,
		"otpauth://totp/alice?secret=GEZDGNBV":                         ErrSecretSize,
		"otpauth://totp/alice?secret=" + strings.Repeat(seedBase32, 4): ErrSecretSize,
		"otpauth://totp/alice?secret=GEZDGNBVGY3TQOJ1":                 ErrBase32,
		"otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGF":               ErrBase32,
		prefix + "&algorithm=MD5":                                      ErrAlgorithm,
		prefix + "&algorithm=":                                         ErrAlgorithm,
		prefix + "&algorithm=SHA224":                                   ErrAlgorithm,
		prefix + "&digits=5":                                           ErrDigits,
		prefix + "&digits=9":                                           ErrDigits,
		prefix + "&digits=-6":                                          ErrDigits,
		prefix + "&digits=%2B6":                                        ErrDigits,
		prefix + "&digits=six":                                         ErrDigits,
		prefix + "&digits=65542":                                       ErrDigits,
		prefix + "&digits=":                                            ErrDigits,
		prefix + "&period=0":                                           ErrPeriod,
		prefix + "&period=301":                                         ErrPeriod,
		prefix + "&period=30.5":                                        ErrPeriod,
		prefix + "&period=99999999999999999999":                        ErrPeriod,
		"otpauth://totp/a%0Ab?secret=" + seedBase32:                    ErrCharacters,
		"otpauth://totp/a%00b?secret=" + seedBase32:                    ErrCharacters,
		"otpauth://totp/a%C2%85b?secret=" + seedBase32:                 ErrCharacters, // a control character beyond ASCII
		"otpauth://totp/a%FFb?secret=" + seedBase32:                    ErrCharacters,
		prefix + "&issuer=%1B[31m":                                     ErrCharacters,
		prefix + "&issuer=%C3%28":                                      ErrCharacters,
		"otpauth://totp/a:b:c?secret=" + seedBase32:                    ErrColon,
		"otpauth://totp/a:b%3Ac?secret=" + seedBase32:                  ErrColon,
		prefix + "&image=" + strings.Repeat("x", 16<<10):               ErrTooLong,
	} {
		got, err := Parse(uri)
		if !errors.Is(err, want) || !reflect.DeepEqual(got, Key{}) {
			t.Errorf("%.80s: %+v, %v; want %v", uri, got, err, want)
		} else if strings.Contains(err.Error(), seedBase32[:8]) || strings.Contains(err.Error(), "alice") {
			t.Errorf("%.80s: the error says too much: %v", uri, err)
		}
	}
}

// FuzzParse (T12): whatever a file or a camera gives, there is a key in the limits or an error that gives nothing away; and
// what is accepted is written and read again as the same key.
func FuzzParse(f *testing.F) {
	for _, uri := range []string{
		"", prefix, key("门神", "👩‍🚀 a+b%").String(), prefix + "&algorithm=HmacSHA256&digits=8&period=60&issuer=a%20b", "otpauth://hotp/a?secret=" + seedBase32,
		"otpauth://totp/a%3A%20b:c?secret=" + seedBase32, prefix + "&secret=A", "otpauth://totp/%FF?secret=gezd%20gnbv-gy3t+qojq", prefix + ";x#y",
	} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		got, err := Parse(uri)
		if err != nil {
			for _, known := range []error{
				ErrURI, ErrTooLong, ErrHOTP, ErrRepeated, ErrNoSecret, ErrBase32, ErrSecretSize, ErrAlgorithm, ErrDigits, ErrPeriod, ErrCharacters, ErrColon,
			} {
				if err == known {
					return
				}
			}
			t.Fatalf("an error that is not one of ours: %v", err)
		}
		if err := got.Check(); err != nil {
			t.Fatalf("%q is accepted, and should not: %v", uri, err)
		}
		if again, err := Parse(got.String()); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%q is %+v, and again %+v, %v", uri, got, again, err)
		}
	})
}

// FuzzKey (T12): whatever people call themselves, they are called the same after the way through a QR code, colons apart.
func FuzzKey(f *testing.F) {
	for _, s := range []string{"", "Menshen", "a:b", "C++ 100% Q&A", "门神 🛡️", "?secret=AAAA&issuer=x", "#", "/", "\x00\xff", "%zz", "＋：％", " a"} {
		f.Add(s, s, []byte(seed), uint8(6), uint16(30))
	}
	f.Fuzz(func(t *testing.T, issuer, account string, secret []byte, digits uint8, period uint16) {
		k := Key{issuer, account, secret, "SHA512", int(digits), int(period)}
		text := k.String()
		if strings.ContainsAny(text, "+ \t\r\n\"#") || strings.Count(text, ":") != 2 { // otpauth: and the one in the label
			t.Fatalf("not encoded: %q", text)
		}
		u, err := url.Parse(text)
		if err != nil || u.Query().Get("period") != strconv.Itoa(k.Period) {
			t.Fatalf("%q: %v", text, err)
		}
		got, err := Parse(text)
		if k.Check() != nil || len(text) > maxURI {
			if err == nil {
				t.Errorf("%q is accepted", text)
			}
			return
		}
		want := k
		want.Issuer = strings.ReplaceAll(issuer, ":", " ")
		want.Account = strings.TrimLeft(strings.ReplaceAll(account, ":", " "), " ")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %+v, %v; want %+v", text, got, err, want)
		}
	})
}
