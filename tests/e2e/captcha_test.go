package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// captchaLogin signs in in the code dialect, with a new captcha and its right answer.
func captchaLogin(t *testing.T, h *harness.Instance, account, password string) *gen.LoginWithCaptchaResult {
	t.Helper()
	id, answer := h.Captcha(gen.CaptchaUseLogin)
	return checkCaptcha(t, h, account, password, id, answer)
}

// checkCaptcha signs in in the code dialect.
func checkCaptcha(t *testing.T, h *harness.Instance, account, password, id, answer string) *gen.LoginWithCaptchaResult {
	t.Helper()
	return must(h.Client.LoginWithCaptchaWithResponse(t.Context(), nil, gen.CaptchaLoginRequest{
		Account: account, LoginType: gen.CaptchaLoginRequestLoginTypePwd, Password: &password, Code: &answer, CodeID: &id,
	}))(t)
}

// TestCaptchaPicture: what a login page gets is a picture of 240 x 80 and an id, good for 180 seconds, and nothing that
// gives the answer away (C8).
func TestCaptchaPicture(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	seen := map[string]bool{}
	for _, use := range []gen.CaptchaUse{gen.CaptchaUseLogin, gen.CaptchaUseRegister, gen.CaptchaUseChangePwd, gen.CaptchaUseForgetPwd, gen.CaptchaUseBindAccount} {
		r := create(t, h, gen.CaptchaRequest{Type: gen.CaptchaRequestTypeImage, Use: use})
		if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.URL == nil {
			t.Fatalf("%s: %s", use, r.Body)
		}
		data := r.JSON200.Data
		if size := h.DataURI(*data.URL).Bounds().Size(); size.X != 240 || size.Y != 80 {
			t.Errorf("the picture is %v", size)
		}
		if !regexp.MustCompile(`^[0-9A-Za-z]{20}$`).MatchString(data.CodeID) || seen[data.CodeID] || data.Expire != 180 {
			t.Errorf("codeID %q, expire %d", data.CodeID, data.Expire)
		}
		seen[data.CodeID] = true
		for name, values := range r.HTTPResponse.Header {
			if strings.Contains(strings.Join(values, " "), h.Digits.Last()) {
				t.Errorf("the header %s has the answer", name)
			}
		}
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(*data.URL, "data:image/png;base64,")); err != nil || bytes.Contains(raw, []byte(h.Digits.Last())) {
			t.Errorf("the picture has the answer as text: %v", err)
		}
	}
}

// TestSignInWithCaptcha is the story of document 004's service: picture, password, token.
func TestSignInWithCaptcha(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	h.CreateUser(everything())
	for _, account := range []string{"bob", "bob@example.com", "13800138000"} {
		r := captchaLogin(t, h, account, harness.Password)
		if r.JSON200 == nil || r.JSON200.Data == nil {
			t.Fatalf("%s: %s", account, r.Body)
		}
		info, token := r.JSON200.Data.Info, r.JSON200.Data.Token
		if info.UserName != "bob" || info.Email != "Bob@example.com" || info.Phone != "+8613800138000" || len(r.JSON200.Data.Roles) != 0 {
			t.Errorf("%s: %+v", account, *r.JSON200.Data)
		}
		now := h.Clock.Now().Unix()
		if token.AccessExpire != strconv.FormatInt(now+900, 10) || token.RefreshAfter != strconv.FormatInt(now+450, 10) {
			t.Errorf("token: expires %s, refresh after %s, now %d", token.AccessExpire, token.RefreshAfter, now)
		}
		if !h.Alive(token.AccessToken) {
			t.Error("the token is good for nothing")
		}
	}
	if n := h.Count(`SELECT count(*) FROM refresh_tokens`); n != 0 {
		t.Errorf("%d refresh tokens, which nobody was told", n)
	}
	id, answer := h.Captcha(gen.CaptchaUseLogin)
	wantCode(t, "a picture is no code that was sent", proof{"email", emailOfBob, id, answer}.login(t, h), 1000005)
}

// TestAnswersAreReadAsTheyAreTyped: white space around the digits, and the wide ones of a Chinese keyboard, are no mistakes,
// neither in the answer to a picture nor in a code that was sent.
func TestAnswersAreReadAsTheyAreTyped(t *testing.T) {
	t.Parallel()
	h := harness.New(t, harness.NoLimits)
	newBob(h)
	wide := func(answer string) string {
		return strings.Map(func(r rune) rune { return r - '0' + '０' }, answer)
	}
	for what, typed := range map[string]func(string) string{
		"spaced":          func(answer string) string { return " " + answer + "\t" },
		"wide":            wide,
		"wide and spaced": func(answer string) string { return "\u3000" + wide(answer) + " " },
		"half of it wide": func(answer string) string { return answer[:3] + wide(answer[3:]) },
	} {
		id, answer := h.Captcha(gen.CaptchaUseLogin)
		wantSuccess(t, what, checkCaptcha(t, h, "bob", harness.Password, id, typed(answer)))
		code := prove(h, byEmail, gen.CaptchaUseLogin, emailOfBob)
		code.code = typed(code.code)
		wantSuccess(t, what+", a code that was sent", code.login(t, h))
	}
}

// TestCaptchaIsGoodOnce (C3, C4, C8): the first check uses a captcha up, right or wrong, and whatever is wrong about a
// captcha is refused in the same bytes.
func TestCaptchaIsGoodOnce(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	h.SignUp("alice")
	check := func(id, answer string) *gen.LoginWithCaptchaResult {
		return checkCaptcha(t, h, "alice", harness.Password, id, answer)
	}
	id, answer := h.Captcha(gen.CaptchaUseLogin)
	wantSuccess(t, "the first check", check(id, answer))
	refusals := map[string]*gen.LoginWithCaptchaResult{"used": check(id, answer)}

	id, answer = h.Captcha(gen.CaptchaUseLogin)
	refusals["wrong"] = check(id, "000000")
	refusals["right, after a wrong one"] = check(id, answer)

	id, answer = h.Captcha(gen.CaptchaUseLogin)
	refusals["empty"] = check(id, "")
	refusals["right, after an empty one"] = check(id, answer)

	id, answer = h.Captcha(gen.CaptchaUseRegister)
	refusals["made for another use"] = check(id, answer)
	_, answer = h.Captcha(gen.CaptchaUseLogin)
	refusals["unknown id"] = check("aaaaaaaaaaaaaaaaaaaa", answer)
	refusals["no id"] = check("", answer)
	refusals["somebody else's picture"] = func() *gen.LoginWithCaptchaResult {
		other, _ := h.Captcha(gen.CaptchaUseLogin)
		return check(other, answer)
	}()

	id, answer = h.Captcha(gen.CaptchaUseLogin)
	h.Clock.Advance(180 * time.Second)
	refusals["expired"] = check(id, answer)

	wantCode(t, "unknown id", refusals["unknown id"], 1000005)
	for what, r := range refusals {
		wantSame(t, what+" and unknown id", r, refusals["unknown id"])
	}
	id, answer = h.Captcha(gen.CaptchaUseLogin)
	h.Clock.Advance(180*time.Second - time.Millisecond)
	wantCode(t, "a wrong password", checkCaptcha(t, h, "alice", "wrong password", id, answer), 1000004)
	wantCode(t, "the captcha of the wrong password", check(id, answer), 1000005)
}

// TestMessagesNeedChannel: codes by e-mail and SMS go to account, or to data, as an older form of the document calls it;
// without a channel that is refused clearly.
func TestMessagesNeedChannel(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Outbox = ""
	h = h.Replica() // with a database of one's own there is no outbox for development
	for _, kind := range []gen.CaptchaRequestType{byEmail, byPhone, bySMS} {
		send := func(account, data *string) *gen.CreateCaptchaResult {
			return create(t, h, gen.CaptchaRequest{Type: kind, Use: gen.CaptchaUseLogin, Account: account, Data: data})
		}
		to := ptr("13800138000")
		wantCode(t, string(kind)+" without account", send(nil, nil), 100006)
		wantCode(t, string(kind)+" to nobody", send(ptr(""), ptr("")), 100006)
		for what, r := range map[string]*gen.CreateCaptchaResult{"account": send(to, nil), "data": send(nil, to), "both": send(to, ptr(""))} {
			wantCode(t, string(kind)+" to "+what, r, 100021)
			if o := harness.OutcomeOf(r); !strings.Contains(o.Msg, "channel is not configured") {
				t.Errorf("%s to %s: %s", kind, what, o.Msg)
			}
		}
	}
	if r := create(t, h, gen.CaptchaRequest{Type: byEmail, Use: gen.CaptchaUseLogin, Account: ptr("no address")}, in("zh")); harness.OutcomeOf(r).Msg != "该发送渠道未配置。" {
		t.Errorf("in Chinese: %s", r.Body)
	}
	wantSuccess(t, "an image needs no channel", create(t, h, gen.CaptchaRequest{Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin}))
	wantGate(t, "by pigeon", create(t, h, gen.CaptchaRequest{Type: "pigeon", Use: gen.CaptchaUseLogin}), 400)
	wantGate(t, "for fun", create(t, h, gen.CaptchaRequest{Type: gen.CaptchaRequestTypeImage, Use: "fun"}), 400)
}

// create asks for a captcha.
func create(t *testing.T, h *harness.Instance, body gen.CaptchaRequest, editors ...gen.RequestEditorFn) *gen.CreateCaptchaResult {
	t.Helper()
	return must(h.Client.CreateCaptchaWithResponse(t.Context(), nil, body, editors...))(t)
}

// sample are the headers of the document's own curl line: each twice, once empty, with template text that nobody filled
// in and a token of long ago.
var sample = http.Header{
	"Ithings-Token":       {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJVaWQiOiIxNzQwMzU4MDU3MDM4MTg4NTQ0In0.c2lnbmF0dXJl", ""},
	"Ithings-Project-Id":  {"1764806234122309632{{iThings-token}}", ""},
	"Ithings-App-Code":    {"{{iThings-app-code}}", ""},
	"Ithings-User-Role":   {"1", ""},
	"Accept-Language":     {"en"},
	"Ithings-Tenant-Code": {""},
	"Content-Type":        {"application/json"},
}

// TestHeadersOfTheDocument: the document's curl line works as it is printed, and so does the login after it.
func TestHeadersOfTheDocument(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	email := h.Send("POST", "/api/v1/system/user/captcha", sample, `{"use": "login", "type": "email", "account":"603785348@qq.com"}`)
	wantSuccess(t, "the document's own request", email)
	image := h.Send("POST", "/api/v1/system/user/captcha", sample, `{"use": "login", "type": "image"}`)
	wantSuccess(t, "an image", image)
	var data gen.Captcha
	if err := json.Unmarshal(harness.OutcomeOf(image).Data, &data); err != nil {
		t.Fatal(err)
	}
	login := fmt.Sprintf(`{"account":"alice","loginType":"pwd","pwdType":1,"password":%q,"code":%q,"codeID":%q}`, harness.Password, h.Digits.Last(), data.CodeID)
	wantSuccess(t, "login", h.Send("POST", "/api/v1/system/user/login", sample, login))

	chinese := sample.Clone()
	chinese["Accept-Language"] = []string{"", "zh-CN,zh;q=0.9"}
	r := h.Send("POST", "/api/v1/system/user/captcha", chinese, `{"use":"login","type":"sms","account":"+12015550123"}`)
	if o := harness.OutcomeOf(r); o.Msg != "暂不支持向该国家或地区的手机号发送验证码。" {
		t.Errorf("in Chinese: %s", o.Body)
	}
}

// TestImagesAreLimited (C8): the 21st image within a minute is refused at the gate, in the envelope of the code dialect.
// Another address has its own minute, but an address that only a header claims is no other address.
func TestImagesAreLimited(t *testing.T) {
	t.Parallel()
	for trusted, name := range map[bool]string{false: "no proxy", true: "a trusted proxy"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := harness.New(t, func(c *app.Config) {
				if trusted {
					c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
				}
			})
			h.Clock.Freeze()
			from := func(ip string) *gen.CreateCaptchaResult {
				return must(h.Client.CreateCaptchaWithResponse(t.Context(), nil, gen.CaptchaRequest{Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin}, harness.Header("X-Forwarded-For", ip)))(t)
			}
			for range 20 {
				wantSuccess(t, "an image", from("203.0.113.1"))
			}
			o := wantGate(t, "the 21st image", from("203.0.113.1"), 429)
			if o.Code == nil || *o.Code != 100027 || o.Header.Get("Retry-After") != "60" {
				t.Errorf("the 21st image: %v %s", o.Header, o.Body)
			}
			if other := harness.OutcomeOf(from("203.0.113.2")); other.Success() != trusted {
				t.Errorf("another address: %s", other.Body)
			}
			h.Clock.Advance(time.Minute - time.Millisecond)
			wantGate(t, "almost a minute later", from("203.0.113.1"), 429)
			h.Clock.Advance(time.Millisecond)
			wantSuccess(t, "a minute later", from("203.0.113.1"))
		})
	}
}

// TestCaptchaBelongsToTenant: the tenant header chooses the userpool, whose captchas and users are its own.
func TestCaptchaBelongsToTenant(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	pool, _ := secondPool(t, h)
	id, answer := h.Captcha(gen.CaptchaUseLogin)
	login := func(tenant *string) *gen.LoginWithCaptchaResult {
		return must(h.Client.LoginWithCaptchaWithResponse(t.Context(), &gen.LoginWithCaptchaParams{IThingsTenantCode: tenant}, gen.CaptchaLoginRequest{
			Account: "alice", LoginType: gen.CaptchaLoginRequestLoginTypePwd, Password: ptr(harness.Password), Code: &answer, CodeID: &id,
		}))(t)
	}
	wantCode(t, "a captcha of another tenant", login(&pool), 1000005)
	wantSuccess(t, "the captcha at home, not used up by others", login(nil))

	r := must(h.Client.CreateCaptchaWithResponse(t.Context(), &gen.CreateCaptchaParams{IThingsTenantCode: &pool}, gen.CaptchaRequest{Type: gen.CaptchaRequestTypeImage, Use: gen.CaptchaUseLogin}))(t)
	id, answer = r.JSON200.Data.CodeID, h.Digits.Last()
	wantCode(t, "a user of another tenant", login(&pool), 1000004)
}
