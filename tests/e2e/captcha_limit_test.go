package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/impl/captcha"
	"github.com/menshen-auth/menshen/tests/harness"
)

// proxied believes the proxy that from speaks for.
func proxied(c *app.Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
}

// from is a client editor: the address of the client.
func from(ip string) gen.RequestEditorFn { return harness.Header("X-Forwarded-For", ip) }

// wantTooMany: a limit of the business refused, with HTTP 200, and tells when to come back.
func wantTooMany(t *testing.T, what string, result *gen.CreateCaptchaResult, wait time.Duration) {
	t.Helper()
	wantCode(t, what, result, 1000028)
	if got := result.HTTPResponse.Header.Get("Retry-After"); got != fmt.Sprint(int(wait.Seconds())) {
		t.Errorf("%s: Retry-After is %q, want %v", what, got, wait.Seconds())
	}
}

// TestSendsToOneAddressAreLimited (C7): one code a minute, five an hour, ten a day, in any minute, hour and day, over all
// uses and spellings. What is refused costs nothing, and an address that nobody has is limited like one that somebody has
// (C6).
func TestSendsToOneAddressAreLimited(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits, func(c *app.Config) { c.LimitSend.Max, c.LimitSendHour.Max, c.LimitSendDay.Max = 1, 5, 10 })
	h.Clock.Freeze()
	newBob(h)
	pool, _ := secondPool(t, h)
	send := func(use gen.CaptchaUse, to string, editors ...gen.RequestEditorFn) *gen.CreateCaptchaResult {
		return must(h.TryAskForCode(byEmail, use, to, editors...))(t)
	}
	sent := func(what string) {
		t.Helper()
		wantSuccess(t, what, send(gen.CaptchaUseLogin, emailOfBob))
		wantSuccess(t, what+", to nobody", send(gen.CaptchaUseLogin, "nobody@example.com"))
	}
	refused := func(what string, wait time.Duration) {
		t.Helper()
		r := send(gen.CaptchaUseLogin, emailOfBob)
		wantTooMany(t, what, r, wait)
		wantSame(t, what+", bob and nobody", r, send(gen.CaptchaUseLogin, "nobody@example.com"))
	}
	sent("the first")
	refused("the second", time.Minute)
	for _, use := range uses {
		wantTooMany(t, string(use), send(use, "BOB@EXAMPLE.com"), time.Minute)
	}
	wantTooMany(t, "the same mailbox", send(gen.CaptchaUseRegister, "bob+news@example.com"), time.Minute)
	wantSuccess(t, "another userpool", send(gen.CaptchaUseLogin, emailOfBob, of(pool)))
	wantSuccess(t, "his phone", must(h.TryAskForCode(byPhone, gen.CaptchaUseLogin, phoneOfBob))(t))
	h.Clock.Advance(time.Minute - time.Millisecond)
	refused("a little too early", time.Second)
	h.Clock.Advance(time.Millisecond)
	sent("a minute later")
	for range 3 {
		h.Clock.Advance(time.Minute)
		sent("one of five in the first hour")
	}
	h.Clock.Advance(time.Minute)
	refused("the sixth in an hour", 55*time.Minute)
	h.Clock.Advance(54 * time.Minute)
	for range 5 {
		h.Clock.Advance(time.Minute)
		sent("one of five in the second hour")
	}
	h.Clock.Advance(time.Hour)
	refused("the eleventh in a day", 24*time.Hour-124*time.Minute)
	h.Clock.Advance(24*time.Hour - 124*time.Minute)
	sent("a day after the first")
	h.Settle()
	if n := h.Count(`SELECT count(*) FROM outbox`); n != 2*11+2 {
		t.Errorf("%d messages were written, want 24", n)
	}
}

// TestSendsFromOneAddressAreLimited (C7): the gate refuses a client that asks for codes for one address after the other. All
// of an IPv6 network is one client. Images are not codes.
func TestSendsFromOneAddressAreLimited(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits, proxied, func(c *app.Config) { c.LimitSendIP.Max = 10 })
	h.Clock.Freeze()
	n := 0
	send := func(ip string) *gen.CreateCaptchaResult {
		n++
		return must(h.TryAskForCode(byEmail, gen.CaptchaUseRegister, fmt.Sprintf("a%d@example.com", n), from(ip)))(t)
	}
	for _, ips := range [][2]string{{"203.0.113.1", "203.0.113.1"}, {"2001:db8::1", "2001:db8::ffff:1"}} {
		for range 10 {
			wantSuccess(t, "a code", send(ips[0]))
		}
		o := wantGate(t, "the eleventh", send(ips[1]), 429)
		if o.Code == nil || *o.Code != 100027 || o.Header.Get("Retry-After") != "600" {
			t.Errorf("the eleventh: %v %s", o.Header, o.Body)
		}
		image := create(t, h, gen.CaptchaRequest{Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin}, from(ips[1]))
		wantSuccess(t, "an image", image)
	}
	wantSuccess(t, "another client", send("203.0.113.2"))
	h.Clock.Advance(10*time.Minute - time.Millisecond)
	wantGate(t, "a little too early", send("203.0.113.1"), 429)
	h.Clock.Advance(time.Millisecond)
	wantSuccess(t, "ten minutes later", send("203.0.113.1"))
}

// TestAskingIsLimited: requests for codes count also where none is sent, so that nobody can try out addresses, or answers to
// image captchas, as fast as the network is.
func TestAskingIsLimited(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits, func(c *app.Config) { c.LimitSendAsk.Max = 3 })
	h.Clock.Freeze()
	wrong := gen.CaptchaRequest{Type: byEmail, Use: gen.CaptchaUseLogin, Account: ptr(emailOfBob), CodeID: ptr("aaaaaaaaaaaaaaaaaaaa"), Code: ptr("000000")}
	for range 3 {
		wantCode(t, "a wrong answer", create(t, h, wrong), 1000005)
	}
	if o := wantGate(t, "the fourth", create(t, h, wrong), 429); o.Header.Get("Retry-After") != "20" {
		t.Errorf("the fourth: %v", o.Header)
	}
}

// TestStrangersNeedImageCaptcha (C9): after three codes for an address or from a client, whoever is not signed in has to
// solve an image captcha of the same use first. After a while there are free ones again.
func TestStrangersNeedImageCaptcha(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits, proxied, func(c *app.Config) { c.LimitSendFree.Max, c.LimitSendUser.Max = 3, 2 })
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	send := func(to, ip string, editors ...gen.RequestEditorFn) *gen.CreateCaptchaResult {
		return must(h.TryAskForCode(byEmail, gen.CaptchaUseBindAccount, to, append(editors, from(ip))...))(t)
	}
	const a, b = "203.0.113.1", "203.0.113.2"
	for range 3 {
		wantSuccess(t, "a free code", send(emailOfBob, a))
	}
	needed := send(emailOfBob, a)
	wantCode(t, "the fourth", needed, 1000034)
	wantCode(t, "for the same address, from elsewhere", send("BOB+news@example.com", b), 1000034)
	wantCode(t, "for another address, from the same client", send("carol@example.com", a), 1000034)
	wantCode(t, "with a token that is none", send(emailOfBob, a, as("x.y.z")), 1000034)
	wantSuccess(t, "for another address, from elsewhere", send("dave@example.com", b))
	for range 2 {
		wantSuccess(t, "signed in", send(emailOfBob, a, as(alice.AccessToken)))
	}
	wantTooMany(t, "signed in, too often", send("carol@example.com", b, as(alice.AccessToken)), time.Hour)
	id, answer := h.Captcha(gen.CaptchaUseBindAccount)
	wantSuccess(t, "with an image captcha", create(t, h, gen.CaptchaRequest{
		Type: byEmail, Use: gen.CaptchaUseBindAccount, Account: ptr(emailOfBob), CodeID: &id, Code: &answer,
	}, from(a)))
	h.Clock.Advance(5*time.Minute - time.Millisecond)
	wantCode(t, "a little too early", send("carol@example.com", a), 1000034)
	h.Clock.Advance(time.Millisecond)
	wantSuccess(t, "five minutes later", send("carol@example.com", a))
}

// TestStrangersNeedImageCaptchaInTheLongRun (C9): patience does not get around the image captcha, nor do many clients.
func TestStrangersNeedImageCaptchaInTheLongRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configure func(*app.Config)
		again     time.Duration
	}{
		"an hour":    {func(c *app.Config) { c.LimitSendFreeHour.Max = 2 }, time.Hour},
		"days":       {func(c *app.Config) { c.LimitSendFreeDays.Max = 2 }, 5 * 24 * time.Hour},
		"a userpool": {func(c *app.Config) { c.LimitSendFreePool.Max = 2 }, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := harness.New(t, harness.NoLimits, proxied, c.configure)
			h.Clock.Freeze()
			n := 0
			send := func() *gen.CreateCaptchaResult {
				ip := "203.0.113.1"
				if n++; name == "a userpool" {
					ip = fmt.Sprintf("203.0.113.%d", n)
				}
				return must(h.TryAskForCode(byEmail, gen.CaptchaUseRegister, fmt.Sprintf("a%d@example.com", n), from(ip)))(t)
			}
			wantSuccess(t, "the first", send())
			wantSuccess(t, "the second", send())
			h.Clock.Advance(c.again - time.Millisecond)
			wantCode(t, "the third", send(), 1000034)
			h.Clock.Advance(time.Millisecond)
			wantSuccess(t, "later", send())
		})
	}
}

// TestSMSGoToKnownCountriesOnly (C7): where nobody expects SMS to go, none goes, whoever asks. E-mail knows no countries.
func TestSMSGoToKnownCountriesOnly(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	abroad := harness.New(t, harness.NoLimits, func(c *app.Config) {
		if err := c.SMSCountries.UnmarshalText([]byte("CN,US=5")); err != nil {
			t.Fatal(err)
		}
	})
	alice := h.SignUp("alice")
	for number, country := range map[string]string{
		"+12015550123": "US", "+852 6123 4567": "HK", "+44 7400 123456": "GB", "13800138000": "CN", "+8613800138000": "CN",
	} {
		for what, c := range map[string]struct {
			h    *harness.Instance
			goes bool
		}{"at home": {h, country == "CN"}, "abroad": {abroad, country == "CN" || country == "US"}} {
			for _, by := range []gen.CaptchaRequestType{byPhone, bySMS} {
				r := must(c.h.TryAskForCode(by, gen.CaptchaUseBindAccount, number, as(alice.AccessToken)))(t)
				if what += " to " + country; c.goes {
					wantSuccess(t, what, r)
				} else {
					wantCode(t, what, r, 100021)
					wantText(t, harness.OutcomeOf(r).Msg, "No codes are sent to phone numbers of this country")
				}
			}
		}
	}
}

// TestBudgetStopsSMS (C7): what an attacker can spend in a day is bounded: for all of a userpool, for a country, and in an
// hour for one block of numbers. When it is used up, SMS stop until there is a budget again, and operators are told: once
// in audit log and log, however often somebody tries and at whichever replica. E-mail goes on.
func TestBudgetStopsSMS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configure func(*app.Config)
		three     [3]string // the third is one too many
		other     string    // is not
		target    string    // of the alarm
		wait      func(now time.Time) time.Duration
	}{
		"day": {
			func(c *app.Config) { c.SMSBudget = 3 }, [3]string{"13800138000", "13900139000", "13700137000"}, "", "day:all", untilMidnight,
		},
		"country": {
			func(c *app.Config) { c.SMSCountries = captcha.Countries{"CN": 0, "US": 2} },
			[3]string{"+12015550123", "+12025550123", "+12035550123"},
			"13700137000", "country:US", untilMidnight,
		},
		"prefix": {
			func(c *app.Config) { c.LimitSMSPrefix.Max = 2 },
			[3]string{"13800138000", "13800138001", "13800139999"},
			"13700137000",
			"prefix:+861380013", func(time.Time) time.Duration { return time.Hour },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := harness.New(t, harness.NoLimits, c.configure)
			h.Clock.Freeze()
			replica := h.Replica()
			send := func(h *harness.Instance, to string) *gen.CreateCaptchaResult {
				return must(h.TryAskForCode(byPhone, gen.CaptchaUseRegister, to))(t)
			}
			if c.other == "" {
				c.other = "13600136000"
			}
			wantSuccess(t, "the first", send(h, c.three[0]))
			wantSuccess(t, "the second", send(replica, c.three[1]))
			wantSuccess(t, "another", send(h, c.other))
			wait := c.wait(h.Clock.Now())
			for range 3 {
				wantTooMany(t, "the third", send(h, c.three[2]), wait)
				wantTooMany(t, "the third, at another replica", send(replica, c.three[2]), wait)
			}
			wantSuccess(t, "an e-mail", must(h.TryAskForCode(byEmail, gen.CaptchaUseRegister, emailOfBob))(t))
			alarms := h.Count(`SELECT count(*) FROM audit_log WHERE actor = 'system' AND action = 'sends.stopped' AND target = $1 AND outcome = 'refused'`, c.target)
			log := h.Log.String()
			said := strings.Contains(log, `level=ERROR msg="codes are no longer sent: a budget is used up"`)
			if lines := strings.Count(log, "level=ERROR"); alarms != 1 || lines != 1 || !said {
				t.Errorf("%d alarms in the audit log, %d in the log, said: %t", alarms, lines, said)
			}
			h.Clock.Advance(wait)
			wantSuccess(t, "when there is a budget again", send(h, c.three[2]))
		})
	}
}

func untilMidnight(now time.Time) time.Duration {
	return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
}

// TestSendsOfAUserpoolAreLimited (C7): so many codes in any hour and no more, whoever they are for, and operators are told.
// Another userpool has its own.
func TestSendsOfAUserpoolAreLimited(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits, func(c *app.Config) { c.LimitSendPool.Max = 2 })
	h.Clock.Freeze()
	pool, _ := secondPool(t, h)
	send := func(to string, editors ...gen.RequestEditorFn) *gen.CreateCaptchaResult {
		return must(h.TryAskForCode(byEmail, gen.CaptchaUseRegister, to, editors...))(t)
	}
	wantSuccess(t, "the first", send("a@example.com"))
	wantSuccess(t, "the second", send("b@example.com"))
	for range 2 {
		wantTooMany(t, "the third", send("c@example.com"), time.Hour)
	}
	wantSuccess(t, "another userpool", send("c@example.com", of(pool)))
	if n := h.Count(`SELECT count(*) FROM audit_log WHERE action = 'sends.stopped' AND target = 'userpool:all' AND userpool_id = $1`, h.Credentials.UserpoolID); n != 1 {
		t.Errorf("%d alarms", n)
	}
	h.Clock.Advance(time.Hour)
	wantSuccess(t, "an hour later", send("c@example.com"))
}

// TestRefusedCodesAsProblems (RFC 9457): a client that asks for problem details gets the real status, a stable code, and when
// to come back.
func TestRefusedCodesAsProblems(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitSendFree.Max, c.LimitSendAsk.Max = 2, 6 })
	h.Clock.Freeze()
	problem := func(body gen.CaptchaRequest) *gen.CreateCaptchaResult {
		body.Use = gen.CaptchaUseLogin
		return create(t, h, body, harness.Header("Accept", "application/problem+json"))
	}
	to := func(address string) gen.CaptchaRequest { return gen.CaptchaRequest{Type: byEmail, Account: &address} }
	foreign := gen.CaptchaRequest{Type: byPhone, Account: ptr("+12015550123")}
	wrong := to("c@example.com")
	wrong.CodeID, wrong.Code = ptr("aaaaaaaaaaaaaaaaaaaa"), ptr("000000")
	wantSuccess(t, "a success is none", problem(to(emailOfBob)))
	tooMany := problem(to(emailOfBob))
	wantSuccess(t, "a success is none", problem(to("carol@example.com")))
	for _, c := range []struct {
		r      *gen.CreateCaptchaResult
		status int
		code   string
		wait   string
	}{
		{problem(gen.CaptchaRequest{Type: byEmail}), 400, "captcha.account_needed", ""},
		{problem(to("bob")), 400, "captcha.address", ""},
		{problem(foreign), 422, "captcha.country", ""},
		{tooMany, 429, "captcha.too_many", "60"},
		{problem(to("dave@example.com")), 403, "captcha.image_needed", ""},
		{problem(wrong), 403, "captcha.wrong", ""},
		{problem(wrong), 403, "captcha.wrong", ""},
		{problem(to("dave@example.com")), 429, "request.rate_limited", "10"},
	} {
		o := harness.OutcomeOf(c.r)
		p := c.r.ApplicationProblemJSONDefault
		if p == nil || o.HTTP != c.status || p.Status != c.status || p.Code != c.code || o.Header.Get("Retry-After") != c.wait {
			t.Errorf("want %d %s: HTTP %d, Retry-After %q, %s", c.status, c.code, o.HTTP, o.Header.Get("Retry-After"), o.Body)
		}
	}
}
