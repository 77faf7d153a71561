package contract

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/tests/harness"
)

// TestRefusalsByTheOperation: what an operation refuses is HTTP 200 in its dialect, since clients in the field throw on
// anything else; a client that asks for problem details gets the real status and a stable code.
func TestRefusalsByTheOperation(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.SignUp("alice")
	basic := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	}
	qrStatus := post("/api/v3/set-qrcode-status", `{"qrcodeId":"a","action":"SCAN"}`)
	getUser := get("/api/v3/get-user?userId=a")
	exchange := post("/api/v3/exchange-tokenset-with-qrcode-ticket", `{"ticket":"a"}`)
	signIn := post("/api/v3/signin", `{"connection":"PASSWORD","passwordPayload":{"account":"alice","password":"`+harness.Password+`"}}`)
	// forged says of itself that it is a management token.
	forged := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"scoped_userpool_id":"`+h.Credentials.UserpoolID+`"}`)) + ".c2ln"
	for _, c := range []struct {
		name, operation string
		r               request
		number, apiCode int
		code            string
		status          int // of problem details
	}{
		{"no token", "getMFAQRCode", get("/auth/mfa/qrcode"), -1, 0, "auth.required", 401},
		{"bad token", "getMFAQRCode", get("/auth/mfa/qrcode").with("Access-Token", "x.y.z"), -1, 0, "auth.token_invalid", 401},
		{"bad refresh token", "getMFAQRCode", get("/auth/mfa/qrcode").with("Refresh-Token", "x"), -1, 0, "auth.token_invalid", 401},
		{"two bad tokens", "getUserInfo", get("/user/info").with("Access-Token", "x").with("Refresh-Token", "y"), -1, 0, "auth.token_invalid", 401},
		{"no token", "getMFAStatus", get("/auth/mfa/status"), -1, 0, "auth.required", 401},
		{"no token", "makeRecoveryCodes", post("/auth/mfa/recovery-codes", `{"code":"123456"}`), -1, 0, "auth.required", 401},
		{"wrong password", "loginUser", post("/user/login", `{"username":"alice","password":"wrong"}`), -1, 0, "account.credentials", 403},
		{"name taken", "registerUser", post("/user/register", `{"username":"Alice","password":"correct horse battery"}`), -1, 0, "account.username_taken", 409},

		{"no token", "setQRCodeStatus", qrStatus, 401, 2020, "auth.required", 401},
		{"bad token", "setQRCodeStatus", qrStatus.with("Authorization", "x.y.z"), 401, 2020, "auth.token_invalid", 401},
		{"bad bearer token", "setQRCodeStatus", qrStatus.with("Authorization", "Bearer x.y.z"), 401, 2020, "auth.token_invalid", 401},
		{"no credentials", "getUser", getUser, 401, 2020, "auth.required", 401},
		{"bad management token", "getUser", getUser.with("Authorization", "Bearer "+forged), 401, 2020, "auth.token_invalid", 401},
		{"bad management token where none is needed", "createQRCode", post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP"}`).with("Authorization", "Bearer "+forged), 401, 2020, "auth.token_invalid", 401},
		{"token of nobody", "getUser", getUser.with("Authorization", "Bearer x"), 401, 2020, "auth.required", 401},
		{"scheme of somebody else", "getUser", getUser.with("Authorization", "Digest x"), 401, 2020, "auth.required", 401},
		{"signature without its headers", "getUser", getUser.with("Authorization", "authing a:b"), 401, 1301, "auth.signature_method", 401},
		{"wrong access key", "getManagementToken", post("/api/v3/get-management-token", `{"accessKeyId":"a","accessKeySecret":"b"}`), 401, 1300, "auth.access_key", 401},
		{"wrong application secret", "exchangeQRCodeTicket", exchange.with("Authorization", basic(h.Credentials.AppID, "wrong")), 401, 0, "auth.application", 401},
		{"no application secret", "exchangeQRCodeTicket", exchange, 401, 0, "auth.application", 401},
		{"wrong secret where none is needed", "signIn", signIn.with("Authorization", basic("nobody", "wrong")), 401, 0, "auth.application", 401},
		{"unknown QR code", "getQRCodeStatus", get("/api/v3/get-qrcode-status?qrcodeId=a"), 404, 2241, "qrlogin.unknown", 404},
		{"no token", "listEnrolledFactors", get("/api/v3/list-enrolled-factors"), 401, 2020, "auth.required", 401},
		{"no token", "resetFactor", post("/api/v3/reset-factor", `{"factorId":"a"}`), 401, 2020, "auth.required", 401},
		{"no credentials", "importOtp", post("/api/v3/import-otp", `{"list":[{"userId":"a","otp":{"secret":"GEZDGNBVGY3TQOJQ"}}]}`), 401, 2020, "auth.required", 401},
		{"no code", "signInWithMFA", post("/api/v3/signin-with-mfa", `{"mfaToken":"a"}`), 400, 6003, "auth.no_code", 400},
		{"no recovery code", "signInWithMFA", post("/api/v3/signin-with-mfa", `{"mfaToken":"a","recoveryCode":""}`), 400, 6004, "account.no_recovery_code", 400},
		{"unknown mfaToken", "signInWithMFA", post("/api/v3/signin-with-mfa", `{"mfaToken":"a","totp":"123456"}`), 401, 2206, "account.mfa_token", 401},

		{"address is missing", "createCaptcha", post("/api/v1/system/user/captcha", `{"type":"email","use":"login"}`), 100006, 0, "captcha.account_needed", 400},
		{"no address", "createCaptcha", post("/api/v1/system/user/captcha", `{"type":"phone","use":"login","data":"12"}`), 1000027, 0, "captcha.address", 400},
		{"foreign number", "createCaptcha", post("/api/v1/system/user/captcha", `{"type":"sms","use":"login","account":"+12015550123"}`), 100021, 0, "captcha.country", 422},
		{"wrong captcha", "createCaptcha", post("/api/v1/system/user/captcha", `{"type":"email","use":"login","account":"a@example.com","codeID":"a","code":"1"}`), 1000005, 0, "captcha.wrong", 403},
		{"wrong captcha", "loginWithCaptcha", good[code], 1000005, 0, "captcha.wrong", 403},
		{"wrong code", "loginWithCaptcha", post("/api/v1/system/user/login", `{"account":"a@example.com","loginType":"email","codeID":"a","code":"1"}`), 1000005, 0, "captcha.wrong", 403},
		{"wrong code", "registerWithCode", post("/api/v1/system/user/register", `{"account":"a@example.com","regType":"email","codeID":"a","code":"1"}`), 1000005, 0, "captcha.wrong", 403},
		{"wrong code", "resetPassword", post("/api/v1/system/user/forget-pwd", `{"account":"a@example.com","type":"email","codeID":"a","code":"1","password":"correct horse"}`), 1000005, 0, "captcha.wrong", 403},
	} {
		t.Run(c.operation+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			op := find(t, c.operation)
			a := send(t, h, c.r)
			checkAnswer(t, op, a)
			if a.status != http.StatusOK || a.media() != mediaJSON {
				t.Fatalf("HTTP %d %s: %.300s", a.status, a.media(), a.body)
			}
			o := op.dialect.read(t, a.body)
			if o.number != c.number || o.apiCode != c.apiCode || o.message == "" || o.data != nil {
				t.Errorf("want %d, apiCode %d, no data: %.300s", c.number, c.apiCode, a.body)
			}
			if op.dialect == status && o.requestID != a.header.Get("X-Request-Id") {
				t.Errorf("requestId %q, X-Request-Id %q", o.requestID, a.header.Get("X-Request-Id"))
			}
			a = send(t, h, c.r.with("Accept", mediaProblem))
			checkAnswer(t, op, a)
			checkProblem(t, a, refusal{status: c.status, code: c.code})
		})
	}
	t.Run("without an envelope", func(t *testing.T) {
		t.Parallel()
		op, r := find(t, "getQRCodePicture"), get("/api/v3/qrcode.png?id=a")
		a := send(t, h, r)
		checkAnswer(t, op, a)
		if o := status.read(t, a.body); a.status != http.StatusNotFound || o.number != http.StatusNotFound || o.apiCode != 2241 {
			t.Errorf("HTTP %d %.300s", a.status, a.body)
		}
		if a := send(t, h, r.with("Accept", mediaProblem)); a.status != http.StatusNotFound || a.problem(t).Code != "qrlogin.gone" {
			t.Errorf("HTTP %d %.300s", a.status, a.body)
		}
	})
}

// TestProblemDetailsAreAskedForByName: who does not ask gets the dialect, and a success is never a problem.
func TestProblemDetailsAreAskedForByName(t *testing.T) {
	t.Parallel()
	h := start(t)
	bad := get("/api/v3/get-user?userId=a")
	for accept, want := range map[string]string{
		"":                                    mediaJSON,
		"*/*":                                 mediaJSON,
		"application/*":                       mediaJSON,
		"application/json":                    mediaJSON,
		"application/problem+json;q=0":        mediaJSON,
		"application/problem+json;q=0.0":      mediaJSON,
		"application/problem+xml":             mediaJSON,
		"not a media type":                    mediaJSON,
		mediaProblem:                          mediaProblem,
		"Application/Problem+JSON":            mediaProblem,
		"application/problem+json;q=0.1":      mediaProblem,
		"text/html, " + mediaProblem + ";q=1": mediaProblem,
		"application/json," + mediaProblem:    mediaProblem,
	} {
		if a := send(t, h, bad.with("Accept", accept)); a.media() != want {
			t.Errorf("Accept: %s: %s", accept, a.media())
		}
	}
	two := send(t, h, bad.with("Accept", "text/html").with("Accept", mediaProblem))
	if two.media() != mediaProblem {
		t.Errorf("two Accept headers: %s", two.media())
	}
	if a := send(t, h, get("/healthz").with("Accept", mediaProblem)); a.status != http.StatusOK || a.media() != mediaJSON {
		t.Errorf("a success: HTTP %d %s", a.status, a.media())
	}
}

// TestMessagesSpeakTheLanguageOfTheCaller, and nothing else of the answer depends on it.
func TestMessagesSpeakTheLanguageOfTheCaller(t *testing.T) {
	t.Parallel()
	h := start(t)
	requests := map[dialect][]request{
		base:   {get("/auth/mfa/qrcode"), post("/user/login", "{"), post("/user/login", `{"username":"a","password":"b"}`)},
		status: {get("/api/v3/get-user?userId=a"), get("/api/v3/no-such"), post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP"}`)},
		code:   {post("/api/v1/system/user/captcha", `{"type":"image","use":"login"}`), get("/api/v1/system/user/captcha"), good[code]},
	}
	for _, c := range []struct {
		name, value string
		chinese     bool
	}{
		{"Accept-Language", "zh", true},
		{"Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8", true},
		{"Accept-Language", "zh-Hant-TW", true},
		{"Accept-Language", "fr;q=0.9, zh;q=0.5", true},
		{"Accept-Language", "en-GB, zh;q=0.9", false},
		{"Accept-Language", "fr", false},
		{"Accept-Language", "][", false},
		{"Accept-Language", "", false},
		{"x-authing-lang", "zh-CN", true},
		{"x-authing-lang", "en-US", false},
	} {
		for d, list := range requests {
			for _, r := range list {
				plain, translated := send(t, h, r), send(t, h, r.with(c.name, c.value))
				english, got := d.read(t, plain.body), d.read(t, translated.body)
				if hasHan(english.message) || hasHan(got.message) != c.chinese {
					t.Errorf("%s: %s, %s %s: %q", c.name, c.value, r.method, r.path, got.message)
				}
				if got.number != english.number || got.apiCode != english.apiCode || plain.status != translated.status {
					t.Errorf("%s: the codes depend on the language: %+v, %+v", r.path, english, got)
				}
			}
		}
	}
	both := get("/auth/mfa/qrcode").with("Accept-Language", "en").with("x-authing-lang", "zh-CN")
	if o := base.read(t, send(t, h, both).body); hasHan(o.message) {
		t.Errorf("the standard header should win: %q", o.message)
	}
	a := send(t, h, get("/auth/mfa/qrcode").with("Accept-Language", "zh").with("Accept", mediaProblem))
	if p := a.problem(t); !hasHan(p.Title) || p.Code != "auth.required" || a.header.Get("Content-Language") != "zh" {
		t.Errorf("problem details: %s, Content-Language %q", a.body, a.header.Get("Content-Language"))
	}
}

// TestRequestIDs: a caller can find its request in the logs under its own name, and cannot write into the log with it.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	h := start(t)
	own := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for id, echoed := range map[string]bool{
		"934108e5-9fbf-4d24-8da1-c330328abd6c": true,
		"Job_7.retry-1":                        true,
		"12345678":                             true,
		strings.Repeat("a", 64):                true,
		"":                                     false,
		"1234567":                              false,
		strings.Repeat("a", 65):                false,
		"with space":                           false,
		"a=b level=ERROR":                      false,
		"请求一二三四五六":                             false,
		"<script>alert</script>":               false,
	} {
		for _, r := range []request{get("/healthz"), get("/no-such"), get("/api/v3/get-user?userId=a"), post("/user/login", "{")} {
			a := send(t, h, r.with("X-Request-Id", id))
			got := a.header.Values("X-Request-Id")
			if len(got) != 1 || (got[0] == id) != echoed || !echoed && !own.MatchString(got[0]) {
				t.Errorf("X-Request-Id %q came back as %q", id, got)
			}
			if echoed && !strings.Contains(h.Log.String(), "request_id="+id) {
				t.Errorf("%q is not in the log", id)
			}
		}
	}
}
