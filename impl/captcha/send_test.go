package captcha

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/tenant"
)

// TestWhoIsSentWhat (C6, C10): a code goes to the address on file, however it was typed; at an address that nobody has there
// is a decoy instead, except where a code is to prove a new address, which is sent to in its one form. Who registers again
// is told by e-mail that there is an account, unless the operator lets it be told at once.
func TestWhoIsSentWhat(t *testing.T) {
	t.Parallel()
	on := tenant.For(true)
	const typed, typedNobody = "ALICE@Example.COM", "Nobody@Example.COM"
	code := func(to string) message.Message {
		return message.Message{To: to, Template: message.Code, Code: "270001"}
	}
	decoy := func(to string) message.Message {
		m := code(to)
		m.Decoy = true
		return m
	}
	for name, test := range map[string]struct {
		use, account string
		set          func(s *Settings)
		want         message.Message // To is empty for a refusal
	}{
		"login":                             {"login", typed, nil, code(alice)},
		"login, nobody":                     {"login", typedNobody, nil, decoy(nobody)},
		"login, nobody, auto-register":      {"login", typedNobody, func(s *Settings) { s.AutoRegister = on }, code(nobody)},
		"login, auto-register":              {"login", typed, func(s *Settings) { s.AutoRegister = on }, code(alice)},
		"forgetPwd":                         {"forgetPwd", typed, nil, code(alice)},
		"forgetPwd, nobody":                 {"forgetPwd", typedNobody, nil, decoy(nobody)},
		"forgetPwd, nobody, auto-register":  {"forgetPwd", typedNobody, func(s *Settings) { s.AutoRegister = on }, decoy(nobody)},
		"changePwd":                         {"changePwd", typed, nil, code(alice)},
		"changePwd, nobody":                 {"changePwd", typedNobody, nil, decoy(nobody)},
		"register":                          {"register", typed, nil, message.Message{To: alice, Template: message.Registered}},
		"register, nobody":                  {"register", typedNobody, nil, code(nobody)},
		"register, told":                    {"register", typed, func(s *Settings) { s.RegisterTells = on }, message.Message{}},
		"register, nobody, told":            {"register", typedNobody, func(s *Settings) { s.RegisterTells = on }, code(nobody)},
		"bindAccount, of another":           {"bindAccount", typed, nil, code("alice@example.com")},
		"bindAccount, nobody's":             {"bindAccount", typedNobody, nil, code(nobody)},
		"phone login":                       {"login", "138 0013 8000", nil, code(alicePhone)},
		"phone login, nobody":               {"login", "13900139000", nil, decoy("+8613900139000")},
		"phone register":                    {"register", "+86 138-0013-8000", nil, message.Message{To: alicePhone, Template: message.Registered}},
		"phone login of another's userpool": {"login", "other", nil, decoy(alicePhone)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if test.set != nil {
				test.set(&r.Settings)
			}
			request, pool := Request{Channel: message.Email, Use: test.use, Account: test.account}, "pool"
			if test.account == "other" {
				request.Account, pool = alicePhone, "other"
			}
			if !strings.Contains(request.Account, "@") {
				request.Channel = message.Phone
			}
			ctx := reqinfo.With(t.Context(), &reqinfo.Info{IP: "192.0.2.1", Lang: lang.Chinese})
			id, err := r.Send(ctx, pool, request)
			if test.want.To == "" {
				r.want("send", err, ErrRegistered)
				if id != "" || len(r.posted()) != 0 || r.number("SELECT count(*) FROM sent_codes") != 0 {
					t.Errorf("a refusal with the id %q, and messages %+v", id, r.posted())
				}
				return
			}
			r.must(err)
			want := test.want
			want.UserpoolID, want.Channel, want.Lang, want.ExpiresAt = pool, request.Channel, lang.Chinese, r.clock.now.Add(5*time.Minute)
			if got := r.posted(); len(got) != 1 || got[0] != want {
				t.Errorf("posted %+v, want %+v", got, want)
			}
			if r.random.answer != "270001" || len(id) != idLength {
				t.Errorf("the code is %q, its id %q", r.random.answer, id)
			}
		})
	}
}

// TestKnownAndUnknownAreTreatedTheSame (C6): whether somebody has the address shows neither in the answer nor in what a
// request leaves behind: the same rows in the same tables, the same charges.
func TestKnownAndUnknownAreTreatedTheSame(t *testing.T) {
	t.Parallel()
	for _, use := range []string{"login", "register", "forgetPwd", "changePwd"} {
		t.Run(use, func(t *testing.T) {
			t.Parallel()
			trace := func(request Request) string {
				r := newRig(t)
				r.limited()
				request.Use = use
				id, err := r.send(request)
				r.must(err)
				_, first := r.send(request) // too soon
				_, wrong := r.CheckSent(t.Context(), "pool", request.Channel, use, request.Account, id, "000000")
				to, err := r.target(request.Channel, request.Account)
				r.must(err)
				var b strings.Builder
				fmt.Fprintln(&b, len(id), apierr.From(first), apierr.From(first).RetryAfter, wrong == error(ErrWrong), r.outbox.kicked)
				for _, row := range slices.Concat(
					r.texts("SELECT concat_ws(' ', userpool_id, key, tat) FROM limits ORDER BY 1"),
					r.texts("SELECT concat_ws(' ', userpool_id, key, taken, expires_at) FROM quotas ORDER BY 1"),
					r.texts("SELECT concat_ws(' ', userpool_id, channel, use, attempts, attempts_until, created_at, expires_at, kept_until) FROM sent_codes"),
					r.texts("SELECT concat_ws(' ', userpool_id, channel, state, attempts, expires_at) FROM outbox"),
					r.texts("SELECT concat_ws(' ', userpool_id, day, scope, sent, expires_at) FROM sms_budgets ORDER BY 1"),
					r.texts("SELECT 'audit' FROM audit_log"), r.texts("SELECT 'alert' FROM alerts"),
				) {
					fmt.Fprintln(&b, row)
				}
				return strings.ReplaceAll(b.String(), r.limitKey(to), "TARGET")
			}
			for _, pair := range [][2]Request{{email(alice), email(nobody)}, {sms(alicePhone), sms("+8613900139000")}} {
				known := trace(pair[0])
				// Blocks of numbers have nothing to do with who has one.
				unknown := strings.ReplaceAll(trace(pair[1]), "+861390013", "+861380013")
				if known != unknown {
					t.Errorf("known:\n%s\nunknown:\n%s", known, unknown)
				}
			}
		})
	}
}

// TestNothingTellsAddressOrCode (C5): rows, log and metrics hold neither an address, in whichever form, nor a code, nor
// what could be computed from them without the key.
func TestNothingTellsAddressOrCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limited()
	r.FreeSends, r.SMSBudget = r.FreeSends[1:], 1
	for _, request := range []Request{email("ALICE@Example.com"), email(nobody), sms("13800138000"), sms("13900139000")} {
		id, err := r.send(request)
		if err != nil {
			r.want(request.Account, err, ErrTooMany) // the second SMS, and somebody is told in the log
			continue
		}
		_, err = r.CheckSent(t.Context(), "pool", request.Channel, "login", request.Account, id, "271828")
		r.want("check", err, ErrWrong)
	}
	kept := fmt.Sprint(r.log.text.String(), r.exposition())
	for _, table := range []string{"sent_codes", "limits", "quotas", "alerts", "audit_log", "sms_budgets"} {
		rows := r.texts("SELECT t::text FROM " + table + " t")
		if len(rows) == 0 {
			t.Errorf("no row of %s was looked at", table)
		}
		kept += strings.Join(rows, "\n")
	}
	readable := strings.ToLower(regexp.MustCompile("[0-9a-f]{64}").ReplaceAllString(kept, "HASH")) // whose digits mean nothing
	for _, secret := range []string{
		"alice", "nobody", "example.com", "138001380", "139001390", "270001", "270002", "270003", "270004", "271828",
	} {
		if strings.Contains(readable, secret) {
			t.Errorf("%q shows in\n%s", secret, readable)
		}
	}
	for _, plain := range []string{"Alice@example.com", "alice@example.com", nobody, alicePhone, "270001", "270002", "270003", "271828"} {
		hash := sha256.Sum256([]byte(plain))
		for _, form := range []string{hex.EncodeToString(hash[:]), hex.EncodeToString([]byte(plain)), base64.StdEncoding.EncodeToString([]byte(plain))} {
			if strings.Contains(kept, form) {
				t.Errorf("%q shows as %s", plain, form)
			}
		}
	}
}

// TestEqualCodesAreStoredApart (C5): the same code, or the same address, does not look the same in two rows.
func TestEqualCodesAreStoredApart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, pool := range []string{"pool", "other"} {
		for _, account := range []string{alice, nobody} {
			r.random.next = "314159"
			_, err := r.Send(from(t.Context(), "192.0.2.1"), pool, email(account))
			r.must(err)
		}
	}
	for column, want := range map[string]int{"answer_hash": 4, "account_hash": 4, "id": 4, "octet_length(answer_hash)": 1} {
		if n := r.number("SELECT count(DISTINCT " + column + ") FROM sent_codes"); n != want {
			t.Errorf("%d different values of %s in 4 rows, want %d", n, column, want)
		}
	}
	if n := r.number("SELECT max(octet_length(answer_hash)) FROM sent_codes"); n != 32 {
		t.Errorf("an answer is kept in %d bytes, want the 32 of HMAC-SHA-256", n)
	}
}

// TestSendIsAllOrNothing: a message that cannot be posted leaves no code and no charge, and the one before stays good; the
// worker is woken after the transaction, when there is something to see.
func TestSendIsAllOrNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limited()
	errFull := errors.New("the outbox is full")
	r.AsksPerIP.Max = 0 // is charged whatever becomes of the request
	r.outbox.refuse = errFull
	_, err := r.send(sms(alicePhone))
	r.want("send", err, errFull)
	for _, table := range []string{"limits", "quotas", "sent_codes", "sms_budgets", "outbox", "alerts"} {
		if n := r.number("SELECT count(*) FROM " + table); n != 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	if len(r.outbox.kicked) != 0 {
		t.Error("the worker was woken for nothing")
	}
	r.outbox.refuse = nil
	id, err := r.send(email(alice))
	r.must(err)
	if !slices.Equal(r.outbox.kicked, []int{1}) {
		t.Errorf("woken when %v messages were there, want once with 1", r.outbox.kicked)
	}
	answer := r.random.answer
	r.outbox.refuse = errFull
	r.advance(time.Minute)
	_, err = r.send(email(alice))
	r.want("send again", err, errFull)
	r.use(id, answer)
}

// TestWhatCannotBeSent: no account, no channel, no address (C10) and no country (C7) are each refused by name, and cost
// nothing.
func TestWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limited()
	for name, test := range map[string]struct {
		request Request
		want    error
	}{
		"no account":       {Request{Channel: message.Email, Use: "login"}, ErrAccountNeeded},
		"no e-mail":        {email("alice"), ErrAddress},
		"phone as e-mail":  {email("13800138000"), ErrAddress},
		"two recipients":   {email("alice@example.com,eve@example.com"), ErrAddress},
		"a header":         {email("alice@example.com\r\nBcc: eve@example.com"), ErrAddress},
		"with a name":      {email("Alice <alice@example.com>"), ErrAddress},
		"no phone":         {sms("12345"), ErrAddress},
		"e-mail as phone":  {sms(alice), ErrAddress},
		"letters":          {sms("1380013800O"), ErrAddress},
		"United States":    {sms("+14155552671"), ErrCountry},
		"Hong Kong":        {sms("+85251234567"), ErrCountry},
		"United Kingdom":   {sms("+447911123456"), ErrCountry},
		"a landline":       {sms("+862087654321"), ErrAddress},
		"a service number": {sms("+864008208820"), ErrAddress},
		"no domain":        {email("alice@localhost"), ErrAddress},
		"full-width":       {email("ａlice@example.com"), ErrAddress},
	} {
		_, err := r.send(test.request)
		r.want(name, err, test.want)
	}
	r.outbox.absent[message.Email] = true
	_, err := r.send(email(alice))
	r.want("no channel", err, ErrChannel)
	_, err = r.send(sms("+6591234567"))
	r.want("the other channel, to Singapore", err, nil)
	if n := r.number("SELECT count(*) FROM outbox"); n != 1 {
		t.Errorf("%d messages were posted, want the one to Singapore", n)
	}
	if n := r.number("SELECT count(*) FROM quotas"); n != 13 { // of the client 1 and 3, of the number 3 and 3, of all 3
		t.Errorf("%d quotas are charged, want those of one SMS: %v", n, r.texts("SELECT key FROM quotas"))
	}
}

// TestSpellings (C10): one address is one address, however it is spelt: one code, one count, one message.
func TestSpellings(t *testing.T) {
	t.Parallel()
	for channel, spellings := range map[message.Channel][]string{
		message.Email: {"alice@example.com", "Alice@Example.COM", "ALICE@EXAMPLE.COM"},
		message.Phone: {"13800138000", "+8613800138000", "+86 138-0013-8000", "１３８００１３８０００", "(138) 0013.8000"},
	} {
		r := newRig(t)
		for _, typed := range spellings {
			for _, repeated := range spellings {
				id, err := r.send(Request{Channel: channel, Use: "login", Account: typed})
				r.must(err)
				_, err = r.CheckSent(t.Context(), "pool", channel, "login", repeated, id, r.random.answer)
				r.want(typed+", then "+repeated, err, nil)
				spend, err := r.CheckSent(t.Context(), "pool", channel, "login", repeated, id, r.random.answer)
				r.must(err)
				r.must(spend(t.Context(), r.store.Queries))
			}
			if to := r.last().To; to != alice && to != alicePhone {
				t.Errorf("%s: sent to %s", typed, to)
			}
		}
		r.SendsPerTarget = perTarget()
		_, err := r.send(Request{Channel: channel, Use: "login", Account: spellings[0]})
		r.must(err)
		for _, typed := range spellings {
			_, err := r.send(Request{Channel: channel, Use: "login", Account: typed})
			r.want(typed+" at once again", err, ErrTooMany)
		}
	}
}

// TestSendsAreCounted: what became of each request shows in the metrics, by channel and refusal.
func TestSendsAreCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, request := range []Request{email(alice), email(nobody), email("x"), sms("+14155552671"), sms(alicePhone)} {
		_, _ = r.send(request)
	}
	for _, line := range []string{
		`menshen_codes_total{channel="email",outcome="made"} 2`, `menshen_codes_total{channel="email",outcome="captcha.address"} 1`,
		`menshen_codes_total{channel="phone",outcome="captcha.country"} 1`, `menshen_codes_total{channel="phone",outcome="made"} 1`,
	} {
		if !r.measured(line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
}
