package captcha

import (
	"fmt"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// solved is an answer to a new image for a use.
func (r *rig) solved(use string) Answer {
	r.t.Helper()
	image, err := r.Draw(r.t.Context(), "pool", use, false)
	r.must(err)
	return Answer{image.ID, r.random.answer}
}

// free sets the limit of codes without an image.
func (r *rig) free() {
	r.FreeSends = []limit.Rule{{Name: "send.free", Max: 3, Per: 5 * time.Minute}, {Name: "send.free.hour", Max: 10, Per: time.Hour}}
	r.FreeSendsPool = limit.Rule{Name: "send.free.pool", Max: 100, Per: 5 * time.Minute}
}

// TestImageAfterThreeSends (C9): the fourth code for an address, from wherever it is asked for, and the fourth from a
// client, for whomever, need an image captcha; others do not. After five minutes they are free again.
func TestImageAfterThreeSends(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ip, account func(i int) string
	}{
		"one address":         {func(i int) string { return fmt.Sprint("192.0.2.", i) }, func(int) string { return alice }},
		"one client":          {func(int) string { return "192.0.2.99" }, func(i int) string { return fmt.Sprint(i, "@example.com") }},
		"one client, by IPv6": {func(i int) string { return fmt.Sprint("2001:db8::", i) }, func(i int) string { return fmt.Sprint(i, "@example.com") }},
		"one address, as spelt": {func(i int) string { return fmt.Sprint("192.0.2.", i) }, func(i int) string {
			return [...]string{"alice", "Alice", "ALICE", "aLICE", "ALice"}[i] + "@example.com"
		}},
		"one address and client": {func(int) string { return "192.0.2.99" }, func(int) string { return alice }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.free()
			send := func(i int, answer Answer) error {
				request := email(test.account(i))
				request.Image = answer
				_, err := r.Send(from(t.Context(), test.ip(i)), "pool", request)
				return err
			}
			for i := range 3 {
				r.want(fmt.Sprint("send ", i+1), send(i, Answer{}), nil)
			}
			r.want("without an image", send(3, Answer{}), ErrImageNeeded)
			if n := len(r.posted()); n != 3 {
				t.Errorf("%d messages were posted, want 3", n)
			}
			r.want("with an image", send(3, r.solved("login")), nil)
			_, err := r.Send(from(t.Context(), "198.51.100.7"), "pool", email("carol@example.com"))
			r.want("another client, for another address", err, nil)
			_, err = r.Send(from(t.Context(), test.ip(3)), "other", email(test.account(3)))
			r.want("in another userpool", err, nil)
			r.advance(5*time.Minute - time.Microsecond)
			r.want("at the last moment", send(4, Answer{}), ErrImageNeeded)
			r.advance(time.Microsecond)
			r.want("after five minutes", send(4, Answer{}), nil)
		})
	}
}

// TestChannelsHaveTheirOwnFreeSends (C9): e-mails to an address leave those of a phone number alone.
func TestChannelsHaveTheirOwnFreeSends(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.free()
	for i := range 3 {
		_, err := r.Send(from(t.Context(), fmt.Sprint("192.0.2.", i)), "pool", email(alice))
		r.must(err)
	}
	_, err := r.Send(from(t.Context(), "192.0.2.7"), "pool", sms(alicePhone))
	r.want("an SMS", err, nil)
}

// TestFreeSendsHaveTiers (C9): three in five minutes, and ten in an hour: who waits long enough each time still has to
// solve an image in the end. What is refused charges none of the tiers.
func TestFreeSendsHaveTiers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.free()
	sent := 0
	for minute := range 60 {
		_, err := r.send(email(alice))
		if err == nil {
			sent++
		} else {
			r.want(fmt.Sprint("minute ", minute), err, ErrImageNeeded)
		}
		r.advance(time.Minute)
	}
	if sent != 10 {
		t.Errorf("%d free sends in an hour, want 10", sent)
	}
	_, err := r.send(email(alice))
	r.want("the next hour", err, nil)
}

// TestFreeSendsOfAllTogether (C9): where many clients ask for many addresses, all of them need an image; who has signed in
// or solves one does not wait for them.
func TestFreeSendsOfAllTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.free()
	r.FreeSendsPool.Max = 5
	send := func(i int, request Request) error {
		_, err := r.Send(from(t.Context(), fmt.Sprint("192.0.2.", i)), "pool", request)
		return err
	}
	for i := range 5 {
		r.want("free", send(i, email(fmt.Sprint(i, "@example.com"))), nil)
	}
	request := email("5@example.com")
	r.want("one more", send(5, request), ErrImageNeeded)
	request.UserID = "alice"
	r.want("signed in", send(5, request), nil)
	request.UserID, request.Image = "", r.solved("login")
	r.want("with an image", send(5, request), nil)
	_, err := r.Send(from(t.Context(), "192.0.2.5"), "other", email("5@example.com"))
	r.want("in another userpool", err, nil)
}

// TestSignedInNeedNoImage (C9): who has signed in is somebody already, and uses nobody's free sends up; but has a limit.
func TestSignedInNeedNoImage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.free()
	r.SendsPerUser = limit.Rule{Name: "send.user", Max: 5, Per: time.Hour}
	request := Request{Channel: message.Email, Use: "changePwd", Account: alice, UserID: "alice"}
	for range 5 {
		_, err := r.send(request)
		r.want("signed in", err, nil)
	}
	_, err := r.send(request)
	r.wantWait("once more", err, ErrTooMany, time.Hour)
	request.Image = r.solved("changePwd")
	_, err = r.send(request)
	r.want("with an image", err, ErrTooMany)
	request.UserID, request.Image = "bob", Answer{}
	_, err = r.send(request)
	r.want("another user", err, nil)
	request.UserID = ""
	for range 3 {
		_, err := r.send(request)
		r.want("anonymous", err, nil)
	}
	_, err = r.send(request)
	r.want("anonymous, once more", err, ErrImageNeeded)
}

// TestGivenImageIsChecked (C9, C4): an image that is sent along is checked though none is needed, also of who has signed
// in; it must be right, of the same use, and is used up. Refused, no code is sent, and no free send is used.
func TestGivenImageIsChecked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(r *rig) Answer
		want   error
	}{
		"right":            {func(r *rig) Answer { return r.solved("login") }, nil},
		"wrong":            {func(r *rig) Answer { return Answer{r.solved("login").ID, "000000"} }, ErrWrong},
		"of another use":   {func(r *rig) Answer { return r.solved("register") }, ErrWrong},
		"no answer":        {func(r *rig) Answer { return Answer{ID: r.solved("login").ID} }, ErrWrong},
		"no id":            {func(r *rig) Answer { return Answer{Text: r.solved("login").Text} }, ErrWrong},
		"a code, no image": {func(r *rig) Answer { return Answer{r.sent(), r.random.answer} }, ErrWrong},
		"expired": {func(r *rig) Answer {
			answer := r.solved("login")
			r.advance(180 * time.Second)
			return answer
		}, ErrWrong},
		"used before": {func(r *rig) Answer {
			answer := r.solved("login")
			r.must(r.CheckImage(r.t.Context(), "pool", "login", answer.ID, answer.Text))
			return answer
		}, ErrWrong},
	} {
		for _, userID := range []string{"", "alice"} {
			t.Run(name+", signed in: "+userID, func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				request := email(nobody)
				request.UserID, request.Image = userID, test.answer(r)
				r.free()
				before := len(r.posted())
				_, err := r.send(request)
				r.want("send", err, test.want)
				if sent := len(r.posted()) > before; sent != (test.want == nil) {
					t.Errorf("a message was posted: %v", sent)
				}
				if n := r.number("SELECT count(*) FROM quotas WHERE key LIKE 'send.free%'"); n != 0 {
					t.Errorf("%d free sends were used", n)
				}
				_, err = r.send(request)
				r.want("with the same image again", err, ErrWrong)
			})
		}
	}
}

// TestFailedSendUsesNoFreeOne (C9): what another rule refuses is not one of the free sends, so that an image is asked for
// after three codes, and not after three tries.
func TestFailedSendUsesNoFreeOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.free()
	r.SendsPerTarget = perTarget()
	for i := range 3 {
		_, err := r.send(email(alice))
		r.want("a code", err, nil)
		for range 3 * (2 - i) { // the last one is followed by a fourth
			_, err := r.send(email(alice))
			r.want("too soon", err, ErrTooMany)
		}
		r.advance(time.Minute)
	}
	_, err := r.send(email(alice))
	r.want("a fourth code", err, ErrImageNeeded)
}

// TestImageDoesNotLiftLimits (C7, C9): who has solved an image is still counted by every other rule.
func TestImageDoesNotLiftLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.SendsPerTarget = perTarget()
	for i, want := range []error{nil, ErrTooMany} {
		request := email(alice)
		request.Image = r.solved("login")
		_, err := r.send(request)
		r.want(fmt.Sprint("send ", i+1), err, want)
		r.want("the image, which is used up", r.CheckImage(t.Context(), "pool", "login", request.Image.ID, request.Image.Text), ErrWrong)
	}
}
