package transfer

import (
	"bytes"
	"crypto/aes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// TestWrongPassphrase: whichever is given, and however often, there is one clear error, and not one record.
func TestWrongPassphrase(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		file := write(t, f, passphrase, fleet()...)
		for i := range 100 { // a wrong key makes a padding that looks right about once in 16 times
			wrong := fmt.Sprint(passphrase, i)
			if got, refused, err := readAll(bytes.NewReader(file), wrong); err != ErrPassphrase || got != nil || refused != nil {
				t.Fatalf("%s with %q: %v, %v, %v", f, wrong, got, refused, err)
			}
		}
		if _, _, err := readAll(bytes.NewReader(file), ""); !errors.Is(err, ErrNoPassphrase) {
			t.Errorf("%s with an empty one: %v", f, err)
		}
		for _, err := range quick.read(bytes.NewReader(file), nil) {
			if !errors.Is(err, ErrNoPassphrase) {
				t.Errorf("%s with nobody to ask: %v", f, err)
			}
		}
		for _, err := range quick.read(bytes.NewReader(file), func() (string, error) { return passphrase, errDisk }) {
			if !errors.Is(err, errDisk) {
				t.Errorf("%s, and asking fails: %v", f, err)
			}
		}
	}
}

// TestWhatAPassphraseCosts: files are made at the cost that is promised, and what is made at it is read.
func TestWhatAPassphraseCosts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, err := NewWriter(&out, PSKC, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(record("alice")), w.Close()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "<IterationCount>600000</IterationCount>") {
		t.Errorf("another cost:\n%.1000s", &out)
	}
	n := 0
	for r, err := range Read(&out, func() (string, error) { return passphrase, nil }) {
		if n++; err != nil || r.User != "alice" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if n != 1 {
		t.Errorf("%d records", n)
	}
	header, err := io.ReadAll(io.LimitReader(armor.NewReader(bytes.NewReader(write(t, OTPAuth, passphrase))), 100))
	if err != nil || !strings.Contains(string(header), fmt.Sprintf(" %d\n", quick.workFactor)) {
		t.Errorf("age has another cost: %q, %v", header, err)
	}
	if standard.workFactor != 18 || standard.maxWorkFactor < 18 { // some seconds of scrypt, with the race detector
		t.Errorf("age is used with %+v", standard)
	}
}

// TestEveryByteOfACiphertextIsProtected (RFC 6030 section 6): one bit in any byte of a value, its MAC, the MAC's key or the salt
// is flipped, and nothing is handed out.
func TestEveryByteOfACiphertextIsProtected(t *testing.T) {
	t.Parallel()
	file := string(write(t, PSKC, passphrase, record("alice")))
	texts := regexp.MustCompile(`<(?:Specified|xenc:CipherValue|pskc:ValueMAC)>([^<]+)<`).FindAllStringSubmatchIndex(file, -1)
	if len(texts) != 4 {
		t.Fatalf("%d texts of base64", len(texts))
	}
	for i, at := range texts {
		octets, err := base64.StdEncoding.DecodeString(file[at[2]:at[3]])
		if err != nil {
			t.Fatal(err)
		}
		for n := range octets {
			bit := n*8 + n%8
			if i == 1 && n >= 16+32 { // the last block of the MAC's key is padding: of it, only a bit of the length counts
				continue
			}
			flipped := bytes.Clone(octets)
			flipped[bit/8] ^= 1 << (bit % 8)
			altered := file[:at[2]] + base64.StdEncoding.EncodeToString(flipped) + file[at[3]:]
			if got, refused, err := readAll(strings.NewReader(altered), passphrase); err != ErrPassphrase || got != nil || refused != nil {
				t.Errorf("bit %d of text %d: %v, %v, %v", bit, i, got, refused, err)
			}
		}
	}
	// Once a value was verified the passphrase is right, so a later one that is not was altered.
	two := string(write(t, PSKC, passphrase, record("alice"), record("bob")))
	at := strings.LastIndex(two, "<pskc:ValueMAC>") + len("<pskc:ValueMAC>")
	if got, _, err := readAll(strings.NewReader(two[:at]+"AAAA"+two[at+4:]), passphrase); err != ErrAltered || len(got) != 1 {
		t.Errorf("the second value is altered: %v, %v", got, err)
	}
}

// TestEveryByteOfAnAgeFileIsProtected: in otpauth encrypted, a change anywhere ends the file before the records it is in; so
// does a missing end.
func TestEveryByteOfAnAgeFileIsProtected(t *testing.T) {
	t.Parallel()
	file := write(t, OTPAuth, passphrase, record("alice"), record("bob"))
	for i := range file {
		altered := bytes.Clone(file)
		if altered[i] ^= 1; file[i] == '\n' || altered[i] == '\n' {
			continue // ends of lines may differ
		}
		if got, refused, err := readAll(bytes.NewReader(altered), passphrase); err == nil || got != nil || refused != nil {
			t.Errorf("byte %d: %v, %v, %v", i, got, refused, err)
		}
	}
	for n := 1; n < len(file)-len(armor.Footer)-1; n += 7 {
		if got, _, err := readAll(bytes.NewReader(file[:n]), passphrase); err == nil || got != nil {
			t.Errorf("the first %d bytes: %v, %v", n, got, err)
		}
	}
}

// TestTheWholeIsAuthenticated: two files of age put together are no file, and a file in a file is not opened.
func TestTheWholeIsAuthenticated(t *testing.T) {
	t.Parallel()
	file := write(t, OTPAuth, passphrase, record("alice"))
	if _, _, err := readAll(bytes.NewReader(append(bytes.Clone(file), file...)), passphrase); err == nil {
		t.Error("two files are read as one")
	}
	if got, _, err := readAll(bytes.NewReader(ageFile(t, passphrase, 2, file)), passphrase); !errors.Is(err, ErrFormat) || got != nil {
		t.Errorf("a file in a file: %v, %v", got, err)
	}
	if got, _, err := readAll(bytes.NewReader(ageFile(t, passphrase, 2, write(t, PSKC, "", record("alice")))), passphrase); err != nil || len(got) != 1 {
		t.Errorf("a key container in a file that the program age made: %v, %v", got, err)
	}
}

// ageFile is a binary one, as the program makes it.
func ageFile(t *testing.T, passphrase string, workFactor int, content []byte) []byte {
	t.Helper()
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	recipient.SetWorkFactor(workFactor)
	return ageTo(t, recipient, content)
}

func ageTo(t *testing.T, recipient age.Recipient, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipient)
	if err == nil {
		_, err = w.Write(content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestKeysThatNobodyKnowsHere: a file that a passphrase cannot open says so, before anybody is asked for one.
func TestKeysThatNobodyKnowsHere(t *testing.T) {
	t.Parallel()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		file []byte
		want error
	}{
		"a pre-shared key": {asTOTP(t, "rfc6030-figure06.xml"), ErrPreSharedKey},
		"a certificate":    {asTOTP(t, "rfc6030-figure08.xml"), ErrCertificate},
		"a key of age":     {ageTo(t, identity.Recipient(), []byte("x")), ErrCertificate},
	} {
		for _, err := range quick.read(bytes.NewReader(test.file), func() (string, error) { return "", errDisk }) {
			if !errors.Is(err, test.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestAPassphraseCostsNoMoreThanItMay: a file cannot make its reader work for hours, or without salt.
func TestAPassphraseCostsNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	file := string(write(t, PSKC, passphrase, record("alice")))
	for _, replace := range [][2]string{
		{"<IterationCount>1000<", "<IterationCount>100001<"},
		{"<IterationCount>1000<", "<IterationCount>99999999999999999999<"},
		{"<IterationCount>1000<", "<IterationCount>0<"},
		{"<IterationCount>1000<", "<IterationCount>-1<"},
		{"<IterationCount>1000</IterationCount>", ""},
		{"<KeyLength>32<", "<KeyLength>16<"},
		{"<KeyLength>32<", "<KeyLength>1000000000<"},
		{"<Specified>", "<Specified>" + strings.Repeat("AAAA", 400)},
		{"<Salt>", "<x:Salt xmlns:x='urn:x'>"},
		{"#hmac-sha256\"/>", "#hmac-md5\"/>"},
		{"pkcs-5v2-0#pbkdf2", "pkcs-5v2-0#scrypt"},
		{"xmldsig-more#hmac-sha256\"><pskc:MACKey>", "xmldsig-more#none\"><pskc:MACKey>"},
		{"<pskc:MACMethod", "<pskc:Nothing"},
		{"<pskc:ValueMAC>", "<pskc:Nothing>"},
		{"aes256-cbc", "tripledes-cbc"},
	} {
		altered := strings.Replace(file, replace[0], replace[1], 1)
		for _, name := range []string{"Salt", "MACMethod", "ValueMAC"} { // the end of what was renamed
			if strings.Contains(replace[0], "<"+name) || strings.Contains(replace[0], ":"+name) {
				other := strings.Trim(strings.Fields(replace[1])[0], "<>")
				altered = regexp.MustCompile(`</(pskc:)?`+name+`>`).ReplaceAllString(altered, "</"+other+">")
			}
		}
		asked := false
		for r, err := range quick.read(strings.NewReader(altered), func() (string, error) { asked = true; return passphrase, nil }) {
			if err == nil || errors.Is(err, ErrXML) || errors.As(err, new(*RecordError)) || strings.Contains(err.Error(), passphrase) {
				t.Errorf("%s: %+v, %v", replace[1], r, err)
			}
		}
		if asked && !strings.Contains(replace[0], "ValueMAC") && replace[0] != "aes256-cbc" {
			t.Errorf("%s: asked for a passphrase first", replace[1])
		}
	}
	if _, _, err := readAll(bytes.NewReader(ageFile(t, passphrase, 13, []byte("x"))), passphrase); !errors.Is(err, ErrAltered) {
		t.Errorf("a work factor beyond the limit: %v", err)
	}
}

// setUp reads the encryption of a container.
func setUp(t *testing.T, content []byte, passphrase string) (*encryption, error) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	e := &encryption{file: &file{limits: quick, ask: func() (string, error) { return passphrase, nil }}}
	d := newDocument(newReader(string(content)))
	_, err := d.root()
	check(err)
	for range 2 {
		part, err := d.next()
		check(err)
		check(e.declare(part, 0))
	}
	cipher, err := e.mac.find("MACKey", "EncryptionMethod")
	check(err)
	return e, e.setUp(cipher.attribute("Algorithm"))
}

// TestAMACKeyMustBeLong: half a MAC key, which who alters a file could choose, is none.
func TestAMACKeyMustBeLong(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/python-pskc-aes128-sha1.xml")
	if err != nil {
		t.Fatal(err)
	}
	at := regexp.MustCompile(`(?s)<pskc:MACKey>.*?<xenc:CipherValue>([^<]+)<`).FindSubmatchIndex(file)
	octets, err := base64.StdEncoding.DecodeString(string(file[at[2]:at[3]]))
	if err != nil {
		t.Fatal(err)
	}
	// The last block has 4 bytes of the key and 12 of padding; alone with its predecessor it is a key of 4 bytes.
	short := base64.StdEncoding.EncodeToString(octets[len(octets)-32:])
	altered := string(file[:at[2]]) + short + string(file[at[3]:])
	if e, err := setUp(t, []byte(altered), "correct horse"); err != ErrPassphrase {
		t.Errorf("a MAC key of %d bytes is taken: %v", len(e.macKey), err)
	}
}

// TestBlocksAndPadding (XML Encryption 1.1 section 5.2): what is no whole number of blocks, or ends in no padding, is not
// decrypted; the MAC's key has no MAC that would tell.
func TestBlocksAndPadding(t *testing.T) {
	t.Parallel()
	file := string(write(t, PSKC, passphrase, record("alice")))
	at := regexp.MustCompile(`(?s)<pskc:MACKey>.*?<xenc:CipherValue>([^<]+)<`).FindStringSubmatchIndex(file)
	for _, n := range []int{0, 16, 33, 47} {
		altered := file[:at[2]] + base64.StdEncoding.EncodeToString(make([]byte, n)) + file[at[3]:]
		if got, _, err := readAll(strings.NewReader(altered), passphrase); err == nil || got != nil {
			t.Errorf("%d bytes are decrypted: %v", n, got)
		}
	}
	key := make([]byte, 16)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	for padding := range 256 {
		ciphertext, last := make([]byte, 32), make([]byte, 16)
		last[15] = byte(padding) // the other bytes of a padding are not defined
		block.Encrypt(ciphertext[16:], last)
		plain, err := decryptCBC(key, nsXenc+"aes128-cbc", ciphertext)
		if good := padding >= 1 && padding <= 16; (err == nil) != good || good && len(plain) != 16-padding {
			t.Errorf("a padding of %d: %x, %v", padding, plain, err)
		}
	}
}

// TestEveryFileHasAMACKeyOfItsOwn: random, and as long as the MAC (RFC 6030 section 6.1.1).
func TestEveryFileHasAMACKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 2 {
		e, err := setUp(t, write(t, PSKC, passphrase, record("alice")), passphrase)
		if err != nil || len(e.macKey) != 32 || seen[string(e.macKey)] || seen[string(e.encryptionKey)] {
			t.Errorf("the MAC key %x, %v", e.macKey, err)
		}
		seen[string(e.macKey)], seen[string(e.encryptionKey)] = true, true
	}
}

// TestALongAgeFileIsNotCut: also where its first records were read already, a missing end is an error and not the end.
func TestALongAgeFileIsNotCut(t *testing.T) {
	t.Parallel()
	var records []Record
	for i := range 1000 {
		records = append(records, record(fmt.Sprintf("user %d %s", i, strings.Repeat("x", 200))))
	}
	for _, format := range formats {
		file := ageFile(t, passphrase, 2, write(t, format, "", records...))
		if got, _, err := readAll(bytes.NewReader(file[:len(file)-100_000]), passphrase); err != ErrAltered || len(got) == 0 || len(got) == len(records) {
			t.Errorf("%s: %d records, %v", format, len(got), err)
		}
	}
}
