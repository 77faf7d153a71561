package envelope

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// answers are what handlers return, one for every operation of the contract.
var answers = map[string]any{
	"bindMFA":                 gen.BindMFA200JSONResponse{},
	"changeQRCodeStatus":      gen.ChangeQRCodeStatus200JSONResponse{Data: &gen.QRCodeStepDto{}},
	"checkQRCodeStatus":       gen.CheckQRCodeStatus200JSONResponse{CheckQRCodeStatusJSONResponse: gen.CheckQRCodeStatusJSONResponse{Data: &gen.CheckQRCodeStatusDataDto{}}},
	"createCaptcha":           gen.CreateCaptcha200JSONResponse{Data: &gen.Captcha{}},
	"createFastpass":          gen.CreateFastpass200JSONResponse{Data: &gen.GeneFastpassQRCodeInfoDto{}},
	"createQRCode":            gen.CreateQRCode200JSONResponse{Data: &gen.GeneQRCodeDataDto{}},
	"createUser":              gen.CreateUser200JSONResponse{UserJSONResponse: gen.UserJSONResponse{Data: &gen.UserDto{}}},
	"exchangeQRCodeTicket":    gen.ExchangeQRCodeTicket200JSONResponse{SignInJSONResponse: gen.SignInJSONResponse{Data: &gen.LoginTokenResponseDataDto{}}},
	"getContractJSON":         gen.GetContractJSON200JSONResponse{},
	"getContractYAML":         gen.GetContractYAML200ApplicationYAMLResponse{Body: strings.NewReader("openapi: 3.0.3")},
	"getFastpassApps":         gen.GetFastpassApps200JSONResponse{Data: &gen.GetFastpassClientAppsDataDto{}},
	"getFastpassStatus":       gen.GetFastpassStatus200JSONResponse{Data: &gen.CheckQRCodeStatusDataDto{}},
	"streamQRCodeEvents":      gen.StreamQRCodeEvents200TextEventStreamResponse{Body: strings.NewReader("data: {}")},
	"getHealth":               gen.GetHealth200JSONResponse{Status: gen.HealthStatusOk},
	"getJWKS":                 gen.GetJWKS200JSONResponse{},
	"getMFAQRCode":            gen.GetMFAQRCode200JSONResponse{Body: gen.MFAQRCodeResponse{Data: &gen.MFAQRCode{}}},
	"getManagementToken":      gen.GetManagementToken200JSONResponse{Data: &gen.ManagementTokenDto{}},
	"getOTPSecretByUser":      gen.GetOTPSecretByUser200JSONResponse{Body: gen.GetOTPSecretRespDto{Data: &gen.OTPSecretRespDto{}}},
	"getQRCodePicture":        gen.GetQRCodePicture200ImagePngResponse{Body: strings.NewReader("PNG")},
	"getQRCodeStatus":         gen.GetQRCodeStatus200JSONResponse{CheckQRCodeStatusJSONResponse: gen.CheckQRCodeStatusJSONResponse{Data: &gen.CheckQRCodeStatusDataDto{}}},
	"getReadiness":            gen.GetReadiness200JSONResponse{Status: gen.HealthStatusOk},
	"getUser":                 gen.GetUser200JSONResponse{UserJSONResponse: gen.UserJSONResponse{Data: &gen.UserDto{}}},
	"getUserInfo":             gen.GetUserInfo200JSONResponse{Body: gen.BaseUserResponse{Data: &gen.BaseUser{}}},
	"loginUser":               gen.LoginUser200JSONResponse{Body: gen.BaseUserResponse{Data: &gen.BaseUser{}}},
	"loginWithCaptcha":        gen.LoginWithCaptcha200JSONResponse{Data: &gen.CaptchaLogin{}},
	"registerWithCode":        gen.RegisterWithCode200JSONResponse{Data: &gen.CodeRegistration{}},
	"resetPassword":           gen.ResetPassword200JSONResponse{},
	"changePassword":          gen.ChangePassword200JSONResponse{},
	"bindAccount":             gen.BindAccount200JSONResponse{},
	"redeemFastpass":          gen.RedeemFastpass200JSONResponse{LoginTokenJSONResponse: gen.LoginTokenJSONResponse{Data: &gen.LoginTokenResponseDataDto{}}},
	"registerUser":            gen.RegisterUser200JSONResponse{},
	"setQRCodeStatus":         gen.SetQRCodeStatus200JSONResponse{Data: &gen.QRCodeStepDto{}},
	"signIn":                  gen.SignIn200JSONResponse{SignInJSONResponse: gen.SignInJSONResponse{Data: &gen.LoginTokenResponseDataDto{}}},
	"signInWithMFA":           gen.SignInWithMFA200JSONResponse{LoginTokenJSONResponse: gen.LoginTokenJSONResponse{Data: &gen.LoginTokenResponseDataDto{}}},
	"loginWithMFA":            gen.LoginWithMFA200JSONResponse{Data: &gen.CaptchaLogin{}},
	"getMFAStatus":            gen.GetMFAStatus200JSONResponse{Body: gen.MFAStatusResponse{Data: &gen.MFAStatus{}}},
	"verifyMFA":               gen.VerifyMFA200JSONResponse{},
	"unbindMFA":               gen.UnbindMFA200JSONResponse{},
	"getRecoveryCodes":        gen.GetRecoveryCodes200JSONResponse{Body: gen.RecoveryCodesLeftResponse{Data: &gen.RecoveryCodesLeft{}}},
	"makeRecoveryCodes":       gen.MakeRecoveryCodes200JSONResponse{Body: gen.RecoveryCodesResponse{Data: &gen.RecoveryCodes{}}},
	"sendEnrollFactorRequest": gen.SendEnrollFactorRequest200JSONResponse{Data: &gen.SendEnrollFactorRequestDataDto{}},
	"enrollFactor":            gen.EnrollFactor200JSONResponse{},
	"listEnrolledFactors":     gen.ListEnrolledFactors200JSONResponse{Data: []gen.FactorDto{{}}},
	"getFactor":               gen.GetFactor200JSONResponse{Data: &gen.FactorDto{}},
	"listFactorsToEnroll":     gen.ListFactorsToEnroll200JSONResponse{Data: []gen.FactorToEnrollDto{{}}},
	"resetFactor":             gen.ResetFactor200JSONResponse{},
	"verifyTOTP":              gen.VerifyTOTP200JSONResponse{Data: &gen.MFAOTPVerifyDataDto{}},
	"getUserMfaInfo":          gen.GetUserMFAInfo200JSONResponse{Data: &gen.UserMFAInfoDto{}},
	"importOtp":               gen.ImportOTP200JSONResponse{},
	"getToken":                gen.GetToken200JSONResponse{},
	"revokeToken":             gen.RevokeToken200Response{},
	"introspectToken":         gen.IntrospectToken200JSONResponse{},
	"getUserClaims":           gen.GetUserClaims200JSONResponse{},
	"getUserClaimsByPost":     gen.GetUserClaimsByPost200JSONResponse{},
	"getDiscovery":            gen.GetDiscovery200JSONResponse{},
	"getProfile":              gen.GetProfile200JSONResponse{UserJSONResponse: gen.UserJSONResponse{Data: &gen.UserDto{}}},
	"checkApplicationSecret":  gen.CheckApplicationSecret200JSONResponse{Data: &gen.CheckAppIDSecretDataDto{}},
	"listMySessions":          gen.ListMySessions200JSONResponse{Data: &gen.ListMySessionsDataDto{List: []gen.MySessionDto{}}},
	"revokeMySession":         gen.RevokeMySession200JSONResponse{},
	"listMyActivity":          gen.ListMyActivity200JSONResponse{Data: &gen.ListMyActivityDataDto{List: []gen.MyActivityDto{}}},
	"verifyWechatPush":        gen.VerifyWechatPush200TextResponse("5836258723"),
	"sendWechatPush":          gen.SendWechatPush200TextResponse("success"),
	"setWechatMiniprogramQRCodeStatus": gen.SetWechatMiniprogramQRCodeStatus200JSONResponse{
		Data: &gen.QRCodeStepDto{Success: true},
	},
}

// TestFillKnowsEveryAnswer: an operation whose generated answer has a shape that Fill does not find its way through would
// fail at its first call. Here all are filled, in both languages, and what has no envelope stays as it is.
func TestFillKnowsEveryAnswer(t *testing.T) {
	t.Parallel()
	doc, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	left := maps.Clone(answers)
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			answer, ok := left[op.OperationID]
			if !ok {
				t.Errorf("%s: write its answer into the table", op.OperationID)
				continue
			}
			delete(left, op.OperationID)
			dialect, err := Of(strings.TrimPrefix(op.Responses.Default().Ref, "#/components/responses/"))
			if err != nil {
				t.Fatal(err)
			}
			enveloped := false
			if media := op.Responses.Status(200).Value.Content["application/json"]; media != nil {
				_, enveloped = media.Schema.Value.Properties[dialect.Property()]
			}
			for _, l := range []lang.Lang{lang.English, lang.Chinese} {
				before := reflect.ValueOf(answer).Interface()
				filled := Fill(dialect, answer, l, "request-1", "")
				if !reflect.DeepEqual(before, answer) {
					t.Errorf("%s: the handler's own answer was changed", op.OperationID)
				}
				body := visit(t, op.OperationID, filled)
				if !enveloped {
					if !reflect.DeepEqual(filled, answer) {
						t.Errorf("%s: no envelope, and yet filled: %s", op.OperationID, body)
					}
					continue
				}
				checkSuccess(t, op.OperationID, dialect, l, body, op.Responses.Status(200).Value.Content["application/json"].Schema.Value.Properties["data"] != nil)
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("no operations of the contract: %v", slices.Sorted(maps.Keys(left)))
	}
}

// visit writes an answer as the generated code does.
func visit(t *testing.T, operationID string, answer any) []byte {
	t.Helper()
	name := "Visit" + operationID + "Response"
	var method reflect.Value
	for m := range reflect.TypeOf(answer).Methods() {
		if strings.EqualFold(m.Name, name) { // Go writes importOtp as ImportOTP
			method = reflect.ValueOf(answer).MethodByName(m.Name)
		}
	}
	if !method.IsValid() {
		t.Fatalf("%T has no %s: it is no answer of the operation any more", answer, name)
	}
	w := httptest.NewRecorder()
	if err, _ := method.Call([]reflect.Value{reflect.ValueOf(http.ResponseWriter(w))})[0].Interface().(error); err != nil {
		t.Fatal(err)
	}
	return w.Body.Bytes()
}

func checkSuccess(t *testing.T, operationID string, d Dialect, l lang.Lang, body []byte, hasData bool) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if _, ok := got["data"]; ok != hasData {
		t.Errorf("%s: data: %v, want %v", operationID, ok, hasData)
	}
	delete(got, "data")
	message := map[Dialect][2]string{Base: {"Success", "成功"}, Status: {"Success", "操作成功"}, Code: {"success", "成功"}}[d][l]
	want := map[Dialect]map[string]any{
		Base:   {"base": map[string]any{"code": 10000.0, "msg": message}},
		Status: {"statusCode": 200.0, "message": message, "requestId": "request-1"},
		Code:   {"code": 0.0, "msg": message},
	}[d]
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %s, want %v", operationID, body, want)
	}
}

// TestFillMakesNoSuccessOfAFailure: a failure that a handler writes itself, or anything else that is no answer to fill,
// stays what it is.
func TestFillMakesNoSuccessOfAFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect Dialect
		answer  any
	}{
		"base":    {Base, gen.GetMFAQRCodedefaultJSONResponse{StatusCode: 409, Body: gen.BaseError{}}},
		"status":  {Status, gen.GetUserdefaultJSONResponse{StatusCode: 409, Body: gen.StatusError{StatusCode: 409}}},
		"code":    {Code, gen.CreateCaptchadefaultJSONResponse{StatusCode: 409, Body: gen.CodeError{Code: 1}}},
		"problem": {Status, gen.GetUserdefaultApplicationProblemPlusJSONResponse{StatusCode: 409, Body: gen.Problem{Status: 409}}},
		"nothing": {Base, nil},
		"pointer": {Base, &gen.BindMFA200JSONResponse{}},
		"text":    {Base, "text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if panicked := recover(); panicked != nil {
					t.Errorf("panic: %v", panicked)
				}
			}()
			if got := Fill(c.dialect, c.answer, lang.English, "request-1", "hint"); !reflect.DeepEqual(got, c.answer) {
				t.Errorf("%+v became %+v", c.answer, got)
			}
		})
	}
}

// TestFailure: a refusal reads in each dialect as the documents have it, and its hidden cause is nowhere.
func TestFailure(t *testing.T) {
	t.Parallel()
	plain := &apierr.Error{Kind: apierr.Conflict, Code: "test.taken", Number: 1000001, OAuth: "access_denied", EN: "It is taken.", ZH: "已被占用。"}
	full := plain.WithDetail("body.name").WithCause(errors.New("the inside"))
	full.API = 2034
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"base":                   {Failure(Base, plain, lang.English, "r"), `{"base":{"code":-1,"msg":"It is taken."}}`},
		"base, Chinese":          {Failure(Base, full, lang.Chinese, "r"), `{"base":{"code":-1,"msg":"已被占用。 (body.name)"}}`},
		"status":                 {Failure(Status, full, lang.English, "r"), `{"statusCode":409,"message":"It is taken. (body.name)","apiCode":2034,"requestId":"r"}`},
		"status without apiCode": {Failure(Status, plain, lang.English, "r"), `{"statusCode":409,"message":"It is taken.","requestId":"r"}`},
		"oauth":                  {Failure(OAuth, full, lang.Chinese, "r"), `{"error":"access_denied","error_description":"It is taken. (body.name)"}`},
		"oauth, printable ASCII": {Failure(OAuth, plain.WithDetail("body.é\n\"\\d\""), lang.English, "r"), `{"error":"access_denied","error_description":"It is taken. (body.d)"}`},
		"code":                   {Failure(Code, full, lang.English, "r"), `{"code":1000001,"msg":"It is taken. (body.name)"}`},
		"problem":                {Problem(full, lang.English, "r"), `{"type":"about:blank","title":"It is taken.","status":409,"detail":"body.name","code":"test.taken","requestId":"r"}`},
		"problem, Chinese":       {Problem(plain, lang.Chinese, "r"), `{"type":"about:blank","title":"已被占用。","status":409,"code":"test.taken","requestId":"r"}`},
	} {
		if got, err := json.Marshal(c.value); err != nil || string(got) != c.want {
			t.Errorf("%s: %s, want %s (%v)", name, got, c.want, err)
		}
	}
}

// TestDialects: the name in the contract is the only way to a dialect.
func TestDialects(t *testing.T) {
	t.Parallel()
	for name, property := range map[string]string{"BaseFailure": "base", "StatusFailure": "statusCode", "CodeFailure": "code", "OAuthFailure": ""} {
		if d, err := Of(name); err != nil || d.Property() != property {
			t.Errorf("%s: %d %q %v", name, d, d.Property(), err)
		}
	}
	for _, name := range []string{"", "Failure", "baseFailure", "#/components/responses/BaseFailure"} {
		if d, err := Of(name); err == nil || d != 0 {
			t.Errorf("%q is the dialect %d", name, d)
		}
	}
}

// TestChallenge: who has not proved who it is is told how to (RFC 6749 section 5.2, RFC 6750 section 3), where the status is real.
func TestChallenge(t *testing.T) {
	t.Parallel()
	client := &apierr.Error{Kind: apierr.Unauthenticated, OAuth: "invalid_client"}
	token := &apierr.Error{Kind: apierr.Unauthenticated, OAuth: "invalid_token"}
	for _, c := range []struct {
		dialect Dialect
		refusal *apierr.Error
		want    string
	}{
		{OAuth, client, `Basic realm="oidc", charset="UTF-8"`},
		{OAuth, token, `Bearer realm="oidc", error="invalid_token"`},
		{OAuth, &apierr.Error{Kind: apierr.Invalid, OAuth: "invalid_grant"}, ""},
		{Status, client, ""},
		{Base, token, ""},
		{Code, token, ""},
	} {
		if got := Challenge(c.dialect, c.refusal); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.dialect, c.refusal.OAuth, got, c.want)
		}
	}
}
