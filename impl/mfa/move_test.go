package mfa

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

const moved = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // digitsTwice in base32

// imports tries to give a user an authenticator of another system.
func (r *rig) imports(userID, secret, recoveryCode string) (isNew bool, err error) {
	err = r.store.InTx(r.t.Context(), func(q db.Queries) error {
		isNew, err = r.Import(r.t.Context(), q, "pool", userID, "key:k", secret, recoveryCode)
		return err
	})
	return isNew, err
}

// imported gives alice one.
func (r *rig) imported(secret, recoveryCode string) {
	r.t.Helper()
	isNew, err := r.imports("alice", secret, recoveryCode)
	r.must(err)
	if !isNew {
		r.t.Fatal("it is not new")
	}
}

// TestImport: what another system has made is good from then on, with its recovery code, without a code of the user's; the
// same once more changes nothing, also when it is written in another way, and another does not take its place.
func TestImport(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.imported(moved, "ABCD-efgh-1234-5678")
	app := generator{[]byte(digitsTwice), "SHA1", 6, 30}
	r.must(r.verify(r.codeBy(app, 0)))
	r.want("replay", r.verify(r.codeBy(app, 0)), ErrCodeUsed)
	r.want("its recovery code", r.verify("abcdefgh12345678"), nil)
	r.want("again", r.verify("ABCD-efgh-1234-5678"), ErrRecoveryCodeUsed)
	before := r.factors()[0]
	for _, same := range []string{moved, strings.ToLower(moved), moved[:4] + " " + moved[4:]} {
		if isNew, err := r.imports("alice", same, "another-recovery-code-1"); isNew || err != nil {
			t.Errorf("%q once more: new %v, %v", same, isNew, err)
		}
	}
	_, err := r.imports("alice", strings.Repeat("A", 32), "")
	r.want("another secret", err, ErrHasAnother)
	if after := r.factors(); len(after) != 1 || after[0].ID != before.ID || after[0].LastStep != before.LastStep || after[0].Name != "Authenticator" {
		t.Errorf("after it: %+v, before %+v", after, before)
	}
	r.want("a recovery code of what was not imported", r.verify("anotherrecoverycode1"), ErrRecoveryCode)
	if n := r.audited("otp.secret.import", "success"); n != 1 {
		t.Errorf("%d imports in the audit log, want 1", n)
	}
	r.execute("UPDATE mfa_factors SET failures = 100")
	_, err = r.imports("alice", moved, "")
	r.want("the same, which is disabled", err, ErrDisabled)
	_, err = r.imports("nobody", moved, "")
	r.want("of nobody", err, db.ErrNotFound)
}

// TestImportRefuses (T14): a secret must be base32 of 80 to 512 bit, and a recovery code have at least 16 letters and digits,
// 20 of digits alone, and not always the same ones, so that it cannot be guessed; what is refused leaves nothing.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, test := range map[string]struct {
		secret, code string
		want         error
	}{
		"not base32":          {"10189!", "", ErrSecret},
		"72 bit":              {"GEZDGNBVGY3TQOI", "", ErrSecret},
		"too long":            {strings.Repeat("A", 104), "", ErrSecret},
		"no secret":           {"", "", ErrSecret},
		"a short code":        {moved, "abcdef789012345", ErrWeakRecoveryCode},
		"digits alone":        {moved, "1234567890123456789", ErrWeakRecoveryCode},
		"few letters":         {moved, "aabbccddeeaabbccddee", ErrWeakRecoveryCode},
		"short but for signs": {moved, "abcd-ef78-9012-345", ErrWeakRecoveryCode},
		"a long code":         {moved, strings.Repeat("abcdefghijklm", 5), ErrWeakRecoveryCode},
		"another alphabet":    {moved, "абвгдежзийклмноп", ErrWeakRecoveryCode},
		"nothing but signs":   {moved, "----------------", ErrWeakRecoveryCode},
	} {
		isNew, err := r.imports("alice", test.secret, test.code)
		r.want(name, err, test.want)
		if isNew || len(r.factors()) != 0 {
			t.Errorf("%s: something is bound", name)
		}
		for _, given := range []string{test.secret, test.code} {
			if given != "" && err != nil && strings.Contains(fmt.Sprintf("%+v", err), given) {
				t.Errorf("%s: the refusal quotes it: %v (T13)", name, err)
			}
		}
	}
	r.wantLeft(0)
	for _, code := range []string{"abcdef7890123456", "12345678901234567890", strings.Repeat("abcdefgh", 8)} {
		r.execute("DELETE FROM mfa_factors")
		r.imported(moved, code)
		r.want("at the limits", r.verify(code), nil)
	}
}

// TestImportTogether: of parallel imports for one user one binds; the others find it bound, or another in its place.
func TestImportTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	secrets := make(chan string, 64)
	for i := range 64 {
		secrets <- []string{moved, strings.Repeat("A", 32)}[i%2]
	}
	fresh := make(chan bool, 64)
	done, refused := parallel(t, func() error {
		isNew, err := r.imports("alice", <-secrets, "")
		fresh <- isNew
		return err
	}, nil, ErrHasAnother)
	close(fresh)
	won := 0
	for isNew := range fresh {
		if isNew {
			won++
		}
	}
	if won != 1 || len(r.factors()) != 1 || done != 32 || refused != 32 {
		t.Errorf("%d bound, %d agreed, %d were refused, %d authenticators", won, done, refused, len(r.factors()))
	}
}

// TestImportKey (T2, T4, T7): a key of another policy keeps its algorithm, its digits and its period; a step that the other
// system has seen is spent here too, and what it knew of the clock is kept within what is followed.
func TestImportKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	app := generator{[]byte(strings.Repeat(digitsTwice, 2)), "SHA512", 8, 60}
	step := app.step(r.clock.now)
	i := Imported{Key: otpauth.Key{Secret: app.secret, Algorithm: "SHA512", Digits: 8, Period: 60}, Name: " Old\tsystem ", LastStep: step, Drift: 9}
	r.must(r.store.InTx(t.Context(), func(q db.Queries) error {
		_, err := r.ImportKey(t.Context(), q, "pool", "alice", "system", i)
		return err
	}))
	if f := r.factors()[0]; f.Drift != 4 || f.Digits != 8 || f.Period != 60 || f.Algorithm != "SHA512" || f.LastStep != step {
		t.Errorf("%+v", f)
	}
	r.want("a step that was used there", r.verify(r.codeBy(app, 0)), ErrCodeUsed)
	r.advance(time.Minute)
	r.want("the next", r.verify(r.codeBy(app, 0)), nil)
	i.Key.Algorithm = "MD5"
	_, err := r.ImportKey(t.Context(), r.store.Queries, "pool", "alice", "system", i)
	r.want("an algorithm that there is not", err, ErrSecret)
}

// TestImportBeside (T4): what an operator adds beside others gets a name that is free, is never known already, and stops at
// five. A step of the future, which would lock the user out until then, is not believed.
func TestImportBeside(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	add := func(seed byte, i Imported) (bool, error) {
		i.Key, i.Beside = otpauth.Key{Secret: bytes.Repeat([]byte{seed}, 20), Algorithm: "SHA1", Digits: 6, Period: 30}, true
		return r.ImportKey(t.Context(), r.store.Queries, "pool", "alice", "system", i)
	}
	for seed, i := range []Imported{{Name: "Phone"}, {Name: " Phone "}, {}, {Name: strings.Repeat("长", 70), LastStep: 1 << 50}} {
		if isNew, err := add(byte(seed), i); !isNew || err != nil {
			t.Fatalf("%+v: new %v, %v", i, isNew, err)
		}
	}
	var names []string
	for _, f := range r.factors() {
		names = append(names, f.Name)
		if f.LastStep > r.clock.now.Unix()/30 {
			t.Errorf("%s has used step %d, which is to come", f.Name, f.LastStep)
		}
	}
	slices.Sort(names)
	if want := []string{"Authenticator", "Authenticator 2", "Phone", "Phone 2", strings.Repeat("长", 64)}; !slices.Equal(names, want) {
		t.Errorf("named %q, want %q", names, want)
	}
	isNew, err := add(0, Imported{})
	if isNew || err != nil {
		t.Errorf("one of them again: new %v, %v", isNew, err)
	}
	_, err = add(9, Imported{})
	r.want("a sixth", err, ErrTooMany)
}

// TestFreeNameIsShort: a number that makes a long name another does not make it longer than the contract has room for.
func TestFreeNameIsShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", maxName)
	name := freeName(long, []db.Factor{{Name: long}})
	if utf8.RuneCountInString(name) > maxName || name == long {
		t.Errorf("%q has %d characters, want another name of %d at most", name, utf8.RuneCountInString(name), maxName)
	}
}

// TestSecretOfSeveral: of several authenticators it is the oldest that still works.
func TestSecretOfSeveral(t *testing.T) {
	t.Parallel()
	r, first, second := pair(t)
	for _, test := range []struct {
		disabled string
		want     []byte
	}{{"none", first.secret}, {"Tablet", first.secret}, {"Authenticator", second.secret}, {"%", first.secret}} {
		r.execute("UPDATE mfa_factors SET failures = CASE WHEN name LIKE $1 THEN 100 ELSE 0 END", test.disabled)
		if secret, err := r.Secret(t.Context(), "pool", "alice"); err != nil || secret != otpauth.FormatSecret(test.want) {
			t.Errorf("%s disabled: another secret, or %v", test.disabled, err)
		}
	}
}

// TestExport: every authenticator that works, of everybody in the userpool and nobody else, with all that the next system
// needs; each is in the audit log before it is handed out.
func TestExport(t *testing.T) {
	t.Parallel()
	r, first, second := pair(t)
	r.person("bob")
	_, err := r.imports("bob", moved, "")
	r.must(err)
	r.execute("UPDATE mfa_factors SET drift = -2 WHERE name = 'Tablet'")
	var got []string
	err = r.Export(t.Context(), "pool", "system", func(e Exported) error {
		if n := len(r.list("SELECT id::text FROM audit_log WHERE action = 'otp.secret.export' AND actor = 'system' AND target = $1", "user:"+e.UserID)); n == 0 {
			t.Errorf("%s is handed out before it is in the audit log", e.FactorID)
		}
		got = append(got, fmt.Sprint(e.UserID, " ", e.Name, " ", string(e.Key.Secret), " ", e.Key.Algorithm, e.Key.Digits, e.Key.Period, " ", e.Drift))
		return nil
	})
	r.must(err)
	slices.Sort(got)
	want := []string{
		"alice Authenticator " + string(first.secret) + " SHA16 30 0", "alice Tablet " + string(second.secret) + " SHA16 30 -2",
		"bob Authenticator " + digitsTwice + " SHA16 30 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	r.execute("UPDATE mfa_factors SET failures = 100 WHERE name = 'Tablet'")
	n, stop := 0, errors.New("stop")
	r.must(r.Export(t.Context(), "pool", "system", func(Exported) error { n++; return nil }))
	if n != 2 {
		t.Errorf("%d with a disabled one, want 2", n)
	}
	r.must(r.Export(t.Context(), "other", "system", func(Exported) error { return stop }))
	r.want("who takes them fails", r.Export(t.Context(), "pool", "system", func(Exported) error { return stop }), stop)
}

// TestRemove: an operator takes everything off, disabled ones too and of a suspended user too, with the sessions and what
// waits, and the user is told; it says when there was nothing.
func TestRemove(t *testing.T) {
	t.Parallel()
	r, _, _ := pair(t)
	r.execute("UPDATE mfa_factors SET failures = 100 WHERE name = 'Tablet'")
	r.execute("UPDATE users SET status = 'Suspended'")
	r.must(r.store.MFA().PutPending(t.Context(), db.PendingFactor{UserpoolID: "pool", UserID: "alice", ID: "1", SecretSealed: []byte{1}, ExpiresAt: r.clock.now}))
	r.must(r.Remove(t.Context(), "pool", "alice"))
	if left := r.list("SELECT id FROM sessions WHERE revoked_at IS NULL UNION ALL SELECT id FROM mfa_pending"); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if len(r.factors()) != 0 {
		t.Errorf("left: %+v", r.factors())
	}
	r.wantTold("factor_bound", "factor_bound", "factor_removed")
	r.want("again", r.Remove(t.Context(), "pool", "alice"), ErrNotBound)
	r.want("of nobody", r.Remove(t.Context(), "pool", "nobody"), db.ErrNotFound)
}
