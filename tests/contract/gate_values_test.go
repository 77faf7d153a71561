package contract

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// bearer returns the header value of a management token of the default userpool.
func bearer(t testing.TB, h *harness.Instance) string {
	t.Helper()
	r, err := h.Client.GetManagementTokenWithResponse(context.Background(), gen.GetManagementTokenJSONRequestBody{
		AccessKeyID: h.Credentials.AccessKeyID, AccessKeySecret: h.Credentials.AccessKeySecret,
	})
	if err != nil || r.JSON200 == nil || r.JSON200.Data == nil {
		t.Fatalf("management token: %v %s", err, r.Body)
	}
	return "Bearer " + r.JSON200.Data.AccessToken
}

// TestGateChecksValues: enums, formats, patterns, bounds and required parameters hold, and a refusal names the place.
func TestGateChecksValues(t *testing.T) {
	t.Parallel()
	h := start(t)
	token := bearer(t, h)
	alice := h.SignUp("alice")
	managed := func(r request) request { return r.with("Authorization", token) }
	signedIn := func(r request) request {
		return r.with("Access-Token", alice.AccessToken).with("Authorization", alice.AccessToken)
	}
	for _, c := range []struct {
		operation string
		name      string
		r         request
		says      string
	}{
		{"createCaptcha", "enum", post("/api/v1/system/user/captcha", `{"type":"image","use":"Login"}`), "body.use: value is not one of the allowed values"},
		{"createCaptcha", "two enums at once", post("/api/v1/system/user/captcha", `{"type":"fax","use":"pay"}`), "body.use: value is not one of"},
		{"createCaptcha", "default header too long", post("/api/v1/system/user/captcha", `{"type":"image","use":"login"}`).with("Accept-Language", strings.Repeat("a", 257)), "header.Accept-Language: maximum string length is 256"},
		{"createQRCode", "enum", post("/api/v3/gene-qrcode", `{"type":"mobile_app"}`), "body.type: value is not one of the allowed values"},
		{"createCaptcha", "null for what has a default", post("/api/v1/system/user/captcha", `{"type":"image","use":"login","audio":null}`), "body.audio: "},
		{"createQRCode", "array for an object", post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP","customData":[]}`), "body.customData: value must be an object"},
		{"createQRCode", "string for a boolean", post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP","autoMergeQrCode":"true"}`), "body.autoMergeQrCode: value must be a boolean"},
		{"createQRCode", "header too long", post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP"}`).with("x-authing-app-id", strings.Repeat("a", 65)), "header.x-authing-app-id: maximum string length is 64"},
		{"createQRCode", "header twice", post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP"}`).with("x-authing-app-id", "a").with("x-authing-app-id", "b"), ""},
		{"createUser", "e-mail too long", managed(post("/api/v3/create-user", `{"email":"`+strings.Repeat("a", 243)+`@example.com"}`)), "body.email: maximum string length is 254"},
		{"createUser", "pattern", managed(post("/api/v3/create-user", `{"phone":"1","phoneCountryCode":"+０８６"}`)), "body.phoneCountryCode: does not match"},
		{"createUser", "unknown member", managed(post("/api/v3/create-user", `{"username":"bob","department":"x"}`)), "is not a member of the contract"},
		{"createUser", "password beyond all bounds", managed(post("/api/v3/create-user", `{"username":"bob","password":"`+strings.Repeat("a", 1025)+`"}`)), "body.password: maximum string length is 1024"},
		{"createUser", "too many identities", managed(post("/api/v3/create-user", `{"identities":[`+strings.TrimSuffix(strings.Repeat(`{"extIdpId":"a","provider":"b","userIdInIdp":"c"},`, 17), ",")+`]}`)), "body.identities: maximum number of items is 16"},
		{"createUser", "in a list", managed(post("/api/v3/create-user", `{"identities":[{"extIdpId":"a:b","provider":"b","userIdInIdp":"c"}]}`)), "body.identities.0.extIdpId: does not match"},
		{"getUser", "no required parameter", managed(get("/api/v3/get-user")), "query.userId: is required"},
		{"getUser", "empty required parameter", managed(get("/api/v3/get-user?userId=")), "query.userId: "},
		{"getUser", "boolean", managed(get("/api/v3/get-user?userId=a&withCustomData=maybe")), "query.withCustomData: "},
		{"getUser", "empty boolean", managed(get("/api/v3/get-user?userId=a&withCustomData=")), "query.withCustomData: is empty"},
		{"getUser", "enum", managed(get("/api/v3/get-user?userId=a&userIdType=custom_field")), "query.userIdType: value is not one of"},
		{"getUser", "empty enum", managed(get("/api/v3/get-user?userId=a&userIdType=")), "query.userIdType: "},
		{"getUser", "parameter twice", managed(get("/api/v3/get-user?userId=a&userId=b")), ""},
		{"getUser", "parameter too long", managed(get("/api/v3/get-user?userId=" + strings.Repeat("a", 513))), "query.userId: maximum string length is 512"},
		{"getUser", "body of a GET", managed(request{method: http.MethodGet, path: "/api/v3/get-user?userId=a", media: mediaJSON, body: "{}"}), ""},
		{"getOTPSecretByUser", "no required parameter", managed(get("/api/v3/get-otp-secret-by-user")), "query.userId: is required"},
		{"getQRCodeStatus", "no required parameter", get("/api/v3/get-qrcode-status"), "query.qrcodeId: is required"},
		{"getQRCodeStatus", "parameter in other case", get("/api/v3/get-qrcode-status?qrcodeid=a"), "query.qrcodeId: is required"},
		{"getQRCodePicture", "no required parameter", get("/api/v3/qrcode.png"), "query.id: is required"},
		{"createFastpass", "scope without openid", signedIn(post("/api/v3/gene-fastpass-qrcode-info", `{"options":{"scope":"profile openidx"}}`)), "body.options.scope: does not match"},
		{"verifyTOTP", "code too long", signedIn(post("/api/v3/mfa-totp-verify", `{"totp":"`+strings.Repeat("1", 65)+`"}`)), "body.totp: maximum string length is 64"},
		{"signIn", "enum", post("/api/v3/signin", `{"connection":"PASSWORD","options":{"passwordEncryptType":"md5"}}`), "body.options.passwordEncryptType: value is not one of"},
		{"bindMFA", "full-width digits", signedIn(post("/auth/mfa/bind", `{"code":"４９２０３９"}`)), "body.code: does not match"},
		{"bindMFA", "token twice", signedIn(post("/auth/mfa/bind", `{"code":"492039"}`)).with("Access-Token", "b"), ""},
		{"getUserInfo", "parameter too long", signedIn(get("/user/info?user_id=" + strings.Repeat("a", 65))), "query.user_id: maximum string length is 64"},
		{"loginWithCaptcha", "integer out of the enum", post("/api/v1/system/user/login", `{"account":"a","loginType":"pwd","pwdType":2,"password":"b","codeID":"c","code":"1"}`), "body.pwdType: value is not one of"},
		{"loginWithCaptcha", "number beyond all bounds", post("/api/v1/system/user/login", `{"account":"a","loginType":"pwd","pwdType":1e400,"password":"b","codeID":"c","code":"1"}`), "body: a number is out of range"},
	} {
		t.Run(c.operation+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			op := find(t, c.operation)
			a := send(t, h, c.r)
			checkRefusal(t, op.dialect, a, invalid(c.says))
			checkAnswer(t, op, a)
			checkProblem(t, send(t, h, c.r.with("Accept", mediaProblem)), invalid(c.says))
		})
	}
}

// TestGateIsLenient where the documents' clients need it.
func TestGateIsLenient(t *testing.T) {
	t.Parallel()
	h := start(t)
	alice := h.SignUp("alice")
	login := `{"username":"alice","password":"` + harness.Password + `"}`
	captcha := post("/api/v1/system/user/captcha", `{"type":"image","use":"login"}`)
	fastpass := request{path: "/api/v3/gene-fastpass-qrcode-info"}.with("Authorization", alice.AccessToken)
	for _, c := range []struct {
		name, operation string
		r               request
	}{
		{"content type in upper case", "loginUser", request{path: "/user/login", media: "APPLICATION/JSON; Charset=UTF-8", body: login}},
		{"form", "loginUser", request{path: "/user/login", media: mediaForm, body: "username=alice&password=correct+horse+battery+staple"}},
		{"form in mixed case", "loginUser", request{path: "/user/login", media: "Application/X-WWW-Form-Urlencoded;charset=utf-8", body: "username=alice&password=correct+horse%20battery+staple"}},
		{"white space around JSON", "loginUser", post("/user/login", "\r\n\t "+login+"\n")},
		{"escapes", "loginUser", post("/user/login", strings.Replace(login, "alice", `\u0061\u006Cice`, 1))},
		{"unknown members", "loginUser", post("/user/login", `{"remember":{"me":[true]},`+login[1:])},
		{"unknown parameters", "loginUser", post("/user/login?utm_source=x&utm_source=y", login)},
		{"member again in other case", "loginUser", post("/user/login", login[:len(login)-1]+`,"PASSWORD":"evil","Username":"mallory"}`)},
		{"exactly 64 KiB", "loginUser", post("/user/login", login+strings.Repeat(" ", 64<<10-len(login)))},
		{"empty optional header", "createQRCode", post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP"}`).with("x-authing-app-id", "")},
		{"empty header beside a good one", "createQRCode", post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP"}`).with("x-authing-app-id", "").with("x-authing-app-id", h.Credentials.AppID)},
		{"empty token beside a good one", "getUserInfo", get("/user/info").with("Access-Token", "").with("Access-Token", alice.AccessToken)},
		{"misspelling of the document", "createQRCode", post("/api/v3/gene-qrcode", `{"type":"WECHAT_OFFICIAL_ACCOUN"}`)},
		{"headers of the document's own sample", "createCaptcha", captcha.
			with("iThings-token", "x.y.z").with("iThings-token", "").
			with("iThings-project-id", "1764806234122309632{{iThings-token}}").with("iThings-project-id", "").
			with("iThings-app-code", "{{iThings-app-code}}").with("iThings-app-code", "").
			with("iThings-user-role", "1").with("iThings-user-role", "").
			with("Accept-Language", "en").with("iThings-tenant-code", "")},
		{"repeatable headers twice", "createCaptcha", captcha.with("iThings-app-code", "a").with("iThings-app-code", "b").with("Accept-Language", "en").with("Accept-Language", "zh")},
		{"no body where it is optional", "createFastpass", fastpass},
		{"the Node SDK's empty form", "createFastpass", func() request { r := fastpass; r.media = mediaForm; return r }()},
		{"empty object", "createFastpass", func() request { r := fastpass; r.media, r.body = mediaJSON, "{}"; return r }()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			op := find(t, c.operation)
			a := send(t, h, c.r)
			checkAnswer(t, op, a)
			o := op.dialect.read(t, a.body)
			noConnection := o.number == http.StatusUnprocessableEntity // WeChat cannot be configured
			if a.status != http.StatusOK || !o.success && !noConnection {
				t.Errorf("HTTP %d %.300s", a.status, a.body)
			}
		})
	}
}

// TestFormsAreHeldToTheContract: a form is no way around what JSON is refused for, and a password in a URL, where logs and
// histories keep it, does not work.
func TestFormsAreHeldToTheContract(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.SignUp("alice")
	form := func(path, body string) request { return request{path: path, media: mediaForm, body: body} }
	const secret = "password=correct+horse+battery+staple"
	for name, c := range map[string]struct {
		r    request
		says string
	}{
		"member twice":                {form("/user/login", "username=alice&"+secret+"&password=x"), "body: a member comes twice"},
		"missing member":              {form("/user/login", "username=alice"), "body.password: is required"},
		"member in other case":        {form("/user/login", "username=alice&PASSWORD=correct+horse+battery+staple"), "body.password: is required"},
		"password in the query":       {form("/user/login?"+secret, "username=alice"), "body.password: is required"},
		"everything in the query":     {form("/user/login?username=alice&"+secret, "code=1"), "is required"},
		"query and no body":           {form("/user/login?username=alice&"+secret, ""), "body: is required"},
		"query, JSON":                 {post("/user/login?"+secret, `{"username":"alice"}`), "body.password: is required"},
		"NUL":                         {form("/user/login", "username=alice%00&"+secret), "body: contains NUL"},
		"bytes that are not UTF-8":    {form("/user/login", "username=alice%ff&"+secret), "body: is not UTF-8"},
		"raw bytes that are not UTF8": {form("/user/login", "username=alice\xff&"+secret), "body: is not UTF-8"},
		"broken escape":               {form("/user/login", "username=%zz&"+secret), "body: is not a form"},
		"semicolons":                  {form("/user/login", "username=alice;"+secret), "body: is not a form"},
		"pattern":                     {form("/user/register", "username=bob&password=short"), "body.password: minimum string length is 8"},
		"JSON in a form":              {form("/user/login", `{"username":"alice","password":"`+harness.Password+`"}`), "is required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := send(t, h, c.r)
			checkRefusal(t, base, a, invalid(c.says))
			checkProblem(t, send(t, h, c.r.with("Accept", mediaProblem)), invalid(c.says))
		})
	}
	multipart := request{path: "/user/login", media: "multipart/form-data; boundary=x", body: "--x\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nalice\r\n--x--\r\n"}
	checkRefusal(t, base, send(t, h, multipart), refusal{status: http.StatusUnsupportedMediaType, says: "content type"})
}
