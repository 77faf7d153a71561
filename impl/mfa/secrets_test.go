package mfa

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/otpauth"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// TestNothingSecretIsLeft (T10, T13, T14): after a whole life with authenticators, right and wrong, no refusal and no row of
// any table has a secret, a code of an app, a recovery code or a token, in whichever way it may be written.
func TestNothingSecretIsLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := reqinfo.With(t.Context(), &reqinfo.Info{IP: "192.0.2.1", ID: "request"})
	var (
		said    []string
		secrets []string
	)
	note := func(err error) {
		for ; err != nil; err = errors.Unwrap(err) {
			said = append(said, fmt.Sprintf("%v %+v %#v", err, err, err))
		}
	}
	secret := func(texts ...string) { secrets = append(secrets, texts...) }

	e := r.request("Phone")
	seed := r.app
	secret(e.Secret, e.Token, e.RecoveryCode, plainRecoveryCode(e.RecoveryCode))
	note(r.Confirm(ctx, r.user, Confirmation{Code: r.wrong(), Token: e.Token}))
	note(r.Confirm(ctx, r.user, Confirmation{Code: r.code(), Token: e.Token, Secret: strings.Repeat("A", 32)}))
	note(r.Confirm(ctx, r.user, Confirmation{Code: r.code(), Token: "another-" + e.Token}))
	secret(r.code(), r.wrong())
	r.must(r.Confirm(ctx, r.user, Confirmation{Code: r.code(), Token: e.Token}))
	note(r.verify(r.code()))
	note(r.verify(e.RecoveryCode))
	note(r.verify(e.RecoveryCode))
	r.advance(30 * time.Second)
	secret(r.code())
	r.stepUp(r.code())
	r.advance(30 * time.Second)
	codes, err := r.MakeRecoveryCodes(ctx, r.user, r.code())
	r.must(err)
	secret(codes...)
	secret(plainRecoveryCode(codes[0]), r.code())
	note(r.verify(codes[1][:24]))
	waiting := r.request("Tablet") // is left waiting
	secret(waiting.Secret, waiting.Token, waiting.RecoveryCode)
	r.person("bob")
	secret(moved, "MOVED-recovery-code-1", "movedrecoverycode1")
	_, err = r.imports("bob", moved, "MOVED-recovery-code-1")
	note(err)
	_, err = r.imports("bob", strings.Repeat("B", 32), "short")
	note(err)
	for range 6 {
		note(r.verify(r.wrong()))
	}
	for _, app := range []generator{seed, r.app, {secret: []byte(digitsTwice)}} {
		secret(string(app.secret), hex.EncodeToString(app.secret), base64.StdEncoding.EncodeToString(app.secret), otpauth.FormatSecret(app.secret))
	}

	var rows []string
	for _, table := range r.list("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version'") {
		rows = append(rows, r.list("SELECT to_jsonb(t)::text FROM "+table+" t")...)
	}
	if len(said) < 10 || len(rows) < 30 {
		t.Fatalf("%d refusals and %d rows: the story is not told", len(said), len(rows))
	}
	for _, text := range append(said, rows...) {
		for _, s := range secrets {
			if len(s) > 6 && strings.Contains(strings.ToLower(text), strings.ToLower(s)) || len(s) == 6 && wordIn(text, s) {
				t.Errorf("%q is in %s", s, text)
			}
		}
	}
}

// wordIn tells whether six digits stand alone in a text, and not in a longer number or in a hash.
func wordIn(text, code string) bool {
	text = " " + text + " "
	for i := 1; i+len(code) < len(text); i++ {
		before, after := text[i-1], text[i+len(code)]
		if text[i:i+len(code)] == code && !alphanumeric(before) && before != '.' && !alphanumeric(after) {
			return true
		}
	}
	return false
}

func alphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// TestAuditOfAuthenticators (T13): what happens to authenticators is in the audit log, with who did it and from where.
func TestAuditOfAuthenticators(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := reqinfo.With(t.Context(), &reqinfo.Info{IP: "192.0.2.1", ID: "request"})
	r.scan()
	r.must(r.Confirm(ctx, r.user, Confirmation{Code: r.code()}))
	r.advance(30 * time.Second)
	r.must(r.StepUp(ctx, r.user, r.code()))
	r.advance(30 * time.Second)
	_, err := r.MakeRecoveryCodes(ctx, r.user, r.code())
	r.must(err)
	_, _, err = r.Challenge(ctx, "pool", "alice", authn.Code{Text: r.code()})
	r.want("replay", err, ErrCodeUsed)
	r.advance(30 * time.Second)
	r.must(r.Unbind(ctx, r.user, "", r.code()))
	events, err := r.store.Audit().Of(ctx, "pool", "user:alice", 100)
	r.must(err)
	want := []string{"mfa.unbind success", "mfa.replay refused", "mfa.recovery_codes success", "mfa.step_up success", "mfa.bind success"}
	for i, e := range events {
		if i >= len(want) || e.Action+" "+e.Outcome != want[i] || e.Actor != "user:alice" || e.IP != "192.0.2.1" || e.RequestID != "request" {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if len(events) != len(want) {
		t.Errorf("%d events, want %d", len(events), len(want))
	}
}
