package mfa

import (
	"slices"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// pair is a rig whose user has two authenticators.
func pair(t *testing.T) (r *rig, first, second generator) {
	t.Helper()
	r = boundRig(t)
	first = r.app
	return r, first, r.another("Tablet", first)
}

// TestOneOfTwo (T6): a try is charged to both authenticators, since it may be a guess at either. The code of one takes back
// what that try cost the other, and nothing of what wrong codes have cost it: only its own success forgets those.
func TestOneOfTwo(t *testing.T) {
	t.Parallel()
	r, first, second := pair(t)
	for range 3 {
		r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
	}
	r.wantFailures("three wrong codes", 3, 3)
	r.must(r.verify(r.codeBy(first, 0)))
	r.wantFailures("the code of the first", 0, 3)
	r.advance(30 * time.Second)
	r.must(r.verify(r.codeBy(second, 0)))
	r.wantFailures("the code of the second", 0, 0)
}

// TestWaitOfOne (T5, T6): an authenticator that waits keeps nobody from the other, and is not tried meanwhile: its wait and
// its count stay as they are. When both wait, the shorter wait is told.
func TestWaitOfOne(t *testing.T) {
	t.Parallel()
	r, first, second := pair(t)
	for range 4 {
		r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
	}
	r.must(r.verify(r.codeBy(first, 0)))
	r.wantFailures("four wrong codes and the first's", 0, 4)
	r.want("the fifth for the second", r.verify(r.wrong()), ErrCodeWrong)
	r.wantFailures("the second waits", 1, 5)
	until := *r.factors()[1].BlockedUntil
	r.want("another", r.verify(r.wrong()), ErrCodeWrong)
	r.want("the right one of who waits", r.verify(r.codeBy(second, 0)), ErrCodeWrong)
	r.wantFailures("it is not tried", 3, 5)
	if now := *r.factors()[1].BlockedUntil; !now.Equal(until) {
		t.Errorf("a running wait went from %v to %v", until, now)
	}
	r.must(r.verify(r.codeBy(first, 1)))
	r.wantFailures("the code of the first", 0, 5)
	for range 5 {
		r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
	}
	r.advance(10 * time.Second)
	r.wantWait(r.codeBy(first, 0), 20*time.Second)
	r.execute("UPDATE mfa_factors SET blocked_until = $1 WHERE name = 'Tablet'", r.clock.now.Add(7*time.Second))
	r.wantWait(r.codeBy(first, 0), 7*time.Second)
	r.advance(7 * time.Second)
	r.must(r.verify(r.codeBy(second, 0)))
}

// TestRefundOfAWait (T6): the wait that the code of one authenticator started for the other goes with the charge.
func TestRefundOfAWait(t *testing.T) {
	t.Parallel()
	r, first, second := pair(t)
	for range 4 {
		r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
	}
	r.must(r.verify(r.codeBy(first, 0))) // is the fifth try at the second
	if f := r.factors()[1]; f.Failures != 4 || f.BlockedUntil != nil {
		t.Errorf("the second has %d failures and waits until %v", f.Failures, f.BlockedUntil)
	}
	r.must(r.verify(r.codeBy(second, 0)))
}

// TestReplayOfOneOfTwo (T6): a used code of one authenticator is no guess at the other, and is in the log.
func TestReplayOfOneOfTwo(t *testing.T) {
	t.Parallel()
	r, first, _ := pair(t)
	r.want("a wrong code", r.verify(r.wrong()), ErrCodeWrong)
	used := r.codeBy(first, 0)
	r.must(r.verify(used))
	before := r.audited("mfa.replay", "refused")
	for range 7 {
		r.want("replay", r.verify(used), ErrCodeUsed)
	}
	r.wantFailures("seven replays", 0, 1)
	if n := r.audited("mfa.replay", "refused") - before; n != 7 {
		t.Errorf("%d replays in the audit log, want 7", n)
	}
}

// TestDisabledBesideAnother (T5): an authenticator that is disabled stays so, of which the user is told once, while the
// other works. It is removed with a code of the other, and bound anew under its name.
func TestDisabledBesideAnother(t *testing.T) {
	t.Parallel()
	r, first, second := pair(t)
	r.execute("UPDATE mfa_factors SET failures = 99 WHERE name = 'Tablet'")
	r.want("the hundredth", r.verify(r.wrong()), ErrCodeWrong)
	for range 3 {
		r.want("more", r.verify(r.wrong()), ErrCodeWrong)
	}
	r.want("its own code", r.verify(r.codeBy(second, 0)), ErrCodeWrong)
	r.wantTold("factor_bound", "factor_bound", "factor_disabled")
	r.advance(time.Minute)
	r.must(r.verify(r.codeBy(first, 0)))
	factors, err := r.Factors(t.Context(), r.user)
	r.must(err)
	var states []State
	for _, f := range factors {
		states = append(states, f.State)
	}
	if !slices.Equal(states, []State{Active, Disabled}) {
		t.Errorf("states %q", states)
	}
	r.advance(10000 * time.Minute)
	r.must(r.verify(r.codeBy(first, 0)))
	r.wantFailures("for good", 0, 100)
	r.advance(time.Minute)
	r.must(r.Unbind(t.Context(), r.user, factors[1].ID, r.codeBy(first, 0)))
	r.advance(time.Minute)
	anew := r.another("Tablet", first)
	r.must(r.verify(r.codeBy(anew, 0)))
	r.wantFailures("bound anew", 0, 0)
}

// TestUnbind: an authenticator is removed with a code of any of the user's; the only one needs no name, and of several it
// must be said which. The code is spent, and the user is told.
func TestUnbind(t *testing.T) {
	t.Parallel()
	r, first, second := pair(t)
	ids := r.factors()
	r.want("which", r.Unbind(t.Context(), r.user, "", r.codeBy(first, 0)), ErrWhich)
	r.want("a wrong code", r.Unbind(t.Context(), r.user, ids[0].ID, r.wrong()), ErrCodeWrong)
	r.want("none that the user has", r.Unbind(t.Context(), r.user, "other", r.codeBy(first, 0)), ErrFactor)
	r.want("the code, which is not spent by that", r.Unbind(t.Context(), r.user, ids[0].ID, r.codeBy(second, 0)), nil)
	r.want("the code of the removed one", r.verify(r.codeBy(first, 0)), ErrCodeWrong)
	r.want("the code that removed it", r.verify(r.codeBy(second, 0)), ErrCodeUsed)
	r.advance(30 * time.Second)
	r.want("the only one", r.Unbind(t.Context(), r.user, "", r.codeBy(second, 0)), nil)
	r.want("none left", r.Unbind(t.Context(), r.user, "", r.codeBy(second, 1)), ErrNotBound)
	r.wantTold("factor_bound", "factor_bound", "factor_removed", "factor_removed")
	if n := r.audited("mfa.unbind", "success"); n != 2 {
		t.Errorf("%d removals in the audit log, want 2", n)
	}
}

// TestReset: without a code in the call, the session must have shown one in the last five minutes; whoever finds a session
// takes nothing off.
func TestReset(t *testing.T) {
	t.Parallel()
	r, first, _ := pair(t)
	ids := r.factors()
	r.proved(0, time.Hour)
	r.want("an old code", r.Reset(t.Context(), r.user, ids[0].ID), ErrStepUp)
	r.proved(0, -1)
	r.want("a fresh sign-in", r.Reset(t.Context(), r.user, ids[0].ID), ErrStepUp)
	claims := r.user
	claims.MFAAt = &r.clock.now
	r.want("what the token said before", r.Reset(t.Context(), claims, ids[0].ID), ErrStepUp)
	if n := r.audited("mfa.unbind", "refused"); n != 3 {
		t.Errorf("%d refusals in the audit log, want 3", n)
	}
	r.stepUp(r.codeBy(first, 0))
	r.advance(5 * time.Minute)
	r.want("none of the user's", r.Reset(t.Context(), r.user, "other"), ErrFactor)
	r.want("at the last moment", r.Reset(t.Context(), r.user, ids[0].ID), nil)
	r.advance(time.Microsecond)
	r.want("after it", r.Reset(t.Context(), r.user, ids[1].ID), ErrStepUp)
	r.wantTold("factor_bound", "factor_bound", "factor_removed")
}

// TestStepUp: a code makes the session one that has shown it, and no other session; it is spent and in the log.
func TestStepUp(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	r.signIn("other")
	r.advance(time.Minute)
	r.want("a wrong code", r.StepUp(t.Context(), r.user, r.wrong()), ErrCodeWrong)
	code := r.code()
	r.stepUp(code)
	if r.user.MFAAt == nil || !r.user.MFAAt.Equal(r.clock.now) || !r.user.AuthTime.Before(r.clock.now) {
		t.Errorf("after it: %+v", r.user)
	}
	if amr := r.list("SELECT array_to_string(amr, ' ') FROM sessions ORDER BY id"); !slices.Equal(amr, []string{"pwd otp mfa", "pwd otp mfa"}) {
		t.Errorf("the sessions have proved %q", amr)
	}
	r.as("web") // has shown one when it bound the authenticator, and not since
	if r.user.MFAAt == nil || r.clock.now.Sub(*r.user.MFAAt) != 90*time.Second {
		t.Errorf("another session: %+v", r.user)
	}
	r.want("the same code", r.StepUp(t.Context(), r.user, code), ErrCodeUsed)
	if n := r.audited("mfa.step_up", "success"); n != 1 {
		t.Errorf("%d in the audit log, want 1", n)
	}
}

// TestEndedSession: who is signed out while a code is evaluated changes nothing, and has not used it up.
func TestEndedSession(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	id, signedOut := r.factors()[0].ID, r.user
	signedOut.MFAAt = &r.clock.now
	r.scanOther(signedOut)
	r.execute("UPDATE sessions SET revoked_at = $1", r.clock.now)
	for name, try := range map[string]func() error{
		"step up": func() error { return r.StepUp(t.Context(), signedOut, r.codeBy(r.apps[0], 0)) },
		"unbind":  func() error { return r.Unbind(t.Context(), signedOut, id, r.codeBy(r.apps[0], 0)) },
		"reset":   func() error { return r.Reset(t.Context(), signedOut, id) },
		"bind":    func() error { return r.Confirm(t.Context(), signedOut, Confirmation{Code: r.code()}) },
		"codes": func() error {
			_, err := r.MakeRecoveryCodes(t.Context(), signedOut, r.codeBy(r.apps[0], 0))
			return err
		},
	} {
		r.want(name, try(), authn.ErrUnauthenticated)
		r.execute("UPDATE mfa_factors SET failures = 0, blocked_until = NULL")
	}
	if len(r.factors()) != 1 {
		t.Errorf("%d authenticators, want 1", len(r.factors()))
	}
	r.want("the code", r.verify(r.codeBy(r.apps[0], 0)), nil)
	r.wantTold("factor_bound")
}

// scanOther starts binding a further authenticator for a caller.
func (r *rig) scanOther(u authn.User) {
	r.t.Helper()
	was := r.user
	r.user = u
	r.scan()
	r.user = was
}

// TestFactorIsItsUsers: nobody sees or removes what is another's.
func TestFactorIsItsUsers(t *testing.T) {
	t.Parallel()
	r := boundRig(t)
	id := r.factors()[0].ID
	f, err := r.Factor(t.Context(), r.user, id)
	if err != nil || f.ID != id || f.State != Active || f.Name != "Authenticator" || f.LastUsedAt != nil || f.CreatedAt.IsZero() {
		t.Errorf("%+v, %v", f, err)
	}
	r.person("mallory")
	r.execute(`INSERT INTO sessions (userpool_id, id, user_id, app_id, scope, amr, ip, user_agent, created_at, expires_at, auth_time, mfa_at)
		SELECT userpool_id, 'hers', 'mallory', app_id, scope, amr, ip, user_agent, created_at, expires_at, auth_time, mfa_at FROM sessions`)
	mallory := authn.User{UserpoolID: "pool", ID: "mallory", SessionID: "hers"}
	_, err = r.Factor(t.Context(), mallory, id)
	r.want("look", err, ErrFactor)
	r.want("reset", r.Reset(t.Context(), mallory, id), ErrFactor)
	r.want("unbind", r.Unbind(t.Context(), mallory, id, r.code()), ErrNotBound)
	if list, err := r.Factors(t.Context(), mallory); err != nil || len(list) != 0 {
		t.Errorf("she sees %+v, %v", list, err)
	}
}

// TestRemovalTakesWhatItOpened (T11): with an authenticator goes what a code of it may have opened: other sessions have to
// show one anew before they change anything, and a secret that they have asked for is void. The session that removed it
// goes on.
func TestRemovalTakesWhatItOpened(t *testing.T) {
	t.Parallel()
	r, first, second := pair(t)
	r.signIn("thief")
	r.stepUp(r.codeBy(second, 0))
	waiting := r.request("theirs")
	r.as("web")
	r.advance(30 * time.Second)
	r.must(r.Unbind(t.Context(), r.user, r.factors()[1].ID, r.codeBy(first, 0)))
	r.as("thief")
	r.want("the secret that waited", r.confirm(r.code(), waiting.Token), ErrNothingWaits)
	_, err := r.Enrol(t.Context(), r.user)
	r.want("another", err, ErrBound)
	r.want("reset", r.Reset(t.Context(), r.user, r.factors()[0].ID), ErrStepUp)
	r.as("web")
	_, err = r.Enrol(t.Context(), r.user)
	r.want("who removed it", err, nil)
}

// TestRecoveryCodeGoesWithItsAuthenticator (T14): the code that was shown at an enrolment is void when that authenticator is
// removed, while those of another, and those that the user made, are good.
func TestRecoveryCodeGoesWithItsAuthenticator(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	phone := r.request("Phone")
	r.must(r.confirm(r.code(), phone.Token))
	r.advance(time.Second)        // factors are listed oldest first
	tablet := r.request("Tablet") // binding one counts as having shown a code
	r.must(r.confirm(r.code(), tablet.Token))
	r.wantLeft(2)
	r.must(r.Reset(t.Context(), r.user, r.factors()[0].ID))
	r.wantLeft(1)
	r.want("of the removed one", r.verify(phone.RecoveryCode), ErrRecoveryCode)
	r.want("of the other", r.verify(tablet.RecoveryCode), nil)
}
