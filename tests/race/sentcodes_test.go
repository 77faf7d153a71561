package race

import (
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

const (
	email = gen.CaptchaRequestTypeEmail
	sms   = gen.CaptchaRequestTypePhone

	sentWrong = "The verification code is wrong or has expired."
	tooMany   = "Too many codes were asked for; try again later."

	tries  = 5                // C4
	window = 10 * time.Minute // and how long they count
)

// door is what a code that was sent opens.
type door struct {
	use   gen.CaptchaUse
	to    string // the address
	cost  int
	enter func(c *gen.ClientWithResponses, n int, id, code string) (any, error)
	count string // statement that counts who has entered
}

// street is all doors, and what they are of. What is sent comes to the mail server.
type street struct {
	f     fleet
	mail  *harness.MailServer
	doors []door
}

// newStreet starts a fleet that notes in the table guesses every try that is charged, or charged no more.
func newStreet(t *testing.T) *street {
	t.Helper()
	m := harness.NewMailServer(t)
	f := newFleet(t, m.Configure)
	f[0].Exec(`
		CREATE TABLE guesses (n integer);
		CREATE FUNCTION note_guess() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN INSERT INTO guesses VALUES (NEW.attempts - OLD.attempts); RETURN NULL; END $$;
		CREATE TRIGGER note_guess AFTER UPDATE ON sent_codes FOR EACH ROW
			WHEN (NEW.id = OLD.id) EXECUTE FUNCTION note_guess()`) // another id is another code, and no try
	for _, name := range []string{"login", "forgets"} {
		f[0].CreateUser(gen.CreateUserReqDto{Username: &name, Email: ptr(name + "@example.com")})
	}
	people := []*harness.Person{f[0].SignUp("alice"), f[0].SignUp("bob")}
	const done = `SELECT count(*) FROM audit_log WHERE outcome = 'success' AND action = `
	return &street{f, m, []door{
		{gen.CaptchaUseLogin, "login@example.com", fair, func(c *gen.ClientWithResponses, _ int, id, code string) (any, error) {
			return c.LoginWithCaptchaWithResponse(t.Context(), nil, gen.CaptchaLoginRequest{
				Account: "login@example.com", LoginType: gen.CaptchaLoginRequestLoginTypeEmail, CodeID: &id, Code: &code,
			})
		}, `SELECT count(*) FROM sessions`},
		{gen.CaptchaUseRegister, "new@example.com", fair, func(c *gen.ClientWithResponses, _ int, id, code string) (any, error) {
			return c.RegisterWithCodeWithResponse(t.Context(), nil, gen.CodeRegisterRequest{
				Account: "new@example.com", RegType: gen.CodeTypeEmail, CodeID: id, Code: code,
			})
		}, `SELECT count(*) FROM users`},
		{gen.CaptchaUseForgetPwd, "forgets@example.com", dear, func(c *gen.ClientWithResponses, _ int, id, code string) (any, error) {
			return c.ResetPasswordWithResponse(t.Context(), nil, gen.ForgetPasswordRequest{
				Account: "forgets@example.com", Type: gen.CodeTypeEmail, CodeID: id, Code: code, Password: harness.Password,
			})
		}, done + `'user.password_reset'`},
		// Who binds an address has to be signed in, and that is all: whoever knows the code has the address.
		{gen.CaptchaUseBindAccount, "bound@example.com", fair, func(c *gen.ClientWithResponses, n int, id, code string) (any, error) {
			return c.BindAccountWithResponse(t.Context(), nil, gen.BindAccountRequest{
				Account: "bound@example.com", Type: gen.CodeTypeEmail, CodeID: id, Code: code,
			}, harness.Header("iThings-token", people[n/len(f)%2].AccessToken))
		}, done + `'user.bind'`},
	}}
}

// race runs a race at every door, each round with a code that has just been sent. It returns how many the answers have let in.
func (s *street) race(t *testing.T, race func(t *testing.T, d door, id, code string) (entered int)) {
	t.Helper()
	for _, d := range s.doors {
		t.Run(string(d.use), func(t *testing.T) {
			rounds(t, d.cost, func(t *testing.T) {
				s.f[0].Exec(`
					DELETE FROM sent_codes; DELETE FROM guesses;
					UPDATE users SET email = NULL, email_key = NULL WHERE email IN ('new@example.com', 'bound@example.com')`)
				id := s.f[0].AskForCode(email, d.use, d.to)
				code := s.mail.WaitForCode(t, d.to)
				before := s.f[0].Count(d.count)
				want := race(t, d, id, code)
				if entered := s.f[0].Count(d.count) - before; entered != want {
					t.Errorf("%d have entered, by the answers %d", entered, want)
				}
				if n := s.guesses(); n > tries {
					t.Errorf("%d tries were charged", n)
				}
			})
		})
	}
}

// rush has everybody at the door at once, each with a code of its own.
func (s *street) rush(t *testing.T, d door, id string, code func(n int) string) map[string]int {
	t.Helper()
	return tally(rush(t, s.f, calls, "sent_codes", func(c *gen.ClientWithResponses, n int) (any, error) { return d.enter(c, n, id, code(n)) }))
}

// guesses is how many tries were charged, over all codes. Right ones are no guesses.
func (s *street) guesses() int { return s.f[0].Count(`SELECT coalesce(sum(n), 0) FROM guesses`) }

func (s *street) attempts() int { return s.f[0].Count(`SELECT attempts FROM sent_codes`) }

// wrongCode is one of many that are not sent.
func wrongCode(n int) string { return fmt.Sprintf("00%04d", n) }

// TestSentCodes (C4): what holds for a code that was sent, at every door that it may be for.
func TestSentCodes(t *testing.T) {
	s := newStreet(t)
	t.Run("one code is one entry", s.oneEntry)
	t.Run("five guesses are five", s.fiveGuesses)
	t.Run("the right one among wrong ones", s.rightAmongWrong)
	t.Run("resending gives no tries", s.resending)
}

// oneEntry: a right code, sent many times at once over three replicas, opens its door once: one session, one user, one new
// password, one owner of the address.
func (s *street) oneEntry(t *testing.T) {
	s.race(t, func(t *testing.T, d door, id, code string) int {
		got := s.rush(t, d, id, func(int) string { return code })
		if got[success] != 1 || got[sentWrong] != calls-1 {
			t.Errorf("want one success, and for the others %q; got %v", sentWrong, got)
		}
		return got[success]
	})
}

// fiveGuesses: of many wrong codes at once exactly five are looked at, and no answer tells which. Then the right one is
// refused, too, and no other is sent.
func (s *street) fiveGuesses(t *testing.T) {
	s.race(t, func(t *testing.T, d door, id, code string) int {
		got := s.rush(t, d, id, wrongCode)
		if got[sentWrong] != calls || s.attempts() != tries || s.guesses() != tries {
			t.Errorf("want %d tries and one answer, got %d, %d and %v", tries, s.attempts(), s.guesses(), got)
		}
		if r, err := d.enter(s.f[1].Client, 0, id, code); err != nil || harness.OutcomeOf(r).Text() != sentWrong {
			t.Errorf("the right code after that: %v, %v", r, err)
		}
		if r, err := s.f[2].TryAskForCode(email, d.use, d.to); err != nil || harness.OutcomeOf(r).Text() != tooMany {
			t.Errorf("another code after that: %v, %v", r, err)
		}
		return 0
	})
}

// rightAmongWrong: whether a right code among many wrong ones comes before the fifth of them is luck; that there are no
// more than five is not.
func (s *street) rightAmongWrong(t *testing.T) {
	s.race(t, func(t *testing.T, d door, id, code string) int {
		got := s.rush(t, d, id, func(n int) string {
			if n%8 == 3 {
				return code
			}
			return wrongCode(n)
		})
		if got[success] > 1 || got[success]+got[sentWrong] != calls || got[success] == 0 && s.guesses() != tries {
			t.Errorf("%v, after %d guesses", got, s.guesses())
		}
		return got[success]
	})
}

// resending: who asks for a new code before every guess, many times at once, has no more of them. When the time is over
// that they count for, there are five again.
func (s *street) resending(t *testing.T) {
	d := s.doors[0]
	resend := func(c *gen.ClientWithResponses, n int) (any, error) {
		asked, err := c.CreateCaptchaWithResponse(t.Context(), nil, gen.CaptchaRequest{Type: email, Use: d.use, Account: &d.to})
		if err != nil || asked.JSON200 == nil || asked.JSON200.Data == nil {
			return asked, err
		}
		return d.enter(c, n, asked.JSON200.Data.CodeID, wrongCode(n))
	}
	rounds(t, cheap, func(t *testing.T) {
		s.f[0].Clock.Advance(window)
		s.f[0].Exec(`DELETE FROM guesses`)
		got := tally(rush(t, s.f, calls, "sent_codes", resend))
		if got[sentWrong]+got[tooMany] != calls || s.guesses() > tries {
			t.Fatalf("%d tries, answers %v", s.guesses(), got)
		}
		for range tries { // one by one, until the last is charged
			if _, err := resend(s.f[0].Client, 0); err != nil {
				t.Fatal(err)
			}
		}
		if s.guesses() != tries || s.attempts() != tries {
			t.Fatalf("%d tries, and %d in the database", s.guesses(), s.attempts())
		}
	})
}
