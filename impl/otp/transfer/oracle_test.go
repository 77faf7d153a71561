package transfer

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

// run runs a program that is not ours.
func run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is missing; run `make tools`", program)
	}
	var out, diagnosis bytes.Buffer
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr = &out, &diagnosis
	if err := command.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", program, arguments, err, &out, &diagnosis)
	}
	return out.String()
}

// known are records that other programs can read whole: python-pskc takes white space at the ends away.
func known() []Record {
	var records []Record
	for _, r := range fleet() {
		if r.User != "" && r.ID != "" && strings.TrimSpace(r.Name) == r.Name && strings.TrimSpace(r.Key.Issuer) == r.Key.Issuer {
			records = append(records, r)
		}
	}
	return records
}

func save(t *testing.T, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys.xml")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestOATHToolkitReadsIt (RFC 6030 section 11): what is written is valid by the schema of the RFC, and libpskc reads every
// secret and parameter of the plain form.
func TestOATHToolkitReadsIt(t *testing.T) {
	t.Parallel()
	for _, p := range passphrases {
		for _, records := range [][]Record{fleet(), nil} {
			if out := run(t, "pskctool", "--validate", save(t, write(t, PSKC, p, records...))); strings.TrimSpace(out) != "OK" {
				t.Errorf("not valid: %s", out)
			}
		}
	}
	records := known()
	packages := strings.Split(run(t, "pskctool", "--info", save(t, write(t, PSKC, "", records...))), "KeyPackage ")[1:]
	if len(packages) != len(records) {
		t.Fatalf("%d key packages, want %d", len(packages), len(records))
	}
	for i, r := range records {
		for name, value := range map[string]string{
			"Id": r.ID, "Issuer": r.Key.Issuer, "FriendlyName": r.Name, "Key User Id": formatDN(r.User), "Algorithm": algorithmTOTP,
			"Key Secret (base64)": base64.StdEncoding.EncodeToString(r.Key.Secret), "Key TimeInterval": strconv.Itoa(r.Key.Period),
			"Algorithm Parameters Suite": "HMAC-" + r.Key.Algorithm, "Response Format Length": strconv.Itoa(r.Key.Digits),
			"Response Format Encoding": "DECIMAL",
		} {
			if value != "" && !strings.Contains(packages[i], "\t"+name+": "+value+"\n") {
				t.Errorf("%s of %q is not %q in\n%s", name, r.User, value, packages[i])
			}
		}
	}
}

// TestPythonReadsIt: python-pskc derives our key, verifies our MACs and reads the same records, in plain text and encrypted.
func TestPythonReadsIt(t *testing.T) {
	t.Parallel()
	columns := []string{
		"id", "secret", "key_userid", "friendly_name", "issuer", "algorithm", "algorithm_suite", "response_length", "time_interval", "time_drift",
	}
	for _, p := range passphrases {
		arguments := []string{"--columns", strings.Join(columns, ","), save(t, write(t, PSKC, p, known()...))}
		if p != "" {
			arguments = append(arguments, "--password", p)
		}
		rows, err := csv.NewReader(strings.NewReader(run(t, "pskc2csv", arguments...))).ReadAll()
		if err != nil || len(rows) != len(known())+1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for i, r := range known() {
			drift := ""
			if r.Drift != 0 {
				drift = strconv.Itoa(r.Drift)
			}
			want := []string{
				r.ID, hex.EncodeToString(r.Key.Secret), formatDN(r.User), r.Name, r.Key.Issuer, algorithmTOTP, "HMAC-" + r.Key.Algorithm,
				strconv.Itoa(r.Key.Digits), strconv.Itoa(r.Key.Period), drift,
			}
			if !reflect.DeepEqual(rows[i+1], want) {
				t.Errorf("read as %q\nwant    %q", rows[i+1], want)
			}
		}
	}
}

// TestPythonWritesItAnew: a file goes through python-pskc, which opens it and encrypts it with a passphrase of its own, and comes
// back with the same authenticators.
func TestPythonWritesItAnew(t *testing.T) {
	t.Parallel()
	for _, p := range passphrases {
		arguments := []string{"--new-password", "another", save(t, write(t, PSKC, p, known()...))}
		if p != "" {
			arguments = append(arguments, "--password", p)
		}
		file := run(t, "pskc2pskc", arguments...)
		if strings.Contains(file, "<pskc:PlainValue>"+seedBase64) || !strings.Contains(file, "aes128-cbc") {
			t.Fatal("it is not encrypted")
		}
		got, refused, err := readAll(strings.NewReader(file), "another")
		if err != nil || refused != nil || len(got) != len(known()) {
			t.Fatalf("%v, %v, %v", got, refused, err)
		}
		for i, want := range known() {
			want.LastStep, want.Key.Account = 0, want.User // extensions are not carried on
			if !reflect.DeepEqual(got[i], want) {
				t.Errorf("is  %+v\nwas %+v", got[i], want)
			}
		}
	}
}

// TestOATHToolkitWroteIt: what libpskc makes of a file, without its extensions, is read too.
func TestOATHToolkitWroteIt(t *testing.T) {
	t.Parallel()
	file := run(t, "pskctool", "--info", "--verbose", save(t, write(t, PSKC, "", record("alice"))))
	got, _, err := readAll(strings.NewReader(file[strings.Index(file, "<?xml"):]), "")
	want := Record{User: "alice", Key: otpauth.Key{Account: "alice", Secret: []byte(seed), Algorithm: "SHA1", Digits: 6, Period: 30}}
	if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("%+v, %v", got, err)
	}
}
