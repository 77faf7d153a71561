package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestCodeByEmail: what a person finds in the mailbox is one mail in the language of the request, from the configured
// sender, with a code of six digits in subject and text (C1); what the client gets is an id and how long the code is good
// (C2), and no picture. In the database the mail is a row without a text (C5).
func TestCodeByEmail(t *testing.T) {
	t.Parallel()
	m := harness.NewMailServer(t)
	h := harness.New(t, harness.NoLimits, m.Configure)
	seen := map[string]bool{}
	for _, c := range []struct{ language, subject, text, life string }{
		{"", "Menshen: your code is ", "Your verification code for Menshen is", "good for 5 minutes and for one use"},
		{"en-GB, zh;q=0.9", "Menshen: your code is ", "Your verification code for Menshen is", "good for 5 minutes and for one use"},
		{"zh-CN,zh;q=0.9,en;q=0.8", "Menshen：您的验证码是 ", "您在 Menshen 的验证码为", "5 分钟内有效，仅可使用一次"},
	} {
		r := create(t, h, gen.CaptchaRequest{Type: byEmail, Use: gen.CaptchaUseRegister, Account: ptr("Carol@Example.COM")}, in(c.language))
		if r.JSON200 == nil || r.JSON200.Data == nil {
			t.Fatalf("%s: %s", c.language, r.Body)
		}
		data := *r.JSON200.Data
		if !regexp.MustCompile(`^[0-9A-Za-z]{20}$`).MatchString(data.CodeID) || data.Expire != 300 || data.URL != nil {
			t.Errorf("%s: %s", c.language, r.Body)
		}
		mail, code := m.WaitFor(t, "carol@example.com"), h.Digits.Last()
		if mail.Code != code || !regexp.MustCompile(`^[0-9]{6}$`).MatchString(code) || strings.Contains(string(r.Body), code) {
			t.Errorf("%s: the mail has the code %q, the service made %s and answered %s", c.language, mail.Code, code, r.Body)
		}
		if mail.From != `"Menshen" <no-reply@example.com>` || mail.Subject != c.subject+code {
			t.Errorf("%s: from %s, subject %s", c.language, mail.From, mail.Subject)
		}
		if !strings.Contains(mail.Text, c.text) || !strings.Contains(mail.Text, c.life) {
			t.Errorf("%s: the text is\n%s", c.language, mail.Text)
		}
		if !strings.HasSuffix(mail.MessageID, "@example.com") || seen[mail.MessageID] {
			t.Errorf("%s: Message-ID %s", c.language, mail.MessageID)
		}
		seen[mail.MessageID] = true
	}
	h.Settle()
	if n := h.Count(`SELECT count(*) FROM outbox WHERE state = 'delivered' AND message_sealed IS NULL AND attempts = 1`); n != 3 || len(m.Messages()) != 3 {
		t.Errorf("%d rows of 3 mails; the server has %d", n, len(m.Messages()))
	}
}

// TestCodeByProtectedMail: a server for submission, which wants STARTTLS and a password, and has a certificate of an
// operator's own CA.
func TestCodeByProtectedMail(t *testing.T) {
	t.Parallel()
	m := harness.NewTLSMailServer(t)
	h := harness.New(t, m.Configure)
	newBob(h)
	id := h.AskForCode(byEmail, gen.CaptchaUseLogin, emailOfBob)
	wantSuccess(t, "login", proof{"email", emailOfBob, id, m.WaitFor(t, emailOfBob).Code}.login(t, h))
}

// TestCodeBySMS: the operator's webhook gets one request for each SMS, signed, with number, text and what vendors with
// templates of their own want to know. The receiver of the harness checks the signature with code of its own. However a
// number is written, it is one number (C10).
func TestCodeBySMS(t *testing.T) {
	t.Parallel()
	s := harness.NewSMSReceiver(t)
	h := harness.New(t, harness.NoLimits, s.Configure)
	for _, c := range []struct {
		by               gen.CaptchaRequestType
		number, language string
		before, after    string
	}{
		{byPhone, "13800138000", "en", "[Menshen] ", " is your verification code, good for 5 minutes. Do not pass it on."},
		{bySMS, "138 0013 8000", "en", "[Menshen] ", " is your verification code, good for 5 minutes. Do not pass it on."},
		{byPhone, "+86 (138) 0013-8000", "zh", "【Menshen】您的验证码为 ", "，5 分钟内有效，请勿告诉他人。"},
		{bySMS, "１３８００１３８０００", "zh", "【Menshen】您的验证码为 ", "，5 分钟内有效，请勿告诉他人。"},
	} {
		h.AskForCode(c.by, gen.CaptchaUseRegister, c.number, in(c.language))
		code := h.Digits.Last()
		sms := s.WaitFor(t, phoneOfBob)
		want := harness.SMS{ID: sms.ID, To: phoneOfBob, Text: c.before + code + c.after + "\n", Template: "code", Lang: c.language, Code: code, Minutes: 5}
		if sms != want {
			t.Errorf("%s by %s: %+v, want %+v", c.number, c.by, sms, want)
		}
	}
	if n := len(s.Requests()); n != 4 {
		t.Errorf("%d requests for 4 SMS", n)
	}
}

// TestAccountHasAnOlderName: a client that sends the address in data, as an older form of the document has it, is served
// like one that sends it in account, and account wins over data.
func TestAccountHasAnOlderName(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	for what, c := range map[string]struct {
		account, data *string
		want          string
	}{
		"account":            {ptr("a1@example.com"), nil, "a1@example.com"},
		"data":               {nil, ptr("a2@example.com"), "a2@example.com"},
		"data and no text":   {ptr(""), ptr("a3@example.com"), "a3@example.com"},
		"account, empty too": {ptr("a4@example.com"), ptr(""), "a4@example.com"},
		"both":               {ptr("a5@example.com"), ptr("eve@example.com"), "a5@example.com"},
	} {
		r := create(t, h, gen.CaptchaRequest{Type: byEmail, Use: gen.CaptchaUseRegister, Account: c.account, Data: c.data})
		wantSuccess(t, what, r)
		if list := h.Letters(c.want); len(list) != 1 || list[0].Code != h.Digits.Last() {
			t.Errorf("%s: %s got %+v", what, c.want, list)
		}
	}
	if eve := h.Letters("eve@example.com"); len(eve) != 0 {
		t.Errorf("the address in data got %+v", eve)
	}
}

// TestWhatIsNoAddress (C10): what is no address, or more than one, or holds a line of its own, is refused before anything is
// written.
func TestWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	for by, list := range map[gen.CaptchaRequestType][]string{
		byEmail: {
			"bob", "bob@", "@example.com", "bob@example.com@example.com", "bob@example.com,eve@example.com", "<bob@example.com>",
			"Bob <bob@example.com>", "bob@example.com\r\nBcc: eve@example.com", "bob@example.com\nBcc: eve@example.com", " bob@example.com",
			"bob@exa mple.com", "bob@example.com\u2028eve@example.com", "bob@localhost", "bob\u200b@example.com", "ｂｏｂ@example.com", "13800138000", strings.Repeat("门", 84) + "@a.cn",
		},
		byPhone: {"bob", "1380013800", "138001380000", "1380013800a", "13800138000;ext=1", "13800138000,13900139000", "+", "bob@example.com", "110", "01062345678", "+882161234567"},
	} {
		for _, account := range list {
			wantCode(t, string(by)+" to "+account, create(t, h, gen.CaptchaRequest{Type: by, Use: gen.CaptchaUseRegister, Account: &account}), 1000027)
		}
	}
	wantGate(t, "a longer one than there can be", create(t, h, gen.CaptchaRequest{Type: byEmail, Use: gen.CaptchaUseLogin, Account: ptr(strings.Repeat("b", 255))}), 400)
	if n := h.Count(`SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM sent_codes)`); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

// TestImageCaptchaBeforeCode (C3, C4, C9): whoever sends the answer to an image captcha along has it checked and used up,
// also where none was needed; if it is wrong, nothing is sent.
func TestImageCaptchaBeforeCode(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	send := func(by gen.CaptchaRequestType, account, id, answer string) *gen.CreateCaptchaResult {
		return create(t, h, gen.CaptchaRequest{Type: by, Use: gen.CaptchaUseRegister, Account: &account, CodeID: &id, Code: &answer})
	}
	accounts := map[gen.CaptchaRequestType]string{byEmail: "carol@example.com", byPhone: "13900139000", bySMS: "13900139001"}
	for by, account := range accounts {
		id, answer := h.Captcha(gen.CaptchaUseRegister)
		wantSuccess(t, string(by), send(by, account, id, answer))
		refusals := map[string]*gen.CreateCaptchaResult{"used": send(by, account, id, answer)}
		id, answer = h.Captcha(gen.CaptchaUseRegister)
		refusals["wrong"] = send(by, account, id, "000000")
		refusals["right, after a wrong one"] = send(by, account, id, answer)
		id, answer = h.Captcha(gen.CaptchaUseLogin)
		refusals["of another use"] = send(by, account, id, answer)
		refusals["no id"] = send(by, account, "", answer)
		refusals["no answer"] = send(by, account, id, "")
		sent := prove(h, by, gen.CaptchaUseRegister, account)
		refusals["a code that was sent"] = send(by, account, sent.id, sent.code)
		for what, r := range refusals {
			wantCode(t, string(by)+", "+what, r, 1000005)
			wantSame(t, string(by)+", "+what+" and used", r, refusals["used"])
		}
	}
	h.Settle()
	if n := h.Count(`SELECT count(*) FROM outbox`); n != 2*len(accounts) {
		t.Errorf("%d messages, want %d", n, 2*len(accounts))
	}
}

// TestCodesWithHeadersOfTheDocument: the document's own headers, each twice, once empty or with template text that nobody
// filled in, do at every operation that takes a code.
func TestCodesWithHeadersOfTheDocument(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	post := func(path, body string, replace ...string) *harness.Raw {
		return h.Send("POST", "/api/v1/system/user/"+path, sample, strings.NewReplacer(replace...).Replace(body))
	}
	send := func(use string) []string {
		r := post("captcha", `{"use":"<use>","type":"sms","data":"13800138000"}`, "<use>", use)
		wantSuccess(t, use, r)
		id, _ := harness.Members(harness.OutcomeOf(r).Data)["codeID"].(string)
		return []string{"<id>", id, "<code>", h.SentCode(phoneOfBob)}
	}
	register := `{"regType":"sms","account":"13800138000","codeID":"<id>","code":"<code>","password":"` + harness.Password + `"}`
	wantSuccess(t, "register", post("register", register, send("register")...))
	reset := `{"type":"sms","account":"13800138000","codeID":"<id>","code":"<code>","password":"purple guards at every door"}`
	wantSuccess(t, "forget-pwd", post("forget-pwd", reset, send("forgetPwd")...))
	login := post("login", `{"loginType":"sms","account":"13800138000","codeID":"<id>","code":"<code>"}`, send("login")...)
	wantSuccess(t, "login", login)

	token, _ := harness.Members(harness.OutcomeOf(login).Data)["token"].(map[string]any)["accessToken"].(string)
	own := sample.Clone()
	own["Ithings-Token"] = []string{"", token}
	signedIn := func(path, body string, replace ...string) *harness.Raw {
		return h.Send("POST", "/api/v1/system/user/"+path, own, strings.NewReplacer(replace...).Replace(body))
	}
	wantSuccess(t, "bind-account", signedIn("bind-account", `{"type":"sms","account":"13800138000","codeID":"<id>","code":"<code>"}`, send("bindAccount")...))
	wantSuccess(t, "change-pwd", signedIn("change-pwd", `{"type":"sms","account":"13800138000","codeID":"<id>","code":"<code>","password":"yellow guards at every door"}`, send("changePwd")...))
	for path, body := range map[string]string{
		"bind-account": `{"type":"sms","account":"13800138000","codeID":"a","code":"1"}`, "change-pwd": `{"type":"sms","password":"yellow guards at every door"}`,
	} {
		wantGate(t, path+" with the token of long ago", post(path, body), http.StatusUnauthorized)
	}
}

// TestMessageGoesToTheAddressOnFile (C10): however somebody spells an address, a message about an account goes to the address
// that its owner gave, since another spelling may be another person at some mail hosts.
func TestMessageGoesToTheAddressOnFile(t *testing.T) {
	t.Parallel()
	m := harness.NewMailServer(t)
	h := harness.New(t, harness.NoLimits, m.Configure)
	newBob(h)
	for _, use := range []gen.CaptchaUse{gen.CaptchaUseLogin, gen.CaptchaUseForgetPwd, gen.CaptchaUseChangePwd, gen.CaptchaUseRegister} {
		h.AskForCode(byEmail, use, "BOB@EXAMPLE.COM")
		if mail := m.WaitFor(t, emailOfBob); mail.To != "Bob@example.com" {
			t.Errorf("%s: the mail went to %s", use, mail.To)
		}
	}
}

// TestMailServerOfOthersIsNoReasonToFail: the answer comes before the message is delivered, and a message that was not taken
// is brought later.
func TestMailServerOfOthersIsNoReasonToFail(t *testing.T) {
	t.Parallel()
	m := harness.NewMailServer(t)
	h := harness.New(t, m.Configure, func(c *app.Config) { c.LimitSend.Max = 0 })
	newBob(h)
	m.Fail(harness.AtConnect, harness.Drop)
	code := prove(h, byEmail, gen.CaptchaUseLogin, emailOfBob)
	m.Recover()
	if mail := m.WaitFor(t, emailOfBob); mail.Code != code.code {
		t.Errorf("the mail has %s, not %s", mail.Code, code.code)
	}
	wantSuccess(t, "login", code.login(t, h))
}
