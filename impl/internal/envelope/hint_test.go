package envelope

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// TestHint (T7): what a person is told beside a success follows it as a sentence of its own, in each dialect and language,
// and changes nothing else: clients compare the number.
func TestHint(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		dialect   Dialect
		operation string
		answer    any
		lang      lang.Lang
		hint      string
		want      string
	}{
		"base":            {Base, "verifyMFA", gen.VerifyMFA200JSONResponse{}, lang.English, "It is slow.", `{"base":{"code":10000,"msg":"Success. It is slow."}}`},
		"base, Chinese":   {Base, "verifyMFA", gen.VerifyMFA200JSONResponse{}, lang.Chinese, "时间慢了。", `{"base":{"code":10000,"msg":"成功。时间慢了。"}}`},
		"base, no hint":   {Base, "verifyMFA", gen.VerifyMFA200JSONResponse{}, lang.Chinese, "", `{"base":{"code":10000,"msg":"成功"}}`},
		"status":          {Status, "resetFactor", gen.ResetFactor200JSONResponse{}, lang.English, "It is slow.", `{"message":"Success. It is slow.","requestId":"r","statusCode":200}`},
		"status, Chinese": {Status, "resetFactor", gen.ResetFactor200JSONResponse{}, lang.Chinese, "时间慢了。", `{"message":"操作成功。时间慢了。","requestId":"r","statusCode":200}`},
		"code":            {Code, "changePassword", gen.ChangePassword200JSONResponse{}, lang.English, "It is slow.", `{"code":0,"msg":"success. It is slow."}`},
		"code, Chinese":   {Code, "changePassword", gen.ChangePassword200JSONResponse{}, lang.Chinese, "时间慢了。", `{"code":0,"msg":"成功。时间慢了。"}`},
	} {
		body := visit(t, test.operation, Fill(test.dialect, test.answer, test.lang, "r", test.hint))
		if got := strings.TrimSpace(string(body)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestContinuation: a refusal that can be gone on with says how in the words of its dialect; in the base dialect, whose
// documents have no field for it, it says nothing. Without one there is no trace of the field.
func TestContinuation(t *testing.T) {
	t.Parallel()
	e := (&apierr.Error{Kind: apierr.Forbidden, Code: "test.more", API: 1635, Number: 1000201, EN: "More.", ZH: "更多。"}).
		WithContinuation("the-token", 5*time.Minute)
	for name, test := range map[string]struct {
		value any
		want  string
	}{
		"base": {Failure(Base, e, lang.English, "r"), `{"base":{"code":-1,"msg":"More."}}`},
		"code": {Failure(Code, e, lang.English, "r"), `{"code":1000201,"msg":"More.","mfaToken":"the-token","mfaExpire":300}`},
		"status": {
			Failure(Status, e, lang.Chinese, "r"), `{"statusCode":403,"message":"更多。","apiCode":1635,"requestId":"r",` +
				`"mfaTriggerData":{"mfaToken":"the-token","expiresIn":300,"totpMfaEnabled":true,"applicationMfa":[{"mfaPolicy":"OTP","status":1,"sort":0}]}}`,
		},
		"problem": {
			Problem(e, lang.English, "r"),
			`{"type":"about:blank","title":"More.","status":403,"code":"test.more","requestId":"r","mfaToken":"the-token","mfaExpiresIn":300}`,
		},
	} {
		if got, err := json.Marshal(test.value); err != nil || string(got) != test.want {
			t.Errorf("%s: %s, want %s (%v)", name, got, test.want, err)
		}
	}
	if text := fmt.Sprint(e); strings.Contains(text, "the-token") {
		t.Errorf("the text for logs has the token: %s", text)
	}
}
