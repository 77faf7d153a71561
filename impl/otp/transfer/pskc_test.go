package transfer

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

func newReader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

func example(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// asTOTP is an example of RFC 6030, whose keys all are counter-based, with time-based ones.
func asTOTP(t testing.TB, name string) []byte {
	return bytes.ReplaceAll(example(t, name), []byte("pskc:hotp"), []byte("pskc:totp"))
}

// TestExamplesOfTheRFC (RFC 6030): its figures are read as it says; as they stand, their keys are refused by their positions,
// because they are counter-based.
func TestExamplesOfTheRFC(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]int{"02": 1, "03": 1, "05": 2, "06": 1, "07": 1, "08": 1, "10": 4} {
		got, refused, err := readAll(bytes.NewReader(example(t, "rfc6030-figure"+name+".xml")), "qwerty")
		if err != nil || got != nil || len(refused) != keys {
			t.Errorf("figure %s: %+v, %v, %v", name, got, refused, err)
		}
		for i, e := range refused {
			want := otpauth.ErrHOTP
			if name == "05" && i == 1 {
				want = ErrAlgorithm // a PIN
			}
			if e.Place != fmt.Sprintf("key %d", i+1) || !errors.Is(e, want) {
				t.Errorf("figure %s: %v", name, e)
			}
		}
	}
	key := func(issuer string) otpauth.Key {
		return otpauth.Key{Issuer: issuer, Secret: []byte(seed), Algorithm: "SHA1", Digits: 8, Period: 30}
	}
	figure3 := Record{User: "jsmith", ID: "12345678", Name: "987654321", Key: key("Issuer")}
	figure3.Key.Account = "jsmith"
	for name, want := range map[string][]Record{
		"03": {figure3},
		"05": {{ID: "12345678", Name: "987654321", Key: key("Issuer")}},
		"07": {{ID: "123456", Name: "987654321", Key: key("Example-Issuer")}},
		"10": {
			{ID: "1", Name: "654321", Key: key("Issuer")},
			{ID: "2", Name: "123456", Key: key("Issuer")},
			{ID: "3", Name: "9999999", Key: key("Issuer")},
			{ID: "4", Name: "9999999", Key: key("Issuer")},
		},
	} {
		got, _, err := readAll(bytes.NewReader(asTOTP(t, "rfc6030-figure"+name+".xml")), "qwerty")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("figure %s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	if _, refused, _ := readAll(bytes.NewReader(asTOTP(t, "rfc6030-figure02.xml")), ""); len(refused) != 1 || !errors.Is(refused[0], otpauth.ErrSecretSize) {
		t.Errorf("figure 2 has a secret of 4 bytes: %v", refused)
	}
	if _, _, err := readAll(bytes.NewReader(asTOTP(t, "rfc6030-figure07.xml")), "qwertz"); err != ErrPassphrase {
		t.Errorf("figure 7 with another passphrase: %v", err)
	}
}

// TestKeyOfFigure7 (RFC 6030 section 6.2): the key that the RFC derives, and no other.
func TestKeyOfFigure7(t *testing.T) {
	t.Parallel()
	d := newDocument(bufio.NewReader(bytes.NewReader(example(t, "rfc6030-figure07.xml"))))
	if _, err := d.root(); err != nil {
		t.Fatal(err)
	}
	part, err := d.next()
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := part.find("DerivedKey", "KeyDerivationMethod", "PBKDF2-params")
	if err != nil {
		t.Fatal(err)
	}
	e := &encryption{file: &file{limits: quick, ask: func() (string, error) { return "qwerty", nil }}}
	if key, err := e.derive(parameters, 16); err != nil || hex.EncodeToString(key) != "651e63cd57008476af1ff6422cd02e41" {
		t.Errorf("derived %x, %v", key, err)
	}
}

// TestFilesOfAnotherProgram: python-pskc wrote these, with each cipher and other MACs, one with the numbers encrypted too.
func TestFilesOfAnotherProgram(t *testing.T) {
	t.Parallel()
	want := []Record{
		{
			User: "jsmith", ID: "k1", Name: "Token of J. Smith", LastStep: 1000, Drift: 3,
			Key: otpauth.Key{Issuer: "Example", Account: "jsmith", Secret: []byte(seed), Algorithm: "SHA256", Digits: 8, Period: 60},
		},
		{User: "alice", ID: "k2", Key: otpauth.Key{Account: "alice", Secret: []byte("0123456789"), Algorithm: "SHA1", Digits: 6, Period: 30}},
	}
	for _, name := range []string{"aes128-sha1", "aes192-sha256", "aes256-sha512"} {
		file := example(t, "python-pskc-"+name+".xml")
		if got, refused, err := readAll(bytes.NewReader(file), "correct horse"); err != nil || refused != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, %v", name, got, refused, err)
		}
		if got, _, err := readAll(bytes.NewReader(file), "wrong horse"); err != ErrPassphrase || got != nil {
			t.Errorf("%s with another passphrase: %+v, %v", name, got, err)
		}
	}
}

// container is a file of one key, with the parts that a test gives.
func containerOf(attributes, parts string) string {
	return `<k:KeyContainer xmlns:k="` + nsPSKC + `" Version="1.0"><k:KeyPackage><k:Key Id="1" ` + attributes + `>` + parts +
		`</k:Key></k:KeyPackage></k:KeyContainer>`
}

const (
	totp       = `Algorithm="` + algorithmTOTP + `"`
	secretOnly = `<k:Data><k:Secret><k:PlainValue>` + seedBase64 + `</k:PlainValue></k:Secret></k:Data>`
)

// values is Data with a secret and what else a test gives.
func values(more string) string { return strings.Replace(secretOnly, "</k:Data>", more+"</k:Data>", 1) }

// TestKeysOfOthers: other producers leave out what is optional, and write the same in other ways.
func TestKeysOfOthers(t *testing.T) {
	t.Parallel()
	plain := func() Record { r := record(""); r.ID = "1"; return r }
	with := func(change func(*Record)) Record { r := plain(); change(&r); return r }
	user := func(name string) Record { return with(func(r *Record) { r.User, r.Key.Account = name, name }) }
	for parts, want := range map[string]Record{
		secretOnly: plain(),
		"<!-- nice --> \n<k:Data><k:Secret>\n<k:PlainValue>\n  MTIzNDU2Nzg5MDEy\n  MzQ1Njc4OTA=\n</k:PlainValue></k:Secret></k:Data>": plain(),
		secretOnly + "<k:UserId>alice</k:UserId>":                                                                      user("alice"),
		secretOnly + "<k:UserId>\n   CN=Alice Smith,\n   O=Example\n</k:UserId>":                                       user("Alice Smith"),
		secretOnly + "<k:UserId>O=x, cn = a , uid=b</k:UserId>":                                                        user("b"),
		secretOnly + "<k:FriendlyName>a  b</k:FriendlyName>":                                                           with(func(r *Record) { r.Name = "a  b" }),
		secretOnly + "<x:Data xmlns:x='urn:x'/><k:Extensions><x:Account xmlns:x='urn:x'>y</x:Account></k:Extensions>":  plain(),
		values("<k:Time><k:PlainValue>0</k:PlainValue></k:Time><k:Counter><k:PlainValue>9</k:PlainValue></k:Counter>"): plain(),
		values("<k:Time><k:PlainValue> 123 </k:PlainValue></k:Time>"):                                                  with(func(r *Record) { r.LastStep = 123 }),
		values("<k:TimeInterval><k:PlainValue>60</k:PlainValue></k:TimeInterval>"):                                     with(func(r *Record) { r.Key.Period = 60 }),
		secretOnly + "<k:AlgorithmParameters/>":                                                                        plain(),
		secretOnly + "<k:AlgorithmParameters><k:Suite>sha-512</k:Suite></k:AlgorithmParameters>":                       with(func(r *Record) { r.Key.Algorithm = "SHA512" }),
		secretOnly + "<k:AlgorithmParameters><k:Suite> HMAC-SHA256 </k:Suite>" +
			"<k:ResponseFormat Encoding='decimal' Length='8' CheckDigits='false'/></k:AlgorithmParameters>": with(
			func(r *Record) { r.Key.Algorithm, r.Key.Digits = "SHA256", 8 }),
		secretOnly + "<k:Policy><k:StartDate>2006-05-01T00:00:00Z</k:StartDate><k:ExpiryDate>2037-05-01T00:00:00Z</k:ExpiryDate>" +
			"<k:KeyUsage>CR</k:KeyUsage><k:KeyUsage>OTP</k:KeyUsage></k:Policy>": plain(),
	} {
		for _, attributes := range []string{totp, `Algorithm="` + nsPSKC + `#TOTP"`} {
			got, refused, err := readAll(strings.NewReader(containerOf(attributes, parts)), "")
			if err != nil || refused != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("%s\nis  %+v, %v, %v\nnot %+v", parts, got, refused, err, want)
			}
		}
	}
	foreign := strings.Replace(containerOf(totp, secretOnly), "<k:KeyPackage>", "<x:KeyPackage xmlns:x='urn:x'><k:Key/></x:KeyPackage><k:KeyPackage>", 1)
	if got, refused, err := readAll(strings.NewReader(foreign), ""); len(got) != 1 || refused != nil || err != nil {
		t.Errorf("an element of somebody else's is taken for a key: %v, %v, %v", got, refused, err)
	}
	timed := values("<k:TimeInterval><k:PlainValue>30</k:PlainValue></k:TimeInterval>")
	if got, _, _ := readAll(strings.NewReader(containerOf("", timed)), ""); len(got) != 1 {
		t.Error("a key with a time interval is not taken for a time-based one")
	}
}

// TestRefusedKeys: what is no key for Menshen is refused, by its position and for its reason, and never quoted.
func TestRefusedKeys(t *testing.T) {
	t.Parallel()
	parameters := func(s string) string {
		return secretOnly + "<k:AlgorithmParameters>" + s + "</k:AlgorithmParameters>"
	}
	policy := func(s string) string { return secretOnly + "<k:Policy>" + s + "</k:Policy>" }
	for parts, want := range map[string]error{
		"":          otpauth.ErrNoSecret,
		"<k:Data/>": otpauth.ErrNoSecret,
		"<k:KeyReference>MasterKeyLabel</k:KeyReference>":                                                               otpauth.ErrNoSecret,
		"<k:Data><k:Secret/></k:Data>":                                                                                  ErrMalformed,
		"<k:Data><k:Secret><k:PlainValue>" + seedBase64[:9] + "</k:PlainValue></k:Secret></k:Data>":                     ErrMalformed,
		"<k:Data><k:Secret><k:PlainValue/></k:Secret></k:Data>":                                                         otpauth.ErrSecretSize,
		"<k:Data><k:Secret><k:PlainValue>MTIzNA==</k:PlainValue></k:Secret></k:Data>":                                   otpauth.ErrSecretSize,
		"<k:Data><k:Secret><k:PlainValue>" + seedBase64 + "</k:PlainValue><k:EncryptedValue/></k:Secret></k:Data>":      ErrMalformed,
		values("<k:Time><k:PlainValue>2012-01-01T00:00:00Z</k:PlainValue></k:Time>"):                                    ErrMalformed,
		values("<k:Time><k:PlainValue>-1</k:PlainValue></k:Time>"):                                                      ErrRange,
		values("<k:Time><k:PlainValue>2147483648</k:PlainValue></k:Time>"):                                              ErrRange,
		values("<k:TimeDrift><k:PlainValue>2147483648</k:PlainValue></k:TimeDrift>"):                                    ErrRange,
		values("<k:TimeInterval><k:PlainValue>0</k:PlainValue></k:TimeInterval>"):                                       otpauth.ErrPeriod,
		values("<k:TimeInterval><k:PlainValue>4294967326</k:PlainValue></k:TimeInterval>"):                              otpauth.ErrPeriod,
		parameters("<k:Suite>MD5</k:Suite>"):                                                                            otpauth.ErrAlgorithm,
		parameters("<k:Suite>OCRA-1:HOTP-SHA1-6:QN08</k:Suite>"):                                                        otpauth.ErrAlgorithm,
		parameters("<k:ResponseFormat Length='5' Encoding='DECIMAL'/>"):                                                 otpauth.ErrDigits,
		parameters("<k:ResponseFormat Length='six' Encoding='DECIMAL'/>"):                                               otpauth.ErrDigits,
		parameters("<k:ResponseFormat Length='6' Encoding='HEXADECIMAL'/>"):                                             ErrResponse,
		parameters("<k:ResponseFormat Length='6' Encoding='DECIMAL' CheckDigits='true'/>"):                              ErrResponse,
		parameters("<k:ResponseFormat Length='6' Encoding='DECIMAL' CheckDigit='1'/>"):                                  ErrResponse,
		policy("<k:KeyUsage>Encrypt</k:KeyUsage>"):                                                                      ErrPolicy,
		policy("<k:PINPolicy PINUsageMode='Append'/>"):                                                                  ErrPolicy,
		policy("<k:NumberOfTransactions>9</k:NumberOfTransactions>"):                                                    ErrPolicy,
		policy("<x:Geofence xmlns:x='urn:x'/>"):                                                                         ErrPolicy,
		secretOnly + "<k:Issuer>a\u0085b</k:Issuer>":                                                                    ErrText,
		secretOnly + "<k:FriendlyName>" + strings.Repeat("x", 513) + "</k:FriendlyName>":                                ErrText,
		secretOnly + `<k:Extensions><m:LastStep xmlns:m="` + nsOwn + `">` + seedBase64 + `</m:LastStep></k:Extensions>`: ErrMalformed,
		secretOnly + "<k:UserId>a</k:UserId><k:UserId>b</k:UserId>":                                                     nil,
		secretOnly + secretOnly: nil,
		values("<k:Secret><k:PlainValue>" + seedBase64 + "</k:PlainValue></k:Secret>"): nil,
		secretOnly + "</k:Key><k:Key Id='2' " + totp + ">" + secretOnly:                nil, // two keys in a package
	} {
		file := strings.Replace(containerOf(totp, parts), "<k:KeyPackage>", "<k:KeyPackage/><k:KeyPackage>", 1)
		got, refused, err := readAll(strings.NewReader(file), "")
		if err != nil || got != nil || len(refused) != 1 {
			t.Errorf("%s: %+v, %v, %v", parts, got, refused, err)
			continue
		}
		if e := refused[0]; e.Place != "key 1" || want != nil && !errors.Is(e, want) || strings.Contains(e.Error(), seedBase64[:8]) {
			t.Errorf("%s: %v, want %v", parts, e, want)
		}
	}
	for attributes, want := range map[string]error{
		`Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp"`: otpauth.ErrHOTP,
		`Algorithm="urn:ietf:params:xml:ns:keyprov:pskc#HOTP"`: otpauth.ErrHOTP,
		`Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:ocra"`: ErrAlgorithm,
		``: ErrAlgorithm,
	} {
		if _, refused, _ := readAll(strings.NewReader(containerOf(attributes, secretOnly)), ""); len(refused) != 1 || !errors.Is(refused[0], want) {
			t.Errorf("%s: %v", attributes, refused)
		}
	}
}

// TestUsersAreDistinguishedNames (RFC 4514): every user is found again in the name that is written for it; of the names that
// others write, the user is found, and a plain one is the user.
func TestUsersAreDistinguishedNames(t *testing.T) {
	t.Parallel()
	for _, r := range fleet() {
		if got := parseDN(formatDN(r.User)); r.User != "" && got != r.User {
			t.Errorf("%q is %q, which is read as %q", r.User, formatDN(r.User), got)
		}
	}
	for user, want := range map[string]string{
		"James \"Jim\" Smith, III": `CN=James \"Jim\" Smith\, III`, "#1 ": `CN=\231\20`, " ": `CN=\20`, `a+b;c<d>e\`: `CN=a\+b\;c\<d\>e\\`, "爱丽丝": "CN=爱丽丝", "a=b": "CN=a=b",
	} {
		if got := formatDN(user); got != want {
			t.Errorf("%q is written %q, want %q", user, got, want)
		}
	}
	for dn, want := range map[string]string{
		"UID=jsmith,DC=example-bank,DC=net": "jsmith", "OU=Sales+CN=J.  Smith,DC=example,DC=net": "J.  Smith", `CN=Lu\C4\8Di\C4\87`: "Lučić",
		"cn=first,cn=second": "first", "CN= a \\20 , O=x": "a  ", "O=x;CN = a ": "a", "DC=example,DC=net": "DC=example,DC=net", "CN=": "CN=", "alice": "alice", "a=b": "a=b",
		`CN=a\`: `CN=a\`, `CN=a\zb`: `CN=a\zb`, "CN=a,": "CN=a,", "CN=#0401": "CN=#0401", `CN="a, b"`: `CN="a, b"`, "": "", ",": ",", "=": "=",
	} {
		if got := parseDN(dn); got != want {
			t.Errorf("%q is the user %q, want %q", dn, got, want)
		}
	}
}
