package account

import (
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// Refusals. API codes are those of the V3 documents, numbers those of the captcha document's service.
var (
	ErrCredentials = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "account.credentials", API: 2333, Number: 1000004,
		EN: "The account or the password is wrong.", ZH: "账号或密码错误。",
	})
	ErrDisabled = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "account.disabled", API: 2005, Number: 1000030,
		EN: "The account is disabled.", ZH: "账号已被禁用。",
	})
	ErrSessionUnknown = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "account.session_unknown",
		EN: "There is no such session.", ZH: "登录会话不存在。",
	})
	ErrUsernameTaken = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "account.username_taken", API: 2034, Number: 1000001,
		EN: "The user name is taken.", ZH: "用户名已经注册。",
	})
	ErrEmailTaken = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "account.email_taken", API: 2200, Number: 1000031,
		EN: "The e-mail address belongs to another account.", ZH: "邮箱已被其他账号绑定。",
	})
	ErrPhoneTaken = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "account.phone_taken", API: 2035, Number: 1000002,
		EN: "The phone number belongs to another account.", ZH: "手机号已被占用。",
	})
	ErrExternalIDTaken = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "account.external_id_taken", API: 2026,
		EN: "The external id belongs to another account.", ZH: "外部 ID 已被其他账号使用。",
	})
	ErrIdentityTaken = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "account.identity_taken", API: 1640,
		EN: "The external identity belongs to another account.", ZH: "外部身份已被其他账号绑定。",
	})
	ErrIdentityUnknown = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "account.identity_unknown", API: 1641,
		EN: "This external account belongs to nobody here.", ZH: "该外部账号未绑定任何用户。",
	})
	ErrUsername = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.username", Number: 1000027,
		EN: "A user name consists of letters, digits, '.', '_' and '-', and is not all digits.",
		ZH: "用户名由字母、数字、“.”、“_”、“-”组成，且不能全为数字。",
	})
	ErrEmail = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.email", Number: 1000027,
		EN: "This is not an e-mail address.", ZH: "邮箱格式不正确。",
	})
	ErrPhone = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.phone", Number: 1000027,
		EN: "This is not a phone number.", ZH: "手机号格式不正确。",
	})
	ErrPassword = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.password", API: 2061, Number: 1000025,
		EN: "The password is too easy to guess; choose a longer or less common one.",
		ZH: "密码过于简单，请更换更长或更不常见的密码。",
	})
	ErrPasswordEncrypted = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "account.password_encrypted",
		EN: "The password must be sent as it is; TLS protects it.", ZH: "密码需直接发送（由 TLS 保护），不支持加密后的密码。",
	})
	ErrNoIdentifier = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.no_identifier", Number: 1000024,
		EN: "One of user name, e-mail address and phone number is needed.", ZH: "用户名、邮箱、手机号至少需要一个。",
	})
	ErrOneIdentifier = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.one_identifier",
		EN: "Exactly one of account, username, email and phone is needed.", ZH: "account、username、email、phone 需要且只能填写一个。",
	})
	ErrCodeRequired = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "account.code_required", API: 1635, Number: 1000201,
		EN: "A code of the authenticator is required.", ZH: "需要输入身份验证器的动态验证码。",
	})
	ErrMFAToken = apierr.Define(apierr.Error{
		Kind: apierr.Unauthenticated, Code: "account.mfa_token", API: 2206, Number: 1000210,
		EN: "The sign-in has expired or is finished; sign in again.", ZH: "本次登录已过期或已完成，请重新登录。",
	})
	ErrNoRecoveryCode = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.no_recovery_code", API: 6004,
		EN: "There is no recovery code.", ZH: "缺少恢复码。",
	})
	ErrNoAddress = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "account.no_address", Number: 1000033,
		EN: "The account has no such address.", ZH: "账号未绑定该手机号或邮箱。",
	})
	ErrUserNotFound = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "account.user_not_found", API: 2004, Number: 1000003,
		EN: "There is no such user.", ZH: "用户不存在。",
	})
	ErrUserID = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.user_id",
		EN: "The user id is not of the form that its type asks for.", ZH: "用户 ID 与其类型的格式不符。",
	})
	ErrOtherUser = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "account.other_user",
		EN: "Other users are not shown.", ZH: "不能查看其他用户的信息。",
	})
	ErrCustomData = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.custom_data",
		EN: "The custom data is too large.", ZH: "自定义数据过大。",
	})
	ErrUserInfo = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.user_info",
		EN: "What the identity source says of the user is too large.", ZH: "userInfoInIdp 过大。",
	})
	ErrContext = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.context",
		EN: "The context is too large.", ZH: "context 过大。",
	})
	ErrUnkept = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "account.unkept",
		EN: "Menshen would not keep this member of the user.", ZH: "不支持保存该用户字段。",
	})
	ErrConnection = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "account.connection", Number: 1000008,
		EN: "The application has no such connection.", ZH: "应用未开启该登录方式。",
	})
	ErrApplication = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "account.application", API: 2011,
		EN: "There is no such application.", ZH: "应用不存在。",
	})
	ErrGrant = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.grant", OAuth: "invalid_grant",
		EN: "The refresh token is unknown, used, expired, revoked, or of another application.",
		ZH: "刷新令牌不存在、已使用、已过期、已撤销，或不属于该应用。",
	})
	ErrGrantType = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.grant_type", OAuth: "unsupported_grant_type",
		EN: "The only grant type is refresh_token.", ZH: "仅支持 refresh_token 授权类型。",
	})
	ErrScope = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.scope", OAuth: "invalid_scope",
		EN: "A renewal cannot have more scope than the session has.", ZH: "刷新时不能申请超出原有范围的 scope。",
	})
	ErrNoRefreshToken = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.no_refresh_token",
		EN: "There is no refresh token.", ZH: "缺少刷新令牌。",
	})
	ErrTwoClients = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "account.two_clients",
		EN: "The request names two applications.", ZH: "请求中包含两个不同的应用。",
	})
)

// Refusals of credentials are authn's, which knows what takes which credential.
var (
	ErrApplicationSecret = authn.ErrApplicationSecret
	ErrToken             = authn.ErrToken
	ErrTokenExpired      = authn.ErrTokenExpired
	ErrAccessKey         = authn.ErrAccessKey
	ErrSignature         = authn.ErrSignature
	ErrSignatureMethod   = authn.ErrSignatureMethod
	ErrSignatureVersion  = authn.ErrSignatureVersion
	ErrSignatureDate     = authn.ErrSignatureDate
	ErrSignatureNoDate   = authn.ErrSignatureNoDate
	ErrSignatureSkew     = authn.ErrSignatureSkew
	ErrSignatureUsed     = authn.ErrSignatureUsed
)
