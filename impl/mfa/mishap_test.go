package mfa

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
)

// TestRightCodeWithoutEffect (T6): a right code whose transaction fails was no guess: it is not counted, also when nobody waits
// for the answer any more, and it is good for another try. That it was refused is in the audit log.
func TestRightCodeWithoutEffect(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	refusal := ErrFactor
	for range 7 {
		ctx, cancel := context.WithCancel(t.Context())
		_, use, err := r.Challenge(ctx, r.user.UserpoolID, r.user.ID, authn.Code{Text: r.code()})
		r.must(err)
		r.want("the effect", use(ctx, func(db.Queries) error { return refusal }), ErrFactor)
		if err := use(ctx, func(db.Queries) error { cancel(); return nil }); err == nil {
			t.Error("a cancelled request had an effect")
		}
		r.wantFailures("after it", 0)
	}
	if n := len(r.list("SELECT action FROM audit_log WHERE action = 'mfa.unused' AND outcome = 'refused'")); n != 7 {
		t.Errorf("%d lines in the audit log, want 7", n)
	}
	r.want("the code", r.verify(r.code()), nil)
}

// TestDamagedSecretStandsAlone: a secret that cannot be opened keeps neither the user's other authenticators nor an export from
// working; without another it is our failure, not a wrong code.
func TestDamagedSecretStandsAlone(t *testing.T) {
	t.Parallel()
	r, first, second := pair(t)
	r.execute("UPDATE mfa_factors SET secret_sealed = set_byte(secret_sealed, 40, get_byte(secret_sealed, 40) # 1) WHERE id = $1", r.factors()[0].ID)
	r.want("the other's code", r.verify(r.codeBy(second, 0)), nil)
	r.want("its own", r.verify(r.codeBy(first, 0)), ErrCodeWrong)
	var broken, whole int
	r.must(r.Export(t.Context(), "pool", "operator", func(e Exported) error {
		if e.Err != nil && e.Key.Secret == nil {
			broken++
		} else if e.Err == nil {
			whole++
		}
		return nil
	}))
	if broken != 1 || whole != 1 {
		t.Errorf("%d damaged and %d whole exported, want one each", broken, whole)
	}
	r.execute("DELETE FROM mfa_factors WHERE id = $1", r.factors()[1].ID)
	r.advance(time.Hour)
	r.want("with no other", r.verify(r.codeBy(first, 0)), keyring.ErrSealed)
}

// TestNewFirstAuthenticatorStartsOver (T11): who has removed the last authenticator has shown no code of the one that another
// session binds after it, and cannot remove that.
func TestNewFirstAuthenticatorStartsOver(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	r.stepUp(r.code())
	r.must(r.Reset(t.Context(), r.user, r.factors()[0].ID))
	r.as("web")
	if r.user.MFAAt != nil {
		t.Error("the session counts as having shown a code of an authenticator that is gone")
	}
	r.signIn("phone")
	r.scan()
	r.must(r.bind(r.code(), ""))
	r.as("web")
	r.want("reset by the other session", r.Reset(t.Context(), r.user, r.factors()[0].ID), ErrStepUp)
}

// TestRemovalBesideGuesses: an authenticator is removed with the code of another, and an operator removes all, while somebody
// tries codes on all of them: nobody waits for each other in a circle.
func TestRemovalBesideGuesses(t *testing.T) {
	t.Parallel()
	for round := range 6 {
		r, first, second := pair(t)
		r.Guessing.Free, r.Guessing.Disabled = 1000, 1_000_000 // however fast they guess
		ctx, cancel := context.WithCancel(t.Context())
		var guesses sync.WaitGroup
		for range 4 {
			guesses.Go(func() {
				for ctx.Err() == nil {
					if _, err := r.verifyTOTP(ctx, "pool", "alice", "000000"); errors.Is(err, db.ErrUnavailable) && ctx.Err() == nil {
						t.Errorf("a guess: %v", err)
					}
				}
			})
		}
		kept, gone := first, r.factors()[1].ID
		if round%2 == 0 {
			kept, gone = second, r.factors()[0].ID
		}
		if err := r.Unbind(ctx, r.user, gone, r.codeBy(kept, 0)); err != nil && !errors.Is(err, ErrCodeWrong) {
			t.Errorf("unbind: %v", err)
		}
		if err := r.Remove(ctx, "pool", "alice"); err != nil {
			t.Errorf("remove: %v", err)
		}
		cancel()
		guesses.Wait()
	}
}

// TestNamesAreVisible: what nobody sees in a name is not kept; an export could not carry it.
func TestNamesAreVisible(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"a\ufffeb": "ab", "\uffff": "", "\U0001fffe x": "x", "My\tPhone": "My Phone", "e\u200d\u0301": "é", "门神 🛡️": "门神 🛡️",
	} {
		if got := tidyName(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}
