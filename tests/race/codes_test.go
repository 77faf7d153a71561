package race

import (
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

const (
	step = 30 * time.Second // of TOTP

	codeWrong = "The authenticator code is wrong."
	codeUsed  = "The authenticator code has been used; wait for the next one."
	wait      = "Too many wrong codes; wait before the next try."

	// few calls that cost a password each, and yet more than the five guesses that are free. Where many meet, in the races of
	// mfa_test.go, the password is behind them.
	few = 12
)

// login signs in with password and code.
func login(t *testing.T, username, code string) func(*gen.ClientWithResponses, int) (*gen.LoginUserResult, error) {
	return func(c *gen.ClientWithResponses, _ int) (*gen.LoginUserResult, error) {
		return c.LoginUserWithResponse(t.Context(), gen.LoginRequest{Username: username, Password: harness.Password, Code: &code})
	}
}

func failures(f fleet, p *harness.Person) int {
	return f[0].Count(`SELECT failures FROM mfa_factors WHERE user_id = $1`, p.ID)
}

// TestFiveGuessesAreFive (T5): of many wrong codes at once, over three replicas, exactly five are looked at. The others learn
// only that they have to wait. After the wait the owner gets in, and the count starts anew.
func TestFiveGuessesAreFive(t *testing.T) {
	f := newFleet(t)
	alice := f[0].SignUp("alice").EnrolTOTP()
	rounds(t, dear, func(t *testing.T) {
		got := tally(rush(t, f, few, "mfa_factors", login(t, "alice", alice.WrongCode())))
		if got[codeWrong] != 5 || got[wait] != few-5 || failures(f, alice) != 5 {
			t.Fatalf("want 5 guesses and %d told to wait, got %v and %d in the database", few-5, got, failures(f, alice))
		}
		f[0].Clock.Advance(step)
		alice.Login(alice.Code())
	})
}

// TestOneCodeIsOneLogin (T4): a right code, sent many times at once, opens one session.
func TestOneCodeIsOneLogin(t *testing.T) {
	f := newFleet(t)
	alice := f[0].SignUp("alice").EnrolTOTP()
	rounds(t, dear, func(t *testing.T) {
		before := f[0].Count(`SELECT count(*) FROM sessions`)
		one(t, rush(t, f, few, "mfa_factors", login(t, "alice", alice.Code())), codeUsed, wait)
		if opened := f[0].Count(`SELECT count(*) FROM sessions`) - before; opened != 1 {
			t.Fatalf("%d sessions were opened", opened)
		}
		f[0].Clock.Advance(step)
	})
}

// TestReplayIsNoGuess (T6): a right code that was used is refused, however often it comes, and costs its owner nothing. Among
// wrong codes it hides none of them.
func TestReplayIsNoGuess(t *testing.T) {
	f := newFleet(t)
	alice := f[0].SignUp("alice").EnrolTOTP()
	rounds(t, dear, func(t *testing.T) {
		alice.Login(alice.Code())
		used, wrong := login(t, "alice", alice.Code()), login(t, "alice", alice.WrongCode())
		got := tally(rush(t, f, few, "mfa_factors", used))
		if n := failures(f, alice); got[codeUsed]+got[wait] != few || n != 0 {
			t.Errorf("replays count as %d guesses; answers %v", n, got)
		}
		got = tally(rush(t, f, few, "mfa_factors", func(c *gen.ClientWithResponses, n int) (*gen.LoginUserResult, error) {
			if n%2 == 0 {
				return used(c, n)
			}
			return wrong(c, n)
		}))
		if n := failures(f, alice); got[codeUsed]+got[wait]+got[codeWrong] != few || n != got[codeWrong] || n > 5 {
			t.Errorf("replays among wrong codes: counted as %d guesses; answers %v", n, got)
		}
		f[0].Clock.Advance(step)
	})
}

// TestOneSecretIsOneFactor (T4, T11): the waiting secret, confirmed many times at once, becomes one authenticator, whose
// code is spent.
func TestOneSecretIsOneFactor(t *testing.T) {
	f := newFleet(t)
	alice := f[0].SignUp("alice")
	rounds(t, fair, func(t *testing.T) {
		alice.Secret = alice.Scan()
		code := alice.Code()
		bind := func(c *gen.ClientWithResponses, _ int) (*gen.BindMFAResult, error) {
			return c.BindMFAWithResponse(t.Context(), nil, gen.MFABindRequest{Code: code})
		}
		one(t, rush(t, f, calls, "mfa_pending", bind, harness.Header("Access-Token", alice.AccessToken)),
			"No secret waits to be bound; get a new QR code.", "An authenticator is bound already.")
		if n := f[0].Count(`SELECT count(*) FROM mfa_factors`); n != 1 {
			t.Fatalf("%d authenticators", n)
		}
		if r := alice.TryLogin(code); harness.OutcomeOf(r).Text() != codeUsed {
			t.Fatalf("the code that bound: %s", r.Body)
		}
		f[0].Exec(`DELETE FROM mfa_factors`)
	})
}

// TestOneCaptchaIsOneCheck (C4): the first check takes the captcha away. Of many right answers at once one is right; with
// wrong ones among them at most one.
func TestOneCaptchaIsOneCheck(t *testing.T) {
	f := newFleet(t)
	f[0].SignUp("alice")
	const wrong = "The verification code is wrong or has expired."
	password := harness.Password
	check := func(id string, answer func(n int) string) func(*gen.ClientWithResponses, int) (*gen.LoginWithCaptchaResult, error) {
		return func(c *gen.ClientWithResponses, n int) (*gen.LoginWithCaptchaResult, error) {
			return c.LoginWithCaptchaWithResponse(t.Context(), nil, gen.CaptchaLoginRequest{
				Account: "alice", LoginType: gen.CaptchaLoginRequestLoginTypePwd, Password: &password, Code: ptr(answer(n)), CodeID: &id,
			})
		}
	}
	rounds(t, cheap, func(t *testing.T) {
		id, answer := f[0].Captcha(gen.CaptchaUseLogin)
		one(t, rush(t, f, calls, "captchas", check(id, func(int) string { return answer })), wrong)
		id, answer = f[0].Captcha(gen.CaptchaUseLogin)
		got := tally(rush(t, f, calls, "captchas", check(id, func(n int) string { return []string{answer, "000000"}[n%2] })))
		if got[success] > 1 || got[success]+got[wrong] != calls {
			t.Fatalf("right and wrong answers: %v", got)
		}
	})
}

// TestTwentyImagesAreTwenty (C8): many requests for images at once, over three replicas: exactly twenty a minute get one.
func TestTwentyImagesAreTwenty(t *testing.T) {
	f := newFleet(t, func(c *app.Config) { c.LimitCaptchaIP.Max = 20 })
	image := func(c *gen.ClientWithResponses, _ int) (*gen.CreateCaptchaResult, error) {
		return c.CreateCaptchaWithResponse(t.Context(), nil, gen.CaptchaRequest{Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin})
	}
	rounds(t, fair, func(t *testing.T) {
		before := f[0].Count(`SELECT count(*) FROM captchas`)
		got := tally(rush(t, f, calls, "quotas", image))
		if got[success] != 20 || got["Too many requests; try again later."] != calls-20 {
			t.Fatalf("want 20 images, got %v", got)
		}
		if n := f[0].Count(`SELECT count(*) FROM captchas`) - before; n != 20 {
			t.Fatalf("%d images were made", n)
		}
		f[0].Clock.Advance(time.Minute)
	})
}
