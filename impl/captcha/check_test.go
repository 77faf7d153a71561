package captcha

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// TestSentCodeIsOfTheInjectedRandom (C1): six digits, as they were made, leading zeros included; the message holds them.
func TestSentCodeIsOfTheInjectedRandom(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, digits := range []string{"", "000042", "999999"} {
		r.random.next = digits
		id := r.sent()
		if code := r.last().Code; code != r.random.answer || !regexp.MustCompile(`^[0-9]{6}$`).MatchString(code) {
			t.Errorf("the message holds %q, and %q was made", code, r.random.answer)
		}
		r.use(id, r.random.answer)
	}
	if r.random.made != 3 {
		t.Errorf("%d codes were made for 3 messages", r.random.made)
	}
}

// TestCheckSent (C2, C3, C8): a code is good for its channel, use, address, id and userpool, for five minutes; everything
// else is refused with the very same value, so that nobody learns which part was wrong.
func TestCheckSent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pool, use, account, id string // empty: as sent
		channel                message.Channel
		answer                 func(right string) string
		after                  time.Duration
		good                   bool
	}{
		"right":                 {good: true},
		"at the last moment":    {after: 5*time.Minute - time.Microsecond, good: true},
		"expired":               {after: 5 * time.Minute},
		"long expired":          {after: 24 * time.Hour},
		"other use":             {use: "forgetPwd"},
		"no such use":           {use: "anything"},
		"other address":         {account: nobody},
		"similar address":       {account: "alice@example.com.cn"},
		"no address":            {account: "alice"},
		"phone of the same":     {channel: message.Phone, account: alicePhone},
		"address as phone":      {channel: message.Phone},
		"other userpool":        {pool: "other"},
		"unknown id":            {id: strings.Repeat("0", idLength)},
		"no id":                 {id: " "},
		"wrong code":            {answer: func(string) string { return "000000" }},
		"no code":               {answer: func(string) string { return "" }},
		"a digit too few":       {answer: func(s string) string { return s[1:] }},
		"a digit too many":      {answer: func(s string) string { return s + "0" }},
		"with spaces around it": {answer: func(s string) string { return " " + s + "\n" }, good: true},
		"full-width digits":     {answer: func(s string) string { return strings.ReplaceAll(s, "7", "７") }, good: true},
		"NUL":                   {answer: func(s string) string { return s + "\x00" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			id := r.sent()
			or := func(given, sent string) string {
				if given == "" {
					return sent
				}
				return given
			}
			answer := r.random.answer
			if test.answer != nil {
				answer = test.answer(answer)
			}
			r.advance(test.after)
			channel := message.Channel(or(string(test.channel), "email"))
			spend, err := r.CheckSent(t.Context(), or(test.pool, "pool"), channel, or(test.use, "login"), or(test.account, alice), or(test.id, id), answer)
			switch {
			case test.good:
				r.must(err)
				r.want("spend", spend(t.Context(), r.store.Queries), nil)
			case err != error(ErrWrong) || spend != nil:
				t.Errorf("check: %#v, want ErrWrong as it is", err)
			}
		})
	}
}

// TestSpentInTheTransaction (C4): a code works once; what was allowed by it and failed leaves it good.
func TestSpentInTheTransaction(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.sent()
	answer, errEffect := r.random.answer, errors.New("the effect failed")
	spend, err := r.check(id, answer)
	r.must(err)
	err = r.store.InTx(t.Context(), func(q db.Queries) error {
		r.must(spend(t.Context(), q))
		return errEffect
	})
	r.want("rolled back", err, errEffect)
	r.use(id, answer)
	if err := spend(t.Context(), r.store.Queries); err != error(ErrWrong) {
		t.Errorf("spent before: %#v, want ErrWrong as it is", err)
	}
	_, err = r.check(id, answer)
	r.want("checked again", err, ErrWrong)
}

// TestParallelUses (C4): one right code, used 32 times at once, opens one door.
func TestParallelUses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, won := r.sent(), 0
	for _, err := range together(32, func(int) error {
		spend, err := r.CheckSent(t.Context(), "pool", message.Email, "login", alice, id, r.random.answer)
		if err != nil {
			return err
		}
		return r.store.InTx(t.Context(), func(q db.Queries) error { return spend(t.Context(), q) })
	}) {
		if err == nil {
			won++
		} else if err != error(ErrWrong) {
			t.Errorf("a loser was told %v, want ErrWrong", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of 32 got in, want 1", won)
	}
}

// TestRightCodeIsNoGuess (C4): a right code that is not used up, since what it was to allow was refused, costs no try, as
// often as that happens; the wrong ones before it count.
func TestRightCodeIsNoGuess(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.sent()
	r.wrong(id, 3)
	for range 10 {
		_, err := r.check(id, r.random.answer)
		r.want("right, and not used", err, nil)
	}
	r.wrong(id, 1)
	if n := r.number("SELECT attempts FROM sent_codes"); n != 4 {
		t.Errorf("%d tries are charged, want the 4 wrong ones", n)
	}
	r.use(id, r.random.answer)
}

// TestAttemptsAreChargedFirst (C4): of 64 guesses at once five are evaluated, and the right one that comes sixth is not.
func TestAttemptsAreChargedFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.sent()
	for _, err := range together(64, func(int) error {
		_, err := r.CheckSent(t.Context(), "pool", message.Email, "login", alice, id, "000000")
		return err
	}) {
		r.want("guess", err, ErrWrong)
	}
	if n := r.number("SELECT attempts FROM sent_codes"); n != 5 {
		t.Errorf("%d tries were charged, want 5", n)
	}
	_, err := r.check(id, r.random.answer)
	r.want("the right code, too late", err, ErrWrong)
}

// TestFifthAttemptCounts (C4): the fifth try may still be the right one.
func TestFifthAttemptCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.sent()
	r.wrong(id, 4)
	r.use(id, r.random.answer)
}

// TestResendNeverResetsTheCount (C4): the tries belong to the address. A new code voids the old one and has the tries that
// are left; when none is left no new code is sent, until the window is over. Then there are five again.
func TestResendNeverResetsTheCount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.sent()
	old := r.random.answer
	r.wrong(first, 3)
	r.advance(time.Minute)
	second := r.sent()
	_, err := r.check(first, old)
	r.want("the code before", err, ErrWrong)
	_, err = r.check(first, r.random.answer)
	r.want("the new code by the old id", err, ErrWrong)
	r.wrong(second, 2)
	_, err = r.check(second, r.random.answer)
	r.want("the right code after five wrong ones", err, ErrWrong)

	messages := len(r.posted())
	r.advance(4 * time.Minute)
	_, err = r.send(email(alice))
	r.wantWait("a third code", err, ErrTooMany, 5*time.Minute)
	r.advance(5*time.Minute - time.Microsecond)
	_, err = r.send(email(alice))
	r.wantWait("at the last moment", err, ErrTooMany, time.Microsecond)
	if n := len(r.posted()); n != messages {
		t.Errorf("%d messages were posted with refused requests", n-messages)
	}
	r.advance(time.Microsecond)
	id := r.sent()
	r.wrong(id, 4)
	r.use(id, r.random.answer)
}

// TestWindowIsNotExtended (C4): the window begins with the first code, and further ones do not push its end away.
func TestWindowIsNotExtended(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 4 {
		r.wrong(r.sent(), 1)
		r.advance(2 * time.Minute)
	}
	id := r.sent() // at 8 minutes
	r.wrong(id, 1)
	r.advance(2 * time.Minute)
	r.wrong(r.sent(), 4) // a new window
	if n := r.number("SELECT attempts FROM sent_codes"); n != 4 {
		t.Errorf("%d tries are charged in the new window, want 4", n)
	}
}

// TestSuccessForgetsTheCount (C4).
func TestSuccessForgetsTheCount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 3 {
		id := r.sent()
		r.wrong(id, 4)
		r.use(id, r.random.answer)
	}
	if n := r.number("SELECT count(*) FROM sent_codes"); n != 0 {
		t.Errorf("%d rows are left of spent codes", n)
	}
}

// TestAttemptsAreCountedApart (C3, C4): guesses at one address, channel, use or userpool cost no other one its tries, and
// who does not know the id of a code cannot use its tries up.
func TestAttemptsAreCountedApart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	type code struct {
		pool       string
		request    Request
		id, answer string
	}
	guess := func(c code, id, answer string) error {
		_, err := r.CheckSent(t.Context(), c.pool, c.request.Channel, c.request.Use, c.request.Account, id, answer)
		return err
	}
	codes := []code{
		{pool: "pool", request: email(alice)},
		{pool: "pool", request: email(nobody)},
		{pool: "pool", request: sms(alicePhone)},
		{pool: "pool", request: Request{Channel: message.Email, Use: "forgetPwd", Account: alice}},
		{pool: "other", request: email(alice)},
	}
	for i := range codes {
		var err error
		codes[i].id, err = r.Send(from(t.Context(), "192.0.2.1"), codes[i].pool, codes[i].request)
		r.must(err)
		codes[i].answer = r.random.answer
	}
	for range 20 {
		r.want("of an unknown id", guess(codes[0], strings.Repeat("0", idLength), codes[0].answer), ErrWrong)
		r.want("of another's id", guess(codes[0], codes[1].id, codes[0].answer), ErrWrong)
	}
	for range 5 {
		r.want("wrong", guess(codes[0], codes[0].id, "000000"), ErrWrong)
	}
	r.want("used up", guess(codes[0], codes[0].id, codes[0].answer), ErrWrong)
	for _, c := range codes[1:] {
		r.want(c.pool+" "+c.request.Use+" "+c.request.Account, guess(c, c.id, c.answer), nil)
	}
}

// TestUnknownAddressesHaveTriesToo (C6): at an address that nobody has, wrong codes are counted and new ones refused just
// as at any other; the code of a decoy is good for nothing, since nobody was told it.
func TestUnknownAddressesHaveTriesToo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, err := r.send(email(nobody))
	r.must(err)
	for range 5 {
		_, err := r.CheckSent(t.Context(), "pool", message.Email, "login", nobody, id, "000000")
		r.want("wrong", err, ErrWrong)
	}
	_, err = r.send(email(nobody))
	r.wantWait("a new code", err, ErrTooMany, 10*time.Minute)
	if !r.last().Decoy {
		t.Error("the message is no decoy")
	}
}

// TestCheckOutOfTheDatabase: that the database does not answer is no wrong code.
func TestCheckOutOfTheDatabase(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.sent()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for what, check := range map[string]func() error{
		"sent": func() error {
			_, err := r.CheckSent(gone, "pool", message.Email, "login", alice, id, r.random.answer)
			return err
		},
		"image": func() error { return r.CheckImage(gone, "pool", "login", id, r.random.answer) },
		"send":  func() error { _, err := r.Send(gone, "pool", email(alice)); return err },
	} {
		if err := check(); err == nil || apierr.From(err).Kind != apierr.Internal && apierr.From(err).Kind != apierr.Unavailable {
			t.Errorf("%s: %v, want a failure of the service", what, err)
		}
	}
}
