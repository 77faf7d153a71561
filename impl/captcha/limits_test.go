package captcha

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/limit"
)

// perTarget are the limits of one address: 1 a minute, 5 an hour, 10 a day.
func perTarget() []limit.Rule {
	return []limit.Rule{
		{Name: "send", Max: 1, Per: time.Minute}, {Name: "send.hour", Max: 5, Per: time.Hour}, {Name: "send.day", Max: 10, Per: 24 * time.Hour},
	}
}

// limited sets every limit as it is by default.
func (r *rig) limited() {
	r.free()
	r.SendsPerTarget = perTarget()
	r.FreeSends = append(r.FreeSends, limit.Rule{Name: "send.free.days", Max: 20, Per: 120 * time.Hour})
	r.AsksPerIP = limit.Rule{Name: "send.ask", Max: 60, Per: time.Minute}
	r.SendsPerIP = limit.Rule{Name: "send.ip", Max: 10, Per: 10 * time.Minute}
	r.SendsPerUser = limit.Rule{Name: "send.user", Max: 10, Per: time.Hour}
	r.SMSPerPrefix = limit.Rule{Name: "sms.prefix", Max: 30, Per: time.Hour}
	r.SendsPerPool = limit.Rule{Name: "send.pool", Max: 1000, Per: time.Hour}
	r.SMSBudget, r.SMSCountries = 1000, Countries{"CN": 0, "SG": 50}
}

// charged is everything that was charged in the transaction of sends.
func (r *rig) charged() []string {
	r.t.Helper()
	return slices.Concat(
		r.texts("SELECT concat_ws(' ', key, taken, expires_at) FROM quotas ORDER BY 1"),
		r.texts("SELECT concat_ws(' ', userpool_id, day, scope, sent) FROM sms_budgets ORDER BY 1"),
		r.texts("SELECT concat_ws(' ', id, attempts) FROM sent_codes ORDER BY 1"),
		r.texts("SELECT id FROM outbox ORDER BY 1"),
	)
}

// number returns the nth phone number of a block of ten thousand.
func number(block string, n int) string { return fmt.Sprintf("+86%s%04d", block, n) }

// TestEveryRuleIsExact (C7): as many pass as the rule says and not one more. What is refused is refused by the operation,
// but for a client's own limit, which is the gate's; it says when to come back, and charges nothing in any rule, keeps no
// code and posts no message. Others still pass.
func TestEveryRuleIsExact(t *testing.T) {
	t.Parallel()
	const figure = 3
	rule := func(name string) limit.Rule { return limit.Rule{Name: name, Max: figure, Per: time.Hour} }
	for name, test := range map[string]struct {
		set     func(s *Settings)
		request func(i int) Request
		other   Request // one that the rule does not hold up
		want    error
		wait    time.Duration
	}{
		"first of a target": {
			set:     func(s *Settings) { s.SendsPerTarget = []limit.Rule{rule("send")} },
			request: func(int) Request { return email(alice) }, other: email(nobody), want: ErrTooMany, wait: time.Hour,
		},
		"last of a target": {
			set: func(s *Settings) {
				s.SendsPerTarget = []limit.Rule{{Name: "a", Max: 9, Per: time.Hour}, {Name: "b", Max: 9, Per: time.Hour}, rule("c")}
			},
			request: func(int) Request { return sms(alicePhone) }, other: sms("13900139000"), want: ErrTooMany, wait: time.Hour,
		},
		"block of numbers": {
			set:     func(s *Settings) { s.SMSPerPrefix = rule("sms.prefix") },
			request: func(i int) Request { return sms(number("1380013", i)) }, other: sms(number("1380014", 0)), want: ErrTooMany, wait: time.Hour,
		},
		"userpool": {
			set:     func(s *Settings) { s.SendsPerPool = rule("send.pool") },
			request: func(i int) Request { return email(fmt.Sprint(i, "@example.com")) }, want: ErrTooMany, wait: time.Hour,
		},
		"budget of a day": {
			set:     func(s *Settings) { s.SMSBudget = figure },
			request: func(i int) Request { return sms(number(fmt.Sprint(138, 1000+i), 0)) }, other: email(alice), want: ErrTooMany, wait: 12 * time.Hour,
		},
		"budget of a country": {
			set:     func(s *Settings) { s.SMSBudget, s.SMSCountries = 100, Countries{"CN": figure, "SG": 1} },
			request: func(i int) Request { return sms(number(fmt.Sprint(138, 1000+i), 0)) }, other: sms("+6591234567"), want: ErrTooMany, wait: 12 * time.Hour,
		},
		"client": {
			set:     func(s *Settings) { s.SendsPerIP = rule("send.ip") },
			request: func(i int) Request { return email(fmt.Sprint(i, "@example.com")) }, want: apierr.ErrRateLimited, wait: time.Hour,
		},
		"user": {
			set: func(s *Settings) { s.SendsPerUser = rule("send.user") },
			request: func(i int) Request {
				request := email(fmt.Sprint(i, "@example.com"))
				request.UserID = "alice"
				return request
			}, other: email(alice), want: ErrTooMany, wait: time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.limited()
			r.SendsPerIP.Max, r.SendsPerTarget, r.SendsPerUser.Max, r.SMSPerPrefix.Max, r.SendsPerPool.Max, r.SMSBudget = 9, nil, 9, 9, 9, 100
			r.FreeSends[0].Max, r.FreeSendsPool.Max = 9, 9
			test.set(&r.Settings)
			for i := range figure {
				_, err := r.send(test.request(i))
				r.want(fmt.Sprint("send ", i+1), err, nil)
			}
			before := r.charged()
			for range 3 {
				_, err := r.send(test.request(figure))
				r.wantWait("one more", err, test.want, test.wait)
			}
			if after := r.charged(); !slices.Equal(before, after) {
				t.Errorf("refused requests made\n%s\nof\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
			if test.other.Account != "" {
				_, err := r.send(test.other)
				r.want("another", err, nil)
			}
			_, err := r.Send(from(t.Context(), "192.0.2.1"), "other", test.request(figure))
			r.want("in another userpool", err, nil)
			r.advance(test.wait)
			_, err = r.send(test.request(figure))
			r.want("when it was told to come back", err, nil)
		})
	}
}

// TestFiguresOfATarget (C7): one code a minute, five an hour and ten a day for one address, whoever asks.
func TestFiguresOfATarget(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.SendsPerTarget = perTarget()
	client := 0
	send := func() error {
		client++
		_, err := r.Send(from(t.Context(), fmt.Sprint("192.0.2.", client)), "pool", email(alice))
		return err
	}
	began := r.clock.now
	at := func(d time.Duration) { r.clock.now = began.Add(d) }
	r.want("first", send(), nil)
	r.wantWait("second at once", send(), ErrTooMany, time.Minute)
	for i := range 4 {
		at(time.Duration(i+1) * time.Minute)
		r.want(fmt.Sprint("after minute ", i+1), send(), nil)
	}
	at(59 * time.Minute)
	r.wantWait("sixth in an hour", send(), ErrTooMany, time.Minute)
	at(time.Hour)
	r.want("when the first is an hour old", send(), nil)
	r.wantWait("at once", send(), ErrTooMany, time.Minute)
	for i := range 4 {
		at(2*time.Hour + time.Duration(i)*time.Minute)
		r.want(fmt.Sprint("the tenth of a day less ", 3-i), send(), nil)
	}
	at(23 * time.Hour)
	r.wantWait("the eleventh of a day", send(), ErrTooMany, time.Hour)
	at(24 * time.Hour)
	r.want("when the first is a day old", send(), nil)
	r.wantWait("at once", send(), ErrTooMany, time.Minute)
	at(24*time.Hour + time.Minute)
	r.want("when the second is", send(), nil)
}

// TestParallelSendsAreCounted (C7, C4): of 32 requests at once for one address as many pass as may, over two replicas. One
// code is kept, and the newest message holds it.
func TestParallelSendsAreCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	replica := r.replica(r.store)
	r.SendsPerTarget = []limit.Rule{{Name: "send", Max: 3, Per: time.Minute}}
	replica.SendsPerTarget = r.SendsPerTarget
	passed := 0
	for _, err := range together(32, func(i int) error {
		_, err := []*Service{r.Service, replica}[i%2].Send(from(t.Context(), "192.0.2.1"), "pool", email(alice))
		return err
	}) {
		if err == nil {
			passed++
		} else if !errors.Is(err, ErrTooMany) {
			t.Error(err)
		}
	}
	if kept, posted := r.number("SELECT count(*) FROM sent_codes"), len(r.posted()); passed != 3 || kept != 1 || posted != 3 {
		t.Errorf("%d passed, %d codes are kept and %d messages posted; want 3, 1 and 3", passed, kept, posted)
	}
}

// TestParallelSendsDoNotDeadlock (C7): requests for many addresses share the rules of their block, userpool and day, and
// take them in one order.
func TestParallelSendsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limited()
	r.SendsPerIP.Max, r.FreeSends[0].Max, r.FreeSends[1].Max, r.AsksPerIP.Max = 40, 40, 40, 0
	for _, err := range together(48, func(i int) error {
		request := sms(number(fmt.Sprint("138001", i%3), i/6))
		if i%4 == 0 {
			request = email(fmt.Sprint(i/6, "@example.com"))
		}
		_, err := r.Send(from(t.Context(), fmt.Sprint("192.0.2.", i%2)), "pool", request)
		return err
	}) {
		if err != nil && !errors.Is(err, ErrTooMany) && !errors.Is(err, ErrImageNeeded) {
			t.Error(err)
		}
	}
}

// TestClientsOfANetwork (C7): an IPv6 network (/64) is one client.
func TestClientsOfANetwork(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.SendsPerIP = limit.Rule{Name: "send.ip", Max: 10, Per: 10 * time.Minute}
	send := func(ip string, i int) error {
		_, err := r.Send(from(t.Context(), ip), "pool", email(fmt.Sprint(i, "@example.com")))
		return err
	}
	for i := range 10 {
		r.want(fmt.Sprint("send ", i+1), send(fmt.Sprintf("2001:db8::%x:1", i), i), nil)
	}
	r.wantWait("another of its addresses", send("2001:db8::ffff:ffff:ffff:ffff", 11), apierr.ErrRateLimited, 10*time.Minute)
	r.want("another network", send("2001:db8:0:1::1", 12), nil)
}

// TestAsksAreLimited (C7): how often one client asks at all is limited too, whatever becomes of its requests; by the gate,
// and before anything else is looked at.
func TestAsksAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limited()
	r.AsksPerIP = limit.Rule{Name: "send.ask", Max: 4, Per: time.Minute}
	for i, want := range []error{nil, ErrTooMany, ErrTooMany, ErrTooMany, apierr.ErrRateLimited, apierr.ErrRateLimited} {
		_, err := r.send(email(alice))
		r.want(fmt.Sprint("ask ", i+1), err, want)
	}
	request := email(nobody)
	request.Image = r.solved("login")
	_, err := r.send(request)
	r.want("with an image", err, apierr.ErrRateLimited)
	r.want("which is not used up", r.CheckImage(t.Context(), "pool", "login", request.Image.ID, request.Image.Text), nil)
}

// TestMailboxIsOneTarget (C7): tags that mail hosts pass over do not make more of one mailbox; the addresses are different
// ones all the same, each with its own code.
func TestMailboxIsOneTarget(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.SendsPerTarget = []limit.Rule{{Name: "send", Max: 2, Per: time.Minute}}
	id, err := r.send(email("bob@example.com"))
	r.must(err)
	answer := r.random.answer
	_, err = r.send(email("bob+1@example.com"))
	r.want("a tag", err, nil)
	_, err = r.send(email("bob+2@example.com"))
	r.want("another tag", err, ErrTooMany)
	for account, want := range map[string]error{"bob@example.com": nil, "bob+1@example.com": ErrWrong} {
		_, err = r.CheckSent(t.Context(), "pool", "email", "login", account, id, answer)
		r.want("the code for "+account, err, want)
	}
}
