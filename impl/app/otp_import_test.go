package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/internal/otpauth"
	"github.com/menshen-auth/menshen/impl/mfa"
	"github.com/menshen-auth/menshen/impl/otp/transfer"
)

// TestTrialIsTheImport: the check finds what the import would fail at, such as one authenticator more than a user can have, by
// whichever spelling of the name the file gives them; then nobody gets anything. What the check promises comes true.
func TestTrialIsTheImport(t *testing.T) {
	t.Parallel()
	o := newTown(t)
	alice, bob := o.user(account.NewUser{Username: "alice"}), o.user(account.NewUser{Username: "bob"})
	command := otpImportCommand{whose: byName()}
	for _, check := range []bool{true, false} {
		var report bytes.Buffer
		command.Check = check
		err := command.run(t.Context(), o.App, o.records("alice", 3, "bob", 1, "Alice", mfa.MaxFactors-2), &report)
		if err == nil || err.Error() != "1 errors; nothing was imported" {
			t.Errorf("six for alice, check %v: %v", check, err)
		}
		if !strings.HasPrefix(report.String(), `user "alice": You have as many authenticators`) {
			t.Errorf("check %v:\n%s", check, report.String())
		}
		if n := o.has(alice) + o.has(bob); n != 0 {
			t.Errorf("%d were imported", n)
		}
	}
	file := o.records("alice", 3, "bob", 1, "Alice", mfa.MaxFactors-4)
	again := file.records[0]
	again.User = "ALICE"
	file.records = append(file.records, again) // the same secret twice
	for _, check := range []bool{true, false} {
		want := "5 authenticators imported, 1 were there already"
		if check {
			want = "5 authenticators can be imported, 1 are there already"
		}
		var report bytes.Buffer
		command.Check = check
		if err := command.run(t.Context(), o.App, file, &report); err != nil || !strings.Contains(report.String(), want) {
			t.Errorf("check %v: %v\n%s", check, err, report.String())
		}
	}
	if o.has(alice) != 4 || o.has(bob) != 1 {
		t.Errorf("alice has %d, bob %d", o.has(alice), o.has(bob))
	}
}

// TestImportThatIsOvertakenSaysSo: what somebody else does between the trial and the import does not go unnoticed.
func TestImportThatIsOvertakenSaysSo(t *testing.T) {
	t.Parallel()
	o := newTown(t)
	alice := o.user(account.NewUser{Username: "alice"})
	file := o.records("alice", 1)
	first := true
	meanwhile := writer(func(said []byte) { // that nobody is told is said in between
		if first && strings.Contains(string(said), "users are not told") {
			first = false
			if err := (otpImportCommand{whose: byName()}).run(t.Context(), o.App, file, io.Discard); err != nil {
				t.Error(err)
			}
		}
	})
	err := otpImportCommand{whose: byName()}.run(t.Context(), o.App, file, meanwhile)
	if first || err == nil || !strings.Contains(err.Error(), "changed users meanwhile") || o.has(alice) != 1 {
		t.Errorf("import = %v, alice has %d", err, o.has(alice))
	}
}

// TestImportOfNothingFails: what is left of a command before it in a pipe that has failed is not taken for a file of nobody; a
// file that would fill the memory is refused; and what is wrong with a record is reported while the others are read.
func TestImportOfNothingFails(t *testing.T) {
	t.Parallel()
	three := func(yield func(transfer.Record, error) bool) {
		for n := range 3 {
			if !yield(transfer.Record{User: fmt.Sprint(n)}, nil) {
				return
			}
		}
	}
	bad := &transfer.RecordError{Place: "line 3", Err: transfer.ErrDuplicate}
	for name, test := range map[string]struct {
		records iter.Seq2[transfer.Record, error]
		limit   int
		want    string
	}{
		"nothing":  {transfer.Read(strings.NewReader(""), nil), 3, "the file has no authenticators"},
		"too many": {three, 2, "the file has more than 2 authenticators; divide it"},
		"enough":   {three, 3, ""},
		"bad":      {func(yield func(transfer.Record, error) bool) { yield(transfer.Record{}, bad) }, 3, ""},
	} {
		var report bytes.Buffer
		g, err := gather(test.records, test.limit, &report)
		if err == nil != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%s: %v", name, err)
		}
		if name == "bad" && (g.wrong != 1 || report.String() != bad.Error()+"\n") {
			t.Errorf("%s: %+v\n%s", name, g, report.String())
		}
	}
}

// TestPassphraseComesFirst: a file is opened with its passphrase before anything is asked of the database, which may change while
// somebody looks for the passphrase.
func TestPassphraseComesFirst(t *testing.T) {
	c := own(t)
	c.DatabaseURL = "postgres://127.0.0.1:1/nowhere?sslmode=disable"
	besides(t, c)
	dir := t.TempDir()
	var file bytes.Buffer
	w, err := transfer.NewWriter(&file, transfer.PSKC, "the right passphrase")
	if err != nil {
		t.Fatal(err)
	}
	key := otpauth.Key{Secret: make([]byte, 20), Algorithm: "SHA1", Digits: 6, Period: 30}
	if err := errors.Join(w.Write(transfer.Record{User: "alice", Key: key}), w.Close()); err != nil {
		t.Fatal(err)
	}
	command := otpImportCommand{whose: byName(), File: filepath.Join(dir, "file")}
	command.PassphraseFile = filepath.Join(dir, "passphrase")
	for path, text := range map[string][]byte{command.File: file.Bytes(), command.PassphraseFile: []byte("the wrong one\n")} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := command.Run(t.Context()); !errors.Is(err, transfer.ErrPassphrase) {
		t.Errorf("import = %v", err)
	}
}
