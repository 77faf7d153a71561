package transfer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// FuzzReadPSKC and FuzzReadOTPAuth: whatever a file has in it, reading ends, in time, without a panic; what is handed out can be
// written and is read again as the same; and no error quotes the secrets that were put into the file.
func FuzzReadPSKC(f *testing.F) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) < 10 {
		f.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
		f.Add(bytes.ReplaceAll(content, []byte("pskc:hotp"), []byte("pskc:totp")))
	}
	f.Add(write(f, PSKC, "", fleet()...))
	f.Add(write(f, PSKC, "qwerty", record("alice")))
	f.Add([]byte(containerOf(totp, secretOnly)))
	f.Fuzz(fuzzRead)
}

func FuzzReadOTPAuth(f *testing.F) {
	f.Add(write(f, OTPAuth, "", fleet()...))
	f.Add(write(f, OTPAuth, "qwerty", record("alice")))
	f.Add([]byte("otpauth://totp/a:b?secret=" + seedBase32 + "&menshen_user=x&menshen_drift=-1&menshen_last_step=1\n#x\n\n" + seedBase32))
	f.Fuzz(fuzzRead)
}

func fuzzRead(t *testing.T, content []byte) {
	cheap := limits{maxIterations: 2000, maxWorkFactor: 4, maxRecords: 1000}
	start, ended := time.Now(), false
	for r, err := range cheap.read(bytes.NewReader(content), func() (string, error) { return "qwerty", nil }) {
		if ended {
			t.Fatal("an error was not the last")
		}
		if err != nil {
			for _, secret := range []string{seed, seedBase32[:8], seedBase64[:8], "qwerty"} {
				if strings.Contains(err.Error(), secret) {
					t.Fatalf("a secret is in the error %q", err)
				}
			}
			ended = !errors.As(err, new(*RecordError))
			if !reflect.DeepEqual(r, Record{}) {
				t.Fatalf("a record with an error: %+v", r)
			}
			continue
		}
		for _, f := range formats {
			if f == OTPAuth && (strings.Contains(r.Key.Account+r.Key.Issuer, ":") || strings.HasPrefix(r.Key.Account, " ")) {
				continue // which its labels cannot have
			}
			again, refused, err := readAll(bytes.NewReader(write(t, f, "", r)), "")
			if err != nil || refused != nil || len(again) != 1 || !reflect.DeepEqual(again[0], r) {
				t.Fatalf("%+v is read from %s as %+v, %v, %v", r, f, again, refused, err)
			}
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
