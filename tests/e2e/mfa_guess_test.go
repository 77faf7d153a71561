package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// wantWait: whoever tries a code now has to wait, and is told how long.
func wantWait(t *testing.T, what string, result any, seconds int) {
	t.Helper()
	if o := wantSaid(t, what, result, saysWait); o.Header.Get("Retry-After") != fmt.Sprint(seconds) {
		t.Errorf("%s: Retry-After is %q, want %d", what, o.Header.Get("Retry-After"), seconds)
	}
}

// rooms are where somebody who is signed in shows a code, for whatever it is good.
func rooms(t *testing.T, p *harness.Person) map[string]func(code string) any {
	return map[string]func(string) any{
		"verify": func(code string) any { return p.TryStepUp(code) },
		"unbind": func(code string) any { return p.Unbind("", code) },
		"mfa-totp-verify": func(code string) any {
			return must(p.Client.VerifyTOTPWithResponse(t.Context(), gen.MFAOTPVerifyDto{TOTP: code}))(t)
		},
		"recovery-codes": func(code string) any {
			return must(p.Client.MakeRecoveryCodesWithResponse(t.Context(), nil, gen.MFACodeRequest{Code: code}))(t)
		},
		"verify with a form": func(code string) any {
			return must(p.Client.VerifyMFAWithFormdataBodyWithResponse(t.Context(), nil, gen.MFACodeRequest{Code: code}))(t)
		},
	}
}

// TestGuessesCostTime (T5): five wrong codes are free, whatever doors and sessions they come through; then each failure costs
// a wait that doubles, 30 s, 60 s, 120 s, up to an hour, in which no code is looked at, a right one neither, and which trying
// does not prolong. A success forgets it all.
func TestGuessesCostTime(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h)
	tablet := h.SignIn("alice")
	alice.EnrolTOTP()
	doors := entrances(t, h)
	wrong := h.WrongCodes(20, alice.Secret)
	here, there := rooms(t, alice), rooms(t, tablet)

	// Five, each through another way.
	wantSaid(t, "the first", doors[0].enter(wrong[0]), saysWrong)
	wantSaid(t, "the second", here["verify"](wrong[1]), saysWrong)
	wantSaid(t, "the third", doors[2].enter(wrong[2]), saysWrong)
	wantSaid(t, "the fourth", there["mfa-totp-verify"](wrong[3]), saysWrong)
	wantSaid(t, "the fifth", doors[3].enter(wrong[4]), saysWrong)
	for _, door := range doors {
		wantWait(t, door.name, door.enter(alice.Code()), 30)
	}
	for what, show := range here {
		wantWait(t, what, show(alice.Code()), 30)
		wantWait(t, what+" of another session", there[what](alice.Code()), 30)
	}
	if state := tablet.MFAStatus().Authenticators[0].State; state != gen.AuthenticatorStateWaiting {
		t.Errorf("the authenticator is %s", state)
	}

	h.Clock.Advance(29 * time.Second)
	wantWait(t, "after 29 s", here["verify"](alice.Code()), 1)
	h.Clock.Advance(time.Second)
	for n, wait := range []int{60, 120, 240, 480, 960, 1920, 3600, 3600} {
		guess := doors[n%len(doors)]
		wantSaid(t, guess.name, guess.enter(h.WrongCodes(n+1, alice.Secret)[n]), saysWrong)
		wantWait(t, "right after it", doors[0].enter(alice.Code()), wait)
		h.Clock.Advance(time.Duration(wait)*time.Second - time.Second)
		wantWait(t, "a second too early", doors[0].enter(alice.Code()), 1)
		h.Clock.Advance(time.Second)
	}
	wantIn(t, h, "after the wait", doors[2].enter(alice.Code()))
	h.Clock.Advance(harness.Step)
	alice.Login(alice.Code())
	if state := alice.MFAStatus().Authenticators[0]; state.State != gen.AuthenticatorStateActive || state.LastUsedAt == nil {
		t.Errorf("after a success the authenticator is %+v", state)
	}
	for _, code := range h.WrongCodes(5, alice.Secret) {
		wantSaid(t, "five are free again", doors[0].enter(code), saysWrong)
	}
	wantWait(t, "and no more", doors[0].enter(alice.Code()), 30)
}

// TestReplayCostsNothing (T6): a right code that was used is refused, and is no guess: neither at the doors nor within a
// session. What was wrong before it still counts.
func TestReplayCostsNothing(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	doors := entrances(t, h)
	alice.Login(alice.Code())
	for _, door := range doors {
		wantSaid(t, door.name, door.enter(alice.Code()), saysUsed)
		wantSaid(t, door.name, door.enter(alice.Code()), saysUsed)
	}
	for what, show := range rooms(t, alice) {
		wantSaid(t, what, show(alice.Code()), saysUsed)
	}
	failures := func() int { return h.Count(`SELECT failures FROM mfa_factors`) }
	if n := failures(); n != 0 {
		t.Errorf("replays count as %d guesses", n)
	}
	wantSaid(t, "a wrong code", doors[0].enter(alice.WrongCode()), saysWrong)
	wantSaid(t, "a replay after it", doors[0].enter(alice.Code()), saysUsed)
	if n := failures(); n != 1 {
		t.Errorf("a wrong code and a replay count as %d guesses", n)
	}
	if n := h.Count(`SELECT count(*) FROM audit_log WHERE action = 'mfa.replay' AND outcome = 'refused'`); n < 2*len(doors) {
		t.Errorf("%d replays are in the audit log", n)
	}
}

// TestOtherPhonePaysNothing (T6): of two phones each is guessed at by a wrong code, but the right code of one is no guess at
// the other: its failures stay what they were.
func TestOtherPhonePaysNothing(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	old := alice.Phone()
	fresh := alice.AddPhone("Tablet", alice.Code())
	failures := func(p *harness.Authenticator) int {
		return h.Count(`SELECT failures FROM mfa_factors WHERE (id = $1) = $2`, fresh.ID, p == fresh)
	}
	for _, wrong := range h.WrongCodes(4, old.Secret, fresh.Secret) {
		wantRefused(t, "wrong for both", alice.TryLogin(wrong), saysWrong)
	}
	for range 6 {
		wantSuccess(t, "the one", alice.TryLogin(fresh.NextCode()))
	}
	if failures(old) != 4 || failures(fresh) != 0 {
		t.Errorf("failures %d and %d, want 4 and 0", failures(old), failures(fresh))
	}
	wantRefused(t, "wrong for both", alice.TryLogin(h.WrongCodes(1, old.Secret, fresh.Secret)[0]), saysWrong)
	wantRefused(t, "the one that waits", alice.TryLogin(old.Code()), saysWrong) // looked at on the other alone
	wantSuccess(t, "the one that does not", alice.TryLogin(fresh.NextCode()))
	wantSuccess(t, "after the wait", alice.TryLogin(old.NextCode()))
}

// TestHundredGuessesEndIt (T5, T14): a hundred wrong codes in a row disable the authenticator for good. Its owner is told by
// e-mail, gets in with a recovery code and not without any, removes it, and binds it anew.
func TestHundredGuessesEndIt(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	recovery := alice.RecoveryCodes(alice.Code())
	h.Clock.Advance(harness.Step)
	before := len(h.Letters("Bob@example.com"))
	for n := 1; n <= 100; n++ {
		refresh(t, h, alice)
		wantRefused(t, fmt.Sprintf("guess %d", n), alice.TryStepUp(alice.WrongCode()), saysWrong)
		if told := h.Count(`SELECT count(*) FROM audit_log WHERE action = 'mfa.disable'`); told != n/100 {
			t.Fatalf("after %d guesses it was disabled %d times", n, told)
		}
		h.Clock.Advance(time.Hour)
	}
	doors := entrances(t, h)
	for _, door := range doors {
		wantSaid(t, door.name, door.enter(alice.Code()), saysDisabled)
	}
	wantRefused(t, "without a code", alice.TryLogin(""), "is required")
	refresh(t, h, alice)
	for what, show := range rooms(t, alice) {
		wantSaid(t, what, show(alice.Code()), saysDisabled)
	}
	if state := alice.MFAStatus().Authenticators[0].State; state != gen.AuthenticatorStateDisabled {
		t.Errorf("the authenticator is %s", state)
	}
	h.Clock.Advance(30 * 24 * time.Hour)
	wantRefused(t, "a month later", alice.TryLogin(alice.Code()), saysDisabled)
	var told int
	for _, letter := range h.Letters("Bob@example.com")[before:] {
		if letter.Subject == "Menshen: an authenticator was disabled" {
			told++
			wantText(t, letter.Text, "After a hundred wrong codes in a row")
		}
	}
	if told != 1 {
		t.Errorf("the owner was told %d times", told)
	}

	alice.Login(recovery[0])
	lost := alice.MFAStatus().Authenticators[0].ID
	wantRefused(t, "its own code removes nothing", alice.Unbind(lost, alice.Code()), saysDisabled)
	wantSuccess(t, "remove", alice.Unbind(lost, recovery[1]))
	alice.EnrolTOTP()
	alice.Login(alice.Code())
	if s := alice.MFAStatus(); len(s.Authenticators) != 1 || s.Authenticators[0].State != gen.AuthenticatorStateActive || s.RecoveryCodesLeft != 0 {
		t.Errorf("in the end: %+v", *s)
	}
}
