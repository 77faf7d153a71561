// Package envelope puts outcomes into the shape of a dialect. The domain knows nothing of dialects: handlers set only
// Data, services return an apierr.Error, and this package is the one place that fills in codes, messages and request ids.
package envelope

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// Dialect is a shape of answers: the three that the documents bring, and that of OAuth.
type Dialect uint8

// The dialects. The zero value is none.
const (
	Base   Dialect = iota + 1 // {base: {code, msg}, data}
	Status                    // {statusCode, message, apiCode, requestId, data}
	Code                      // {code, msg, data}
	OAuth                     // no envelope; failures {error, error_description} (RFC 6749 section 5.2)
)

// Numbers of success.
const (
	baseSuccess   = 10000
	baseFailure   = -1
	statusSuccess = 200
	codeSuccess   = 0
)

var success = map[Dialect]map[lang.Lang]string{
	Base:   {lang.English: "Success", lang.Chinese: "成功"},
	Status: {lang.English: "Success", lang.Chinese: "操作成功"},
	Code:   {lang.English: "success", lang.Chinese: "成功"},
}

var separator = map[lang.Lang]string{lang.English: ". ", lang.Chinese: "。"}

// Of returns the dialect whose failure response is called name in the contract's components.
func Of(name string) (Dialect, error) {
	switch name {
	case "BaseFailure":
		return Base, nil
	case "StatusFailure":
		return Status, nil
	case "CodeFailure":
		return Code, nil
	case "OAuthFailure":
		return OAuth, nil
	}
	return 0, fmt.Errorf("no dialect has a failure response called %q", name)
}

// Property is the member that a success of the dialect always has; empty where it has no envelope.
func (d Dialect) Property() string {
	return map[Dialect]string{Base: "base", Status: "statusCode", Code: "code"}[d]
}

// Fill completes the generated response of a successful operation. It returns a pointer to a filled copy, or the
// response itself where that has no envelope (a picture, a key set). A hint, if there is one, is said beside the success.
func Fill(d Dialect, response any, l lang.Lang, requestID, hint string) any {
	v := reflect.ValueOf(response)
	if v.Kind() != reflect.Struct {
		return response
	}
	if v.FieldByName("StatusCode").IsValid() && v.FieldByName("Body").IsValid() {
		return response // a failure that the handler wrote itself
	}
	filled := reflect.New(v.Type())
	filled.Elem().Set(v)
	body := bodyOf(filled.Elem())
	message := success[d][l]
	if hint != "" {
		message += separator[l] + hint
	}
	if body.Kind() != reflect.Struct || !fill(d, body, message, requestID) {
		return response
	}
	return filled.Interface()
}

// bodyOf finds the envelope in a generated response: it is the response, or its field Body where the contract declares
// headers, or its only embedded struct where the contract shares the response.
func bodyOf(v reflect.Value) reflect.Value {
	if body := v.FieldByName("Body"); body.IsValid() {
		return body
	}
	if v.NumField() == 1 && v.Type().Field(0).Anonymous {
		return bodyOf(v.Field(0))
	}
	return v
}

func fill(d Dialect, body reflect.Value, message, requestID string) bool {
	switch d {
	case Base:
		base := body.FieldByName("Base")
		if !base.IsValid() {
			return false
		}
		base.FieldByName("Code").SetInt(baseSuccess)
		base.FieldByName("Msg").SetString(message)
	case Status:
		code := body.FieldByName("StatusCode")
		if !code.IsValid() {
			return false
		}
		code.SetInt(statusSuccess)
		body.FieldByName("Message").SetString(message)
		body.FieldByName("RequestID").Set(reflect.ValueOf(&requestID))
	case Code:
		code := body.FieldByName("Code")
		if !code.IsValid() {
			return false
		}
		code.SetInt(codeSuccess)
		body.FieldByName("Msg").SetString(message)
	default:
		return false
	}
	return true
}

type outcome struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
}

type codeFailureBody struct {
	outcome
	MFAToken  string `json:"mfaToken,omitempty"`
	MFAExpire int    `json:"mfaExpire,omitempty"` // seconds
}

type baseFailureBody struct {
	Base outcome `json:"base"`
}

type statusFailureBody struct {
	StatusCode int    `json:"statusCode"`
	Message    string `json:"message"`
	APICode    int    `json:"apiCode,omitempty"`
	RequestID  string `json:"requestId"`

	MFATriggerData *mfaTriggerData `json:"mfaTriggerData,omitempty"`
}

// mfaTriggerData is how the V3 API says that a code of the authenticator comes next.
type mfaTriggerData struct {
	MFAToken       string           `json:"mfaToken"`
	ExpiresIn      int              `json:"expiresIn"` // seconds
	TOTPMFAEnabled bool             `json:"totpMfaEnabled"`
	ApplicationMFA []applicationMFA `json:"applicationMfa"`
}

type applicationMFA struct {
	Policy string `json:"mfaPolicy"`
	Status int    `json:"status"`
	Sort   int    `json:"sort"`
}

// Failure returns the JSON value of a refusal.
func Failure(d Dialect, e *apierr.Error, l lang.Lang, requestID string) any {
	message := e.Message(l)
	if e.Detail != "" {
		message += " (" + e.Detail + ")"
	}
	token, expiresIn := continuation(e)
	switch d {
	case Base:
		return baseFailureBody{outcome{baseFailure, message}}
	case Code:
		return codeFailureBody{outcome{e.Number, message}, token, expiresIn}
	case OAuth:
		return oauthFailureBody{e.OAuth, description(e)}
	}
	body := statusFailureBody{StatusCode: e.Kind.Status(), Message: message, APICode: e.API, RequestID: requestID}
	if token != "" {
		body.MFATriggerData = &mfaTriggerData{token, expiresIn, true, []applicationMFA{{Policy: "OTP", Status: 1}}}
	}
	return body
}

type oauthFailureBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// description is the text for developers. The RFC has room for printable ASCII without quote and backslash, so it is in English.
func description(e *apierr.Error) string {
	text := e.EN
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}

// Language is the one that a refusal of the dialect is written in, for a client that asks for l.
func (d Dialect) Language(l lang.Lang) lang.Lang {
	if d == OAuth {
		return lang.English
	}
	return l
}

// Challenge is the WWW-Authenticate header of a refusal (RFC 9110 section 11.6.1); empty for none. Only the oauth dialect has
// it: the others answer who is not signed in with HTTP 200, and a browser would ask for a password.
func Challenge(d Dialect, e *apierr.Error) string {
	switch {
	case d != OAuth || e.Kind != apierr.Unauthenticated:
		return ""
	case e.OAuth == apierr.Unauthenticated.OAuth():
		return `Basic realm="oidc", charset="UTF-8"`
	}
	return `Bearer realm="oidc", error="` + e.OAuth + `"`
}

// continuation is how a refusal goes on; the empty string for one that does not.
func continuation(e *apierr.Error) (token string, seconds int) {
	if e.Continuation == nil {
		return "", 0
	}
	return e.Continuation.Token, int(e.Continuation.ExpiresIn.Seconds())
}

type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      string `json:"code"`
	RequestID string `json:"requestId"`

	MFAToken     string `json:"mfaToken,omitempty"`
	MFAExpiresIn int    `json:"mfaExpiresIn,omitempty"` // seconds
}

// Problem returns the JSON value of a refusal as problem details (RFC 9457), the same in every dialect.
func Problem(e *apierr.Error, l lang.Lang, requestID string) any {
	token, expiresIn := continuation(e)
	return problem{"about:blank", e.Message(l), e.Kind.Status(), e.Detail, e.Code, requestID, token, expiresIn}
}
