package captcha

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/limit"
)

// text sends an SMS to the nth of many numbers, each in a block of its own.
func (r *rig) text(n int) error {
	_, err := r.Send(from(r.t.Context(), "192.0.2.1"), "pool", sms(number(fmt.Sprint(138, 1000+n), 0)))
	return err
}

// TestBudgetIsExact (C7): of 48 SMS at once, over two replicas, as many go out as the day's budget has, to whomever; the
// count of the day is theirs.
func TestBudgetIsExact(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(s *Settings){
		"of all":       func(s *Settings) { s.SMSBudget = 7 },
		"of a country": func(s *Settings) { s.SMSBudget, s.SMSCountries = 100, Countries{"CN": 7} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			replica := r.replica(r.store)
			set(&r.Settings)
			set(&replica.Settings)
			passed := 0
			for _, err := range together(48, func(i int) error {
				_, err := []*Service{r.Service, replica}[i%2].Send(t.Context(), "pool", sms(number(fmt.Sprint(138, 1000+i), 0)))
				return err
			}) {
				if err == nil {
					passed++
				} else if !errors.Is(err, ErrTooMany) {
					t.Error(err)
				}
			}
			spent := r.texts("SELECT DISTINCT sent::text FROM sms_budgets")
			if posted := len(r.posted()); passed != 7 || posted != 7 || !slices.Equal(spent, []string{"7"}) {
				t.Errorf("%d passed, %d messages were posted and %v counted; want 7", passed, posted, spent)
			}
		})
	}
}

// TestBudgetOfADay (C7): a day begins and ends at midnight UTC, wherever the server stands.
func TestBudgetOfADay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.SMSBudget = 2
	shanghai := time.FixedZone("CST", 8*60*60)
	at := func(hour, minute int) { r.clock.now = time.Date(2026, 5, 5, hour, minute, 0, 0, shanghai) } // midnight UTC is at 8
	at(7, 58)
	r.want("the evening before", r.text(1), nil)
	r.want("and another", r.text(2), nil)
	r.wantWait("a third", r.text(3), ErrTooMany, 2*time.Minute)
	at(7, 59)
	r.wantWait("at the last minute", r.text(3), ErrTooMany, time.Minute)
	at(8, 0)
	r.want("the next day", r.text(3), nil)
	at(23, 59)
	r.want("at midnight in Shanghai", r.text(4), nil)
	r.clock.now = r.clock.now.Add(time.Minute)
	r.wantWait("after it", r.text(5), ErrTooMany, 8*time.Hour)
	if days := r.texts("SELECT day::text FROM sms_budgets ORDER BY 1"); !slices.Equal(days, []string{"2026-05-04", "2026-05-05"}) {
		t.Errorf("counted on %v", days)
	}
}

// TestBudgetOff (C7): without figures there is no bound, but for the countries.
func TestBudgetOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.SMSBudget, r.SMSCountries = 0, Countries{"CN": 0}
	for i := range 20 {
		r.want("SMS", r.text(i), nil)
	}
	if n := r.number("SELECT count(*) FROM sms_budgets"); n != 0 {
		t.Errorf("%d counts are kept for nothing", n)
	}
	_, err := r.send(sms("+6591234567"))
	r.want("to another country", err, ErrCountry)
}

// TestSomebodyIsWoken (C7): the first code that a budget stops leaves a line in the audit log and an error in the log, of
// one replica and once for as long as it lasts; every one of them is counted. No line says to whom it was to go.
func TestSomebodyIsWoken(t *testing.T) {
	t.Parallel()
	for kind, test := range map[string]struct {
		set   func(s *Settings)
		scope string
		next  time.Duration // when the same budget is used up again, in a new period
		email error         // what becomes of e-mails meanwhile
	}{
		"day":      {func(s *Settings) { s.SMSBudget = 1 }, "all", 12 * time.Hour, nil},
		"country":  {func(s *Settings) { s.SMSBudget, s.SMSCountries = 100, Countries{"CN": 1} }, "CN", 12 * time.Hour, nil},
		"prefix":   {func(s *Settings) { s.SMSPerPrefix = limit.Rule{Name: "sms.prefix", Max: 1, Per: 2 * time.Hour} }, "+861380013", 2 * time.Hour, nil},
		"userpool": {func(s *Settings) { s.SendsPerPool = limit.Rule{Name: "send.pool", Max: 1, Per: 2 * time.Hour} }, "all", 2 * time.Hour, ErrTooMany},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			replica := r.replica(r.store)
			test.set(&r.Settings)
			test.set(&replica.Settings)
			alarms := func(what string, audited, counted int) {
				t.Helper()
				events, err := r.store.Audit().Of(t.Context(), "pool", kind+":"+test.scope, 10)
				r.must(err)
				for _, e := range events {
					if e.Action != "sends.stopped" || e.Actor != "system" || e.Outcome != "refused" {
						t.Errorf("%s: event %+v", what, e)
					}
				}
				if logged := strings.Count(r.log.text.String(), slog.LevelError.String()); len(events) != audited || logged != audited {
					t.Errorf("%s: %d lines in the audit log and %d errors in the log, want %d", what, len(events), logged, audited)
				}
				if line := fmt.Sprintf(`menshen_codes_stopped_total{budget=%q} %d`, kind, counted); counted > 0 && !r.measured(line) {
					t.Errorf("%s: the metrics lack %s", what, line)
				}
			}
			request := sms(number("1380013", 0))
			_, err := r.send(request)
			r.must(err)
			alarms("before", 0, 0)
			for i, err := range together(8, func(i int) error {
				_, err := []*Service{r.Service, replica}[i%2].Send(from(t.Context(), "192.0.2.1"), "pool", sms(number("1380013", i)))
				return err
			}) {
				r.want(fmt.Sprint("stopped ", i), err, ErrTooMany)
			}
			alarms("after", 1, 8)
			r.advance(time.Hour)
			_, err = r.send(request)
			r.want("an hour later", err, ErrTooMany)
			alarms("an hour later", 1, 9)
			_, err = r.send(email(alice))
			r.want("an e-mail", err, test.email)
			stopped := 9
			if test.email != nil {
				stopped++
			}

			r.advance(test.next - time.Hour)
			_, err = r.send(request)
			r.want("when the budget is there again", err, nil)
			_, err = r.send(request)
			r.want("and used up again", err, ErrTooMany)
			alarms("the next time", 2, stopped+1)
			if strings.Contains(r.log.text.String(), "13800130000") {
				t.Errorf("the log names a number: %s", r.log.text.String())
			}
		})
	}
}

// TestOtherRefusalsWakeNobody (C7): an address, a client or a user that has had enough is no reason to.
func TestOtherRefusalsWakeNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.SendsPerTarget = perTarget()
	r.SendsPerUser = limit.Rule{Name: "send.user", Max: 1, Per: time.Hour}
	r.SendsPerIP = limit.Rule{Name: "send.ip", Max: 3, Per: time.Hour}
	for i, test := range []struct {
		account, userID string
		want            error
	}{
		{alicePhone, "", nil},
		{alicePhone, "", ErrTooMany},
		{"13900139000", "bob", nil},
		{"13900139001", "bob", ErrTooMany},
		{"13900139002", "", nil},
		{"13900139003", "", apierr.ErrRateLimited},
		{"+14155552671", "", ErrCountry},
	} {
		request := sms(test.account)
		request.UserID = test.userID
		_, err := r.send(request)
		r.want(fmt.Sprint("request ", i+1), err, test.want)
	}
	if n := r.number("SELECT count(*) FROM audit_log") + r.number("SELECT count(*) FROM alerts"); n != 0 || r.log.text.Len() != 0 {
		t.Errorf("%d rows, and the log says %s", n, r.log.text.String())
	}
}

// TestCountriesFromText (C7): what operators write; what is not understood is an error, because a list that silently is
// another one costs money.
func TestCountriesFromText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Countries{
		"CN":                      {"CN": 0},
		"CN,SG=50":                {"CN": 0, "SG": 50},
		"CN, SG=50 , HK":          {"CN": 0, "SG": 50, "HK": 0},
		"CN=1":                    {"CN": 1},
		"":                        nil,
		",":                       nil,
		"CN,":                     nil,
		"cn":                      nil,
		"China":                   nil,
		"+86":                     nil,
		"86":                      nil,
		"C1":                      nil,
		"中国":                      nil,
		"CN=":                     nil,
		"CN=0":                    nil,
		"CN=-1":                   nil,
		"CN=many":                 nil,
		"XX":                      nil,
		"ZZ":                      nil,
		"CN=1=2":                  nil,
		"CN= 1":                   nil,
		"CN;SG":                   nil,
		"CN SG":                   nil,
		"CN,CN":                   nil,
		"CN,CN=5":                 nil,
		"CN=99999999999999999999": nil,
	} {
		var c Countries
		err := c.UnmarshalText([]byte(text))
		if fmt.Sprint(c) != fmt.Sprint(want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %v, %v; want %v", text, c, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "CN,SG=50") {
			t.Errorf("%q: the message does not show what to write: %v", text, err)
		}
	}
}
