package mfa

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Refusals. API codes are those of the V3 documents.
var (
	ErrCodeRequired = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "mfa.code_required", API: 1636, Number: 1000201,
		EN: "A code of the authenticator is required.", ZH: "需要输入身份验证器的动态验证码。",
	})
	ErrCodeWrong = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "mfa.code_wrong", API: 6001, Number: 1000202,
		EN: "The authenticator code is wrong.", ZH: "动态验证码错误。",
	})
	ErrCodeUsed = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "mfa.code_used", API: 6001, Number: 1000203,
		EN: "The authenticator code has been used; wait for the next one.", ZH: "动态验证码已被使用，请等待下一个。",
	})
	ErrWait = apierr.Define(apierr.Error{
		Kind: apierr.RateLimited, Code: "mfa.wait", Number: 1000204,
		EN: "Too many wrong codes; wait before the next try.", ZH: "动态验证码错误次数过多，请稍后再试。",
	})
	ErrDisabled = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "mfa.disabled", Number: 1000205,
		EN: "The authenticator is disabled after too many wrong codes.", ZH: "动态验证码错误次数过多，身份验证器已停用。",
	})
	ErrBound = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "mfa.bound", Number: 1000206,
		EN: "An authenticator is bound already.", ZH: "已绑定身份验证器。",
	})
	ErrNothingWaits = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "mfa.nothing_waits", Number: 1000207,
		EN: "No secret waits to be bound; get a new QR code.", ZH: "没有待绑定的密钥，请重新获取二维码。",
	})
	ErrSecretMismatch = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "mfa.secret_mismatch", Number: 1000208,
		EN: "This is not the secret that waits to be bound.", ZH: "密钥与待绑定的密钥不一致。",
	})
	ErrNotBound = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "mfa.not_bound", Number: 1000209,
		EN: "No authenticator is bound.", ZH: "未绑定身份验证器。",
	})
)
