package mfa

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// TestEnrolShowsASecret (T1, T2, T12): 160 bits that are nobody else's, once as text and once in a picture for the app.
func TestEnrolShowsASecret(t *testing.T) {
	t.Parallel()
	r, seen := newRig(t), map[string]bool{}
	for range 20 {
		r.signIn(r.user.SessionID + "+") // a new secret each time
		e, err := r.Enrol(t.Context(), r.user)
		r.must(err)
		seen[e.Secret] = true
		if len(e.Secret) != 32 || strings.Trim(e.Secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			t.Errorf("%q is not 160 bit in base32, upper case without padding", e.Secret)
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(e.Picture, "data:image/png;base64,"))
		r.must(err)
		m, err := png.Decode(bytes.NewReader(raw))
		r.must(err)
		bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
		r.must(err)
		read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
		r.must(err)
		u, err := url.Parse(read.GetText())
		r.must(err)
		if u.Path != "/Menshen:alice" || u.Query().Get("secret") != e.Secret {
			t.Errorf("the picture says %s, the secret is %s", u, e.Secret)
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d different secrets of 20", len(seen))
	}
}

// TestEnrolAgain (T11): a page that is loaded twice shows the secret that was scanned already; to another session of the
// user it is not shown.
func TestEnrolAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.scan()
	if second := r.scan(); second != first {
		t.Error("the same session is shown another secret")
	}
	r.signIn("other")
	other := r.scan()
	if other == first {
		t.Error("another session is shown the secret")
	}
	r.want("the code of the secret that was replaced", r.bind(r.code(), first), ErrSecretMismatch)
	r.as("web")
	r.want("the code of the one that waits, in the session of before", r.bind(r.code(), other), ErrNothingWaits)
	r.as("other")
	r.want("the code of the one that waits", r.bind(r.code(), other), nil)
}

// TestBindCodeIsSpent (T4): the code that bound the authenticator does not sign in, and the next one does.
func TestBindCodeIsSpent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.scan()
	code := r.codeOf(1) // of an app whose clock is a little fast
	r.must(r.bind(code, ""))
	r.want("the code that bound", r.verify(code), ErrCodeUsed)
	r.want("the code of the step before", r.verify(r.code()), ErrCodeUsed)
	r.advance(30 * time.Second)
	r.want("the code that bound, in its own step", r.verify(code), ErrCodeUsed)
	r.advance(30 * time.Second)
	r.want("the next code", r.verify(r.code()), nil)
	if n := r.audited("mfa.bind", "success"); n != 1 {
		t.Errorf("%d bindings in the audit log, want 1", n)
	}
}

// TestPendingSecretExpires (T11): a secret waits ten minutes, however often it is shown in them, and not a moment longer.
func TestPendingSecretExpires(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]error{10*time.Minute - time.Microsecond: nil, 10 * time.Minute: ErrNothingWaits, time.Hour: ErrNothingWaits} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			old := r.scan()
			r.advance(5 * time.Minute)
			r.scan()
			r.advance(after - 5*time.Minute)
			r.want("bind", r.bind(r.code(), ""), want)
			r.execute("UPDATE sessions SET auth_time = $1", r.clock.now) // it may ask for another
			r.as("web")
			if want != nil && r.scan() == old {
				t.Error("an expired secret is shown again")
			}
		})
	}
}

// TestFiveWrongCodesVoidTheSecret (T11): the fifth is still evaluated, and after it not even the right code binds; nor
// does loading the page again give back the tries on that secret.
func TestFiveWrongCodesVoidTheSecret(t *testing.T) {
	t.Parallel()
	t.Run("right at the fifth", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.scan()
		for range 4 {
			r.want("a wrong code", r.bind(r.wrong(), ""), ErrCodeWrong)
		}
		r.want("the right one", r.bind(r.code(), ""), nil)
	})
	t.Run("right at the sixth", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		secret := r.scan()
		for range 5 {
			r.want("a wrong code", r.bind(r.wrong(), ""), ErrCodeWrong)
		}
		r.want("the right one", r.bind(r.code(), ""), ErrNothingWaits)
		if n := r.audited("mfa.bind", "refused"); n != 5 {
			t.Errorf("%d refusals in the audit log, want 5", n)
		}
		if r.scan() == secret {
			t.Error("the void secret is shown again")
		}
		r.want("the code of a new secret", r.bind(r.code(), ""), nil)
	})
	t.Run("page loaded between", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		secret := r.scan()
		for range 5 {
			if r.scan() != secret {
				t.Error("a wrong code voids the picture that was scanned")
			}
			r.want("a wrong code", r.bind(r.wrong(), ""), ErrCodeWrong)
		}
		r.want("the right one", r.bind(r.code(), ""), ErrNothingWaits)
	})
}

// TestClaimedSecret (design of T11): what a client says about the secret is compared, as a person may have copied it, and
// a wrong claim is a try like any other.
func TestClaimedSecret(t *testing.T) {
	t.Parallel()
	spaced := func(s string) string { return s[:4] + " " + s[4:8] + " " + s[8:] }
	for name, test := range map[string]struct {
		claim func(secret string) string
		want  error
	}{
		"none":            {func(string) string { return "" }, nil},
		"as shown":        {func(s string) string { return s }, nil},
		"lower case":      {strings.ToLower, nil},
		"with spaces":     {func(s string) string { return spaced(s) }, nil},
		"with dashes":     {func(s string) string { return strings.ReplaceAll(spaced(s), " ", "-") }, nil},
		"padded":          {func(s string) string { return s + "====" }, ErrSecretMismatch}, // 160 bit need none: it is another text
		"of another":      {func(string) string { return strings.Repeat("A", 32) }, ErrSecretMismatch},
		"shorter":         {func(s string) string { return s[:31] }, ErrSecretMismatch},
		"longer":          {func(s string) string { return s + "A" }, ErrSecretMismatch},
		"spaces only":     {func(string) string { return "  " }, ErrSecretMismatch},
		"padding only":    {func(string) string { return "=" }, ErrSecretMismatch},
		"with a new line": {func(s string) string { return s + "\n" }, ErrSecretMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			secret := r.scan()
			r.want("bind", r.bind(r.code(), test.claim(secret)), test.want)
			if test.want == nil {
				return
			}
			for range 4 {
				r.want("again", r.bind(r.code(), test.claim(secret)), test.want)
			}
			r.want("after five", r.bind(r.code(), secret), ErrNothingWaits)
		})
	}
}

// TestOneConfirmation (T11): of parallel requests with the right code one binds, and who looks for the secret of somebody
// else finds none.
func TestOneConfirmation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.want("without a secret", r.bind("000000", ""), ErrNothingWaits)
	secret, code := r.scan(), r.code()
	var (
		all  sync.WaitGroup
		errs [5]error
	)
	for i := range errs {
		all.Go(func() { errs[i] = r.bind(code, "") })
	}
	all.Wait()
	bound := 0
	for _, err := range errs {
		if err == nil {
			bound++
		} else {
			r.want("the others", err, ErrNothingWaits)
		}
	}
	if bound != 1 || len(r.factors()) != 1 {
		t.Errorf("%d of 5 requests bound the authenticator, there are %d; want 1", bound, len(r.factors()))
	}
	r.wantTold("factor_bound")
	r.signIn("other")
	_, err := r.Enrol(t.Context(), r.user)
	r.want("enrol again", err, ErrBound)
	if kept, err := r.Secret(t.Context(), "pool", "alice"); err != nil || kept != secret {
		t.Errorf("the secret is %q, %v; want the one that was scanned", kept, err)
	}
	_, err = r.Secret(t.Context(), "pool", "bob")
	r.want("the secret of another", err, ErrNotBound)
	_, err = r.Secret(t.Context(), "other", "alice")
	r.want("the secret in another userpool", err, ErrNotBound)
}

// TestSeedIsSealed (T10): neither the waiting nor the bound seed can be read from its row, and moved to the row of another
// user, of another factor or of another userpool it does not open: not to be read, and not to sign in.
func TestSeedIsSealed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.scan()
	p, err := r.store.MFA().ChargePending(t.Context(), "pool", "alice", "web", nil, 5, r.clock.now)
	r.must(err)
	r.must(r.bind(r.code(), ""))
	f := r.factors()[0]
	for name, sealed := range map[string][]byte{"waiting": p.SecretSealed, "bound": f.SecretSealed} {
		if bytes.Contains(sealed, r.app.secret) {
			t.Errorf("the %s seed is in its row", name)
		}
	}
	r.person("mallory")
	r.must(r.store.Tenancy().InsertUserpool(t.Context(), db.Userpool{ID: "moved", CreatedAt: r.clock.now}))
	for _, id := range []string{"mallory", "alice"} {
		r.must(r.store.Accounts().InsertUser(t.Context(), db.User{UserpoolID: "moved", ID: id, CreatedAt: r.clock.now}))
	}
	for name, to := range map[string]db.Factor{
		"user":     {UserpoolID: "pool", UserID: "mallory", ID: "other"},
		"userpool": {UserpoolID: "moved", UserID: "alice", ID: f.ID},
		"both":     {UserpoolID: "moved", UserID: "mallory", ID: "another"},
	} {
		moved := f
		moved.UserID, moved.ID, moved.UserpoolID, moved.LastStep = to.UserID, to.ID, to.UserpoolID, 0
		r.must(r.store.MFA().InsertFactor(t.Context(), moved))
		if secret, err := r.Secret(t.Context(), moved.UserpoolID, moved.UserID); err == nil || secret != "" {
			t.Errorf("another %s: the seed opens: %q, %v", name, secret, err)
		}
		if _, _, err := r.Challenge(t.Context(), moved.UserpoolID, moved.UserID, authn.Code{Text: r.code()}); err == nil || apierr.From(err).Kind != apierr.Internal {
			t.Errorf("another %s: its code is evaluated: %v", name, err)
		}
	}
	// Of the same user, under the id of another factor.
	r.execute("UPDATE mfa_factors SET id = 'renamed' WHERE id = $1 AND userpool_id = 'pool'", f.ID)
	if secret, err := r.Secret(t.Context(), "pool", "alice"); err == nil || secret != "" {
		t.Errorf("another factor: the seed opens: %q, %v", secret, err)
	}
	// What waits for one user, in the row of another.
	waits := p
	waits.UserID, waits.ExpiresAt = "mallory", r.clock.now.Add(time.Minute)
	r.must(r.store.MFA().PutPending(t.Context(), waits))
	mallory := r.user
	mallory.ID = "mallory"
	if err := r.Confirm(t.Context(), mallory, Confirmation{Code: r.codeOf(1)}); err == nil || apierr.From(err).Kind != apierr.Internal {
		t.Errorf("the waiting seed opens in the row of another: %v", err)
	}
}
