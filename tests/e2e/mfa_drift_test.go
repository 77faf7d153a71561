package e2e

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestSlowPhoneIsFollowed (T7): the clock of a phone loses half a minute between logins. Its codes stay good, since what was
// learnt is kept, up to two minutes; from a minute on its owner is told, in its language, at whatever door; and who puts the
// clock right is let in at once.
func TestSlowPhoneIsFollowed(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	phone := alice.Phone()
	later := func(lost time.Duration) { // the code on the phone is a new one each time
		h.Clock.Advance(20 * harness.Step)
		phone.Ahead -= lost
		if h.Count(`SELECT count(*) FROM sessions WHERE id = $1 AND expires_at > $2`, sessionOf(t, alice.AccessToken), h.Clock.Now()) == 1 {
			refresh(t, h, alice)
		}
	}
	login := func(language string) *gen.LoginUserResult {
		code := phone.Code()
		body := gen.LoginRequest{Username: "alice", Password: harness.Password, Code: &code}
		return must(h.Client.LoginUserWithResponse(t.Context(), body, in(language)))(t)
	}
	wantHint := func(what string, result any, message string, offset int) {
		t.Helper()
		wantIn(t, h, what, result)
		if text := harness.OutcomeOf(result).Text(); text != message {
			t.Errorf("%s: the message is %q, want %q", what, text, message)
		}
		if got := alice.MFAStatus().Authenticators[0].ClockOffset; got != offset {
			t.Errorf("%s: the clock is taken to be %d s off, want %d", what, got, offset)
		}
	}
	const (
		slow60  = "Success. The clock of your authenticator's device is about 60 seconds slow; let it set itself."
		slow90  = "操作成功。您的身份验证器所在设备的时间慢了约 90 秒，请开启自动校时。"
		slow120 = "success. The clock of your authenticator's device is about 120 seconds slow; let it set itself."
	)
	later(0)
	wantHint("right", login("en"), "Success", 0)
	later(harness.Step)
	wantHint("30 s slow, which slow typing can be", login("en"), "Success", -30)
	later(harness.Step)
	wantHint("60 s slow", login("en"), slow60, -60)
	later(harness.Step)
	finish := gen.SigninWithMFADto{MFAToken: h.Waiting("alice"), TOTP: ptr(phone.Code())}
	wantHint("90 s slow", must(h.Client.SignInWithMFAWithResponse(t.Context(), finish, in("zh")))(t), slow90, -90)
	later(harness.Step)
	wantHint("120 s slow", h.FinishInCodeDialect(h.WaitingInCodeDialect("alice"), phone.Code()), slow120, -120)
	later(harness.Step)
	const chinese120 = "成功。您的身份验证器所在设备的时间慢了约 120 秒，请开启自动校时。"
	wantHint("150 s slow, of which 120 are followed", login("zh"), chinese120, -120)
	later(harness.Step)
	wantRefused(t, "180 s slow", login("en"), saysWrong)

	later(0)
	phone.Ahead = 0
	wantHint("with the right time again", login("en"), "Success", 0)
	later(0)
	phone.Ahead = 2 * harness.Step
	wantRefused(t, "what was learnt of a slow clock is forgotten, and a fast one no better known", login("en"), saysWrong)
	later(0)
	phone.Ahead = harness.Step
	wantHint("30 s fast", login("en"), "Success", 30)
	phone.Ahead = 2 * harness.Step
	later(0)
	wantHint("60 s fast", login("zh"), "成功。您的身份验证器所在设备的时间快了约 60 秒，请开启自动校时。", 60)
}

// TestFollowedClockIsNoSecondChance (T4, T7): a phone that is behind does not make codes good that were used, and the codes
// of steps that are over by its own clock stay over.
func TestFollowedClockIsNoSecondChance(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	h.Clock.Freeze()
	alice := resident(h).EnrolTOTP()
	phone := alice.Phone()
	h.Clock.Advance(20 * harness.Step)
	wantSuccess(t, "by the right time", alice.TryLogin(phone.Code()))
	h.Clock.Advance(harness.Step)
	for range 3 { // each time the phone shows the step that was used, or one before it
		phone.Ahead -= harness.Step
		o := harness.OutcomeOf(alice.TryLogin(phone.Code()))
		if o.Success() {
			t.Errorf("a code of %s ago opens the door", -phone.Ahead)
		}
	}
	h.Clock.Advance(10 * harness.Step)
	phone.Ahead = -harness.Step
	code := phone.Code()
	wantSuccess(t, "by a clock that is behind", alice.TryLogin(code))
	wantRefused(t, "again", alice.TryLogin(code), saysUsed)
	h.Clock.Advance(harness.Step)
	wantRefused(t, "again, a step later", alice.TryLogin(code), saysUsed)
}
