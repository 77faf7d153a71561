package e2e

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/db/dbtest/port"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// keepAddress keeps an address in the spellings in which it might turn up.
func (v *vault) keepAddress(address string) string {
	v.keep("address", address)
	if number, ok := strings.CutPrefix(address, "+86"); ok {
		v.keep("number", number)
	} else if lower := strings.ToLower(address); lower != address {
		v.keep("address", lower)
	}
	return address
}

// prove is prove, and keeps the code.
func (v *vault) prove(by gen.CaptchaRequestType, use gen.CaptchaUse, to string) proof {
	p := prove(v.h, by, use, to)
	v.keepCode("code", p.code)
	return p
}

// TestNothingLeaksOfMessages (C5, C10): codes, and the addresses that they are sent to, are in no line of the log at debug
// level and in no row of the database, but for a user's own address in the user's own row: not while a message waits, and
// not after it was delivered, refused, lost or suppressed.
func TestNothingLeaksOfMessages(t *testing.T) {
	t.Parallel()
	m, s := harness.NewMailServer(t), harness.NewSMSReceiver(t)
	h := harness.New(t, harness.NoLimits, m.Configure, s.Configure, func(c *app.Config) {
		c.SMSBudget, c.LimitSignInIP.Max, c.LimitSendAsk.Max = 12, 1000, 1000 // there is room, and it is counted
		c.LimitSend.Max, c.LimitSendIP.Max, c.LimitSendUser.Max, c.LimitSendFree.Max, c.LimitSMSPrefix.Max = 1000, 1000, 1000, 1000, 1000
	})
	h.Clock.Freeze() // whose fractions of seconds could look like a code
	v := &vault{t: t, h: h, secrets: map[string]string{}, codes: map[string]string{}}
	owners := &vault{t: t, h: h, secrets: map[string]string{}, codes: map[string]string{}}

	v.keep("password", harness.Password)
	v.keep("password", newPassword)
	newBob(h)
	for _, own := range []string{emailOfBob, "Bob@example.com", phoneOfBob, "erin_canary@example.com", "+8613711137111"} {
		owners.keepAddress(own)
	}
	v.consumed()
	v.refusedCodes()
	h.Settle()
	v.undelivered(m, s)
	_, answer := h.Captcha(gen.CaptchaUseLogin)
	v.keepCode("image", answer)

	log, dump := h.Log.String(), h.Dump()
	for _, known := range []string{
		"operation=createCaptcha", "operation=registerWithCode", "operation=resetPassword", "operation=bindAccount", "refused=captcha.wrong",
		`msg="message settled"`, "state=delivered", "state=suppressed", "state=refused", "state=uncertain", `msg="message was not taken`, `msg="codes are no longer sent`,
	} {
		if !strings.Contains(log, known) {
			t.Errorf("the log does not tell of %s", known)
		}
	}
	for _, known := range []string{
		",delivered,", ",suppressed,", ",refused,", ",uncertain,", ",waiting,", "message.refused", "message.uncertain", "sends.stopped", "user.password_reset",
		"-- sent_codes\n(", "-- limits\n(", "-- quotas\n(", "-- captchas\n(", "-- sms_budgets\n(", "-- alerts\n(",
	} {
		if !strings.Contains(dump, known) {
			t.Errorf("the dump does not have %q", known)
		}
	}
	v.wantNone("log", log)
	v.wantNone("database", dump)
	v.wantNone("backup", h.PgDump())
	v.wantNone("metrics", h.Metrics())
	owners.wantNone("log", log)
	owners.wantNone("database", regexp.MustCompile(`(?s)-- users\n.*?(\n-- |$)`).ReplaceAllString(dump, "$1"))
}

// consumed: a code for every use, right; and one for every use that nobody is told.
func (v *vault) consumed() {
	t, h := v.t, v.h
	token := tokenOf(t, "login by e-mail", v.prove(byEmail, gen.CaptchaUseLogin, emailOfBob).login(t, h))
	wantSuccess(t, "login by SMS", v.prove(bySMS, gen.CaptchaUseLogin, phoneOfBob).login(t, h))
	wantSuccess(t, "register", v.prove(byEmail, gen.CaptchaUseRegister, "erin_canary@example.com").register(t, h, gen.CodeRegisterRequest{}))
	wantSuccess(t, "a number", v.prove(byPhone, gen.CaptchaUseBindAccount, v.keepAddress("+8613722237222")).bind(t, h, token))
	wantSuccess(t, "another number", v.prove(byPhone, gen.CaptchaUseBindAccount, "+8613711137111").bind(t, h, token))
	wantSuccess(t, "change-pwd", v.prove(byEmail, gen.CaptchaUseChangePwd, emailOfBob).change(t, h, token, newPassword))
	wantSuccess(t, "forget-pwd", v.prove(byEmail, gen.CaptchaUseForgetPwd, emailOfBob).reset(t, h, harness.Password))
	for _, use := range uses {
		v.prove(byEmail, use, v.keepAddress("Nobody_Canary@example.com"))
		v.prove(byPhone, use, v.keepAddress("+8613733337333"))
	}
}

// refusedCodes: wrong ones, too many, an address that is none, one abroad, an image captcha, and what breaks the contract.
func (v *vault) refusedCodes() {
	t, h := v.t, v.h
	p := v.prove(byEmail, gen.CaptchaUseForgetPwd, emailOfBob)
	for range 6 {
		wrong := p.wrong()
		v.keepCode("wrong code", wrong.code)
		wantCode(t, "wrong", wrong.reset(t, h, newPassword), 1000005)
	}
	ask := func(by gen.CaptchaRequestType, to string) *gen.CreateCaptchaResult {
		return must(h.TryAskForCode(by, gen.CaptchaUseForgetPwd, to))(t)
	}
	wantCode(t, "too many", ask(byEmail, emailOfBob), 1000028)
	wantCode(t, "no address", ask(byEmail, v.keep("no address", "canary at example.com")), 1000027)
	wantCode(t, "abroad", ask(byPhone, v.keep("number abroad", "+12015550123")), 100021)
	for range 12 {
		ask(byPhone, v.keepAddress("+8613744447444"))
	}
	wantCode(t, "beyond the budget", ask(byPhone, "+8613744447444"), 1000028)
	id, answer := h.Captcha(gen.CaptchaUseForgetPwd)
	wantSuccess(t, "with an image captcha", create(t, h, gen.CaptchaRequest{
		Type: byEmail, Use: gen.CaptchaUseForgetPwd, Account: ptr("Nobody_Canary@example.com"), CodeID: &id, Code: ptr(v.keepCode("image", answer)),
	}))
	v.keepCode("code", h.Digits.Last())
	json := http.Header{"Content-Type": {"application/json"}}
	address := v.keepAddress("Broken_Canary@example.com")
	for _, body := range []string{
		`{"type":"email","use":"login","account":["` + address + `"]}`, `{"type":"email","use":"` + address + `"}`, `{"type":"email","use":"login","account":"` + address,
		`{"type":"email","use":"login","account":"` + address + strings.Repeat("x", 250) + `"}`,
	} {
		r := h.Send("POST", "/api/v1/system/user/captcha?account="+address, json, body)
		v.wantNone("answer to "+body, string(r.Body))
	}
}

// undelivered: a mail and an SMS that nobody takes now, one that is refused for good, and a mail that was taken or not.
func (v *vault) undelivered(m *harness.MailServer, s *harness.SMSReceiver) {
	t, h := v.t, v.h
	h.Exec(`DELETE FROM sms_budgets`)
	state := func(want string, n int) {
		t.Helper()
		harness.Eventually(t, "messages that are "+want, func() bool {
			return h.Count(`SELECT count(*) FROM outbox WHERE state = $1 AND attempts > 0`, want) == n
		})
	}
	m.Fail(harness.AtRcpt, 550)
	v.prove(byEmail, gen.CaptchaUseRegister, v.keepAddress("Refused_Canary@example.com"))
	state("refused", 1)
	m.Recover()
	m.Fail(harness.AtEnd, harness.Drop)
	v.prove(byEmail, gen.CaptchaUseRegister, v.keepAddress("Uncertain_Canary@example.com"))
	state("uncertain", 1)
	m.Recover()
	m.Fail(harness.AtMail, 451)
	v.prove(byEmail, gen.CaptchaUseRegister, v.keepAddress("Waiting_Canary@example.com"))
	s.Fail(503)
	v.prove(byPhone, gen.CaptchaUseRegister, v.keepAddress("+8613755557555"))
	harness.Eventually(t, "two messages that wait for another try", func() bool {
		return h.Count(`SELECT count(*) FROM outbox WHERE state = 'waiting' AND due_at > created_at AND due_at < created_at + interval '2 s'`) == 2
	})
}

// TestMetricsKnowNobody: what operators read counts codes, messages and stops by kind, and holds neither an address nor a
// code nor who the userpool is. The program is the real one, on a database of one's own.
func TestMetricsKnowNobody(t *testing.T) {
	t.Parallel()
	m, s := harness.NewMailServer(t), harness.NewSMSReceiver(t)
	addr, metrics := port.Must(t), port.Must(t)
	config := must(app.LoadConfig(slices.Concat([]string{
		"MENSHEN_ADDR=" + addr, "MENSHEN_METRICS_ADDR=" + metrics, "MENSHEN_PUBLIC_URL=http://" + addr, "MENSHEN_DATA_DIR=" + t.TempDir(),
		"MENSHEN_MASTER_KEY=" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "MENSHEN_SMS_BUDGET=1", "MENSHEN_DRAIN_DELAY=0s",
	}, harness.DatabaseEnviron(t, dbtest.URL(t)), m.Environ(), s.Environ())))(t)
	served := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { served <- app.Serve(ctx, config, slog.New(slog.DiscardHandler), io.Discard) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	client := must(gen.NewClientWithResponses("http://" + addr))(t)
	harness.Eventually(t, "the program", func() bool {
		r, err := client.GetReadinessWithResponse(t.Context())
		return err == nil && r.JSON200 != nil
	})
	send := func(by gen.CaptchaRequestType, to string) *gen.CreateCaptchaResult {
		return must(client.CreateCaptchaWithResponse(t.Context(), nil, gen.CaptchaRequest{Type: by, Use: gen.CaptchaUseRegister, Account: &to}))(t)
	}
	wantSuccess(t, "an e-mail", send(byEmail, emailOfBob))
	wantSuccess(t, "an SMS", send(byPhone, phoneOfBob))
	wantCode(t, "another SMS", send(byPhone, "+8613900139000"), 1000028)
	codes := []string{m.WaitFor(t, emailOfBob).Code, s.WaitFor(t, phoneOfBob).Code}
	var text string
	harness.Eventually(t, "the metrics", func() bool {
		r := must(http.Get("http://" + metrics + "/metrics"))(t)
		defer r.Body.Close()
		text = string(must(io.ReadAll(r.Body))(t))
		return strings.Count(text, `outcome="delivered"} 1`) == 2
	})
	for _, line := range []string{
		`menshen_codes_total{channel="email",outcome="made"} 1`, `menshen_codes_total{channel="phone",outcome="made"} 1`,
		`menshen_codes_total{channel="phone",outcome="captcha.too_many"} 1`, `menshen_codes_stopped_total{budget="day"} 1`,
		`menshen_message_deliveries_total{channel="email",outcome="delivered"} 1`, `menshen_http_request_seconds_count{operation="createCaptcha",status="200"} 3`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	for _, secret := range append(codes, "bob@", "13800138000", "13900139000", "861390013", "userpool") {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the metrics", secret)
		}
	}
}
