package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

// seed is that of RFC 6238, and of the examples of RFC 6030; in no error may it be found.
const (
	seed       = "12345678901234567890"
	seedBase32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	seedBase64 = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="
)

const passphrase = "correct horse battery 马"

// quick are the limits of tests, where a passphrase costs little.
var quick = limits{iterations: 1000, maxIterations: 100_000, workFactor: 2, maxWorkFactor: 12, maxRecords: 10_000}

func record(user string) Record {
	return Record{User: user, Key: otpauth.Key{Account: user, Secret: []byte(seed), Algorithm: "SHA1", Digits: 6, Period: 30}}
}

// fleet are records as organisations have them.
func fleet() []Record {
	names := []string{
		"alice", "bob@example.com", "+8613800138000", "爱丽丝", "أليس بنت محمد", "👩‍🚀 \"Al\" O'Neil", "Smith, John", `a\b<c>d;e+f=g#h&i%j`,
		"#1", " padded  ",
		"CN=x,UID=y", "a:b", "50%25", "]]>", "<!DOCTYPE x>", "", strings.Repeat("长", 170),
	}
	var records []Record
	for i, name := range names {
		r := record(name)
		r.ID, r.Name = fmt.Sprintf("id %d", i), names[len(names)-1-i]
		r.Key.Issuer = strings.ReplaceAll(names[(i+3)%len(names)], ":", " ")
		r.Key.Secret = bytes.Repeat([]byte{byte(i)}, 10+i*54/len(names))
		r.Key.Algorithm, r.Key.Digits, r.Key.Period = []string{"SHA1", "SHA256", "SHA512"}[i%3], 6+i%3, 1+i*17
		r.LastStep, r.Drift = int64(i)*100_000_000, i-8
		if strings.HasPrefix(name, " ") || strings.Contains(name, ":") || i%4 == 0 {
			r.Key.Account = "account " + fmt.Sprint(i)
		}
		records = append(records, r)
	}
	return append(records, record("no id"), record("no id either"))
}

func write(t testing.TB, f Format, passphrase string, records ...Record) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := quick.newWriter(&out, f, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// readAll returns the records, the errors about records, and the one that ended it.
func readAll(in io.Reader, passphrase string) (records []Record, refused []*RecordError, final error) {
	for r, err := range quick.read(in, func() (string, error) { return passphrase, nil }) {
		if final != nil {
			return nil, nil, fmt.Errorf("went on after %w", final)
		}
		if of := (*RecordError)(nil); errors.As(err, &of) {
			refused = append(refused, of)
		} else if final = err; err == nil {
			records = append(records, r)
		}
	}
	return records, refused, final
}

var (
	formats     = []Format{PSKC, OTPAuth}
	passphrases = []string{"", passphrase}
)

// TestNoLockIn: in each format, encrypted or not, everything that is known of every authenticator comes back as it was.
func TestNoLockIn(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		for _, p := range passphrases {
			file := write(t, f, p, fleet()...)
			got, refused, err := readAll(bytes.NewReader(file), p)
			if err != nil || refused != nil {
				t.Errorf("%s: %v, %v", f, refused, err)
			}
			for i, want := range fleet() {
				if i >= len(got) || !reflect.DeepEqual(got[i], want) {
					t.Errorf("%s, passphrase %q: record %d\nwas %+v\nis  %+v", f, p, i, want, got[min(i, len(got)-1)])
				}
			}
			if p != "" && (bytes.Contains(file, []byte(seedBase32)) || bytes.Contains(file, []byte(seedBase64))) {
				t.Errorf("%s: a secret shows in the encrypted file", f)
			}
			if none, _, err := readAll(bytes.NewReader(write(t, f, p)), p); err != nil || none != nil {
				t.Errorf("%s: a file without records has %v, %v", f, none, err)
			}
		}
	}
}

// TestNothingIsEncryptedTwiceTheSame: the same records with the same passphrase make files that share no salt, key or vector.
func TestNothingIsEncryptedTwiceTheSame(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		seen := map[string]bool{}
		for range 2 {
			file := string(write(t, f, passphrase, record("a"), record("b")))
			for _, word := range strings.FieldsFunc(file, func(r rune) bool { return strings.ContainsRune("<>\n \"", r) }) {
				if len(word) < 22 || strings.ContainsAny(word, ":") || strings.HasPrefix(word, "-") {
					continue // no base64
				}
				if seen[word] {
					t.Errorf("%s: %q is there twice", f, word)
				}
				seen[word] = true
			}
		}
		if len(seen) < 6 {
			t.Errorf("%s: only %d texts compared", f, len(seen))
		}
	}
}

// TestAFormatIsFound: Read needs no name of a format; and asks for a passphrase only where there is something to open, once.
func TestAFormatIsFound(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		for _, p := range passphrases {
			for _, before := range []string{"", "\xEF\xBB\xBF", "\n\r\n\t "} {
				asked, records := 0, 0
				file := append([]byte(before), write(t, f, p, fleet()...)...)
				if before != "" && before[0] == '\n' && f == PSKC {
					file = bytes.Replace(file, []byte(`<?xml version="1.0" encoding="UTF-8"?>`), nil, 1) // which nothing may precede
				}
				for _, err := range quick.read(iotest.OneByteReader(bytes.NewReader(file)), func() (string, error) { asked++; return p, nil }) {
					if err != nil {
						t.Errorf("%s after %q: %v", f, before, err)
					}
					records++
				}
				if records != len(fleet()) || asked > 1 || (asked == 1) != (p != "") {
					t.Errorf("%s after %q: %d records, asked %d times", f, before, records, asked)
				}
			}
		}
	}
	for _, text := range []string{
		"hello", "\x00\x01", "{}", "otpauth-migration://offline?data=x",
		"alice," + seedBase32, "<html/>", `<KeyContainer Version="1.0"/>`,
	} {
		if _, _, err := readAll(strings.NewReader(text), ""); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if records, _, err := readAll(strings.NewReader(" \n"), ""); err != nil || records != nil {
		t.Errorf("an empty file: %v, %v", records, err)
	}
}

// TestLinesOfOthers (T12): a line that any other system writes gives the account as the user. Comments and empty lines are
// passed over; a line that cannot be read is named by its number, and the rest is read all the same.
func TestLinesOfOthers(t *testing.T) {
	t.Parallel()
	file := strings.Join([]string{
		"# from elsewhere", "", "otpauth://totp/Example:alice@example.com?secret=" + seedBase32 + "&issuer=Example&id=7&name=x&user=root\r",
		"  otpauth://totp/Example:%20bob?secret=gezdgnbvgy3tqojq&algorithm=sha256&digits=8&period=60  ",
		"otpauth://hotp/carol?counter=1&secret=" + seedBase32,
		"otpauth://totp/dave?secret=" + seedBase32[:8],
		"#otpauth://totp/off?secret=" + seedBase32,
		seedBase32,
		"otpauth://totp/alice@example.com?secret=" + seedBase32,
		"otpauth://totp/erin?secret=" + seedBase32 + "&menshen_drift=x",
		"otpauth://totp/erin?secret=" + seedBase32 + "&menshen_last_step=-1",
		"otpauth://totp/erin?secret=" + seedBase32 + "&menshen_name=a%0Ab",
		"otpauth://totp/erin?secret=" + seedBase32 + "&menshen_user=&menshen_id=7",
	}, "\n")
	got, refused, err := readAll(strings.NewReader(file), "")
	alice, bob, erin := record("alice@example.com"), record("bob"), record("")
	alice.Key.Issuer = "Example"
	bob.Key = otpauth.Key{Issuer: "Example", Account: "bob", Secret: []byte(seed[:10]), Algorithm: "SHA256", Digits: 8, Period: 60}
	erin.ID, erin.Key.Account = "7", "erin"
	if want := []Record{alice, bob, erin}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v, %v", got, err)
	}
	want := []struct {
		place string
		err   error
	}{
		{"line 5", otpauth.ErrHOTP},
		{"line 6", otpauth.ErrSecretSize},
		{"line 8", otpauth.ErrURI},
		{"line 9", ErrDuplicate},
		{"line 10", ErrRange},
		{"line 11", ErrRange},
		{"line 12", ErrText},
	}
	for i, e := range refused {
		if i >= len(want) || e.Place != want[i].place || !errors.Is(e, want[i].err) || strings.Contains(e.Error(), "GEZD") {
			t.Errorf("refused %d: %v", i, e)
		}
	}
	if len(refused) != len(want) {
		t.Errorf("%d lines are refused, want %d", len(refused), len(want))
	}
	if _, _, err := readAll(strings.NewReader("otpauth://totp/a?secret="+seedBase32+"\n"+strings.Repeat("x", 1<<20)), ""); !errors.Is(err, ErrFormat) {
		t.Errorf("a line of a megabyte: %v", err)
	}
}

// TestTheUserIsNotTheLabel: what a label cannot have, a colon and a space in front, the user beside it keeps.
func TestTheUserIsNotTheLabel(t *testing.T) {
	t.Parallel()
	for name, account := range map[string]string{"DOMAIN:alice": "DOMAIN alice", " alice": "alice", ": alice": "alice", "alice": "alice"} {
		got, _, err := readAll(bytes.NewReader(write(t, OTPAuth, "", record(name))), "")
		if err != nil || len(got) != 1 || got[0].User != name || got[0].Key.Account != account {
			t.Errorf("%q is read as %+v, %v", name, got, err)
		}
	}
}

// TestAFileHasAnEnd: a file of more records than may be is left.
func TestAFileHasAnEnd(t *testing.T) {
	t.Parallel()
	few := quick
	few.maxRecords = 3
	for _, f := range formats {
		n := 0
		var last error
		for _, err := range few.read(bytes.NewReader(write(t, f, "", fleet()...)), nil) {
			n++
			last = err
		}
		if n != 4 || last != ErrTooMany {
			t.Errorf("%s: left after %d with %v", f, n, last)
		}
	}
}

// TestWhatIsWrittenCanBeRead: a record that no reader would take is refused when it is written, and the file is good without it.
func TestWhatIsWrittenCanBeRead(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Record){
		"a control character": func(r *Record) { r.Name = "a\x00b" },
		"a line break":        func(r *Record) { r.User = "a\nb" },
		"no character of XML": func(r *Record) { r.Key.Issuer = "a\uFFFFb" },
		"no UTF-8":            func(r *Record) { r.ID = "\xff" },
		"a long text":         func(r *Record) { r.Key.Account = strings.Repeat("a", maxText+1) },
		"no secret":           func(r *Record) { r.Key.Secret = nil },
		"a long secret":       func(r *Record) { r.Key.Secret = make([]byte, 65) },
		"no algorithm":        func(r *Record) { r.Key.Algorithm = "" },
		"no digits":           func(r *Record) { r.Key.Digits = 0 },
		"a long period":       func(r *Record) { r.Key.Period = 301 },
		"a step before 1970":  func(r *Record) { r.LastStep = -1 },
		"a step beyond 2038":  func(r *Record) { r.LastStep = 1 << 31 },
		"a drift of ages":     func(r *Record) { r.Drift = -1 << 32 },
	} {
		for _, f := range formats {
			var out bytes.Buffer
			w, _ := quick.newWriter(&out, f, "")
			bad := record("bad")
			spoil(&bad)
			_ = w.Write(record("first"))
			refused := (*RecordError)(nil)
			if err := w.Write(bad); !errors.As(err, &refused) || refused.Place != "record 2" || strings.Contains(err.Error(), seed) {
				t.Errorf("%s in %s: %v", name, f, err)
			}
			if err := errors.Join(w.Write(record("last")), w.Close()); err != nil {
				t.Errorf("%s in %s: %v", name, f, err)
			}
			if got, refused, err := readAll(&out, ""); len(got) != 2 || refused != nil || err != nil {
				t.Errorf("%s in %s: %v, %v, %v", name, f, got, refused, err)
			}
			if w.Write(record("late")) == nil || w.Close() == nil {
				t.Errorf("%s is written to after its end", f)
			}
		}
	}
	if _, err := NewWriter(io.Discard, "csv", ""); err == nil {
		t.Error("a format that does not exist is written")
	}
}

// TestDuplicatesAreNamed: an authenticator that is in the file twice is refused the second time, by its id, or without one, as
// the same secret of the same user.
func TestDuplicatesAreNamed(t *testing.T) {
	t.Parallel()
	a, b, c, d := record("alice"), record("bob"), record("alice"), record("carol")
	a.ID, b.ID, d.Key.Secret = "1", "1", []byte("another secret")
	for _, f := range formats {
		got, refused, err := readAll(bytes.NewReader(write(t, f, "", a, b, c, c, d, a)), "")
		if err != nil || len(got) != 3 || len(refused) != 3 {
			t.Fatalf("%s: %v, %v, %v", f, got, refused, err)
		}
		for i, place := range []string{" 2", " 4", " 6"} {
			if !strings.HasSuffix(refused[i].Place, place) || !errors.Is(refused[i], ErrDuplicate) {
				t.Errorf("%s: %v", f, refused[i])
			}
		}
	}
}
