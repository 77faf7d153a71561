package authn

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Refusals of credentials. API codes are those of the V3 documents; numbers those of the captcha document's service.
var (
	ErrUnauthenticated = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.required", API: 2020, Number: 1000007, OAuth: "invalid_token",
		EN: "Sign in first.", ZH: "请先登录。",
	})
	ErrUserpool = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "auth.userpool",
		EN: "The access key belongs to another userpool.", ZH: "该密钥不属于此用户池。",
	})
	ErrForbidden = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "auth.scope",
		EN: "The access key does not have the scope for this.", ZH: "该密钥没有所需的权限。",
	})
	ErrApplicationSecret = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.application",
		EN: "The application id or its secret is wrong.", ZH: "应用 ID 或密钥错误。",
	})
	ErrToken = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.token_invalid", API: 2020, Number: 100005, OAuth: "invalid_token",
		EN: "The token is not valid; sign in again.", ZH: "登录状态无效，请重新登录。",
	})
	ErrTokenExpired = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.token_expired", API: 2020, Number: 100002, OAuth: "invalid_token",
		EN: "The token has expired; sign in again.", ZH: "登录状态已过期，请重新登录。",
	})
	ErrAccessKey = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.access_key", API: 1300,
		EN: "The access key or its secret is wrong.", ZH: "AccessKey 或其密钥错误。",
	})
	ErrSignature = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.signature", API: 1300,
		EN: "The signature is wrong.", ZH: "签名错误。",
	})
	ErrSignatureMethod = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.signature_method", API: 1301,
		EN: "The signature method is not HMAC-SHA1.", ZH: "签名算法不支持。",
	})
	ErrSignatureVersion = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.signature_version", API: 1302,
		EN: "The signature version is not 1.0.", ZH: "签名版本不支持。",
	})
	ErrSignatureDate = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.signature_date", API: 1303,
		EN: "The date header is not an HTTP date.", ZH: "date 请求头格式不正确。",
	})
	ErrSignatureNoDate = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.signature_no_date", API: 1304,
		EN: "A signed request needs a date header.", ZH: "缺少 date 请求头。",
	})
	ErrSignatureSkew = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.signature_skew", API: 1305,
		EN: "The date of the signed request is too far from the server's.", ZH: "请求时间与服务器时间相差过大。",
	})
	ErrSignatureUsed = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "auth.signature_used", API: 1306,
		EN: "The signature has been used before.", ZH: "签名已被使用。",
	})
)
