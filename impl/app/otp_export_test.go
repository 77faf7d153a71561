package app

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/otp/transfer"
)

// TestExportThatFailsIsNotWhole: where authenticators cannot be written, each is named with the reason, and what was written has
// no end, so that nobody takes it for all there is. With --leave-out it is finished without them. A name of an authenticator
// that no file can have is no reason to leave its secret behind.
func TestExportThatFailsIsNotWhole(t *testing.T) {
	t.Parallel()
	o := newTown(t)
	alice := o.user(account.NewUser{Username: "alice"}, "Phone", "Odd")
	nameless := o.user(account.NewUser{Email: "bob@example.com"}, "Phone")
	broken := o.user(account.NewUser{Username: "carol"}, "Phone")
	o.execute(`UPDATE mfa_factors SET name = E'\uFFFE' WHERE name = 'Odd'`)
	o.execute(`UPDATE mfa_factors SET secret_sealed = substring(secret_sealed FROM 1 FOR 30) WHERE user_id = $1`, broken)

	var file, report bytes.Buffer
	command := otpExportCommand{whose: byName(), Format: "pskc"}
	err := command.export(t.Context(), o.App, &file, &report, "")
	if err == nil || !strings.Contains(err.Error(), "2 authenticators cannot be written; nothing was exported") {
		t.Errorf("export = %v", err)
	}
	for _, want := range []string{
		"user " + alice + ": written without the name", "user " + nameless + ": cannot be written: there is no name",
		"user " + broken + ": cannot be written: sealed value cannot be opened",
	} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, report.String())
		}
	}
	wantHalf(t, &file)

	file.Reset()
	report.Reset()
	command.LeaveOut = true
	err = command.export(t.Context(), o.App, &file, &report, "")
	if err != nil || !strings.Contains(report.String(), "2 authenticators exported, 2 left out") {
		t.Errorf("with --leave-out: %v\n%s", err, report.String())
	}
	read, err := gather(transfer.Read(&file, nil), maxImported, io.Discard)
	if err != nil || len(read.records) != 2 || read.records[0].Name+read.records[1].Name != "Phone" {
		t.Errorf("the file has %+v, %v", read, err)
	}
}

// TestInterruptedExportIsNotWhole: what a command had written when it was interrupted has no end.
func TestInterruptedExportIsNotWhole(t *testing.T) {
	t.Parallel()
	o := newTown(t)
	o.user(account.NewUser{Username: "alice"}, "Phone")
	o.user(account.NewUser{Email: "bob@example.com"}, "Phone")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var file bytes.Buffer
	interrupt := writer(func([]byte) { cancel() }) // when the report names Bob
	err := otpExportCommand{whose: byName(), Format: "pskc", LeaveOut: true}.export(ctx, o.App, &file, interrupt, "")
	if err == nil || told(ctx, err).Error() != "interrupted" {
		t.Errorf("export = %v", err)
	}
	wantHalf(t, &file)
}

// wantHalf: a file has no end, if it has anything.
func wantHalf(t *testing.T, file *bytes.Buffer) {
	t.Helper()
	last, size := error(nil), file.Len()
	for _, err := range transfer.Read(file, nil) {
		last = err
	}
	if last == nil && size > 0 {
		t.Error("half of the file passes for all")
	}
}
