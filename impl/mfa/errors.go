package mfa

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Refusals. API codes are those of the V3 documents.
var (
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
		EN: "An authenticator is bound already; show a code of it first.", ZH: "已绑定身份验证器，请先验证其动态验证码。",
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
	ErrTooMany = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "mfa.too_many",
		EN: "You have as many authenticators as one can have; remove one first.", ZH: "身份验证器数量已达上限，请先解绑一个。",
	})
	ErrName = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "mfa.name",
		EN: "You have an authenticator of that name; choose another.", ZH: "已有同名的身份验证器，请换一个名称。",
	})
	ErrWhich = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "mfa.which",
		EN: "You have several authenticators; say which.", ZH: "您有多个身份验证器，请指明其中一个。",
	})
	ErrFactor = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "mfa.factor",
		EN: "You have no such authenticator.", ZH: "没有该身份验证器。",
	})
	ErrFactorType = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "mfa.factor_type",
		EN: "Menshen has no factors of this type.", ZH: "不支持该类型的认证要素。",
	})
	ErrStepUp = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "mfa.step_up", API: 1635,
		EN: "Show a code of your authenticator first.", ZH: "请先验证身份验证器的动态验证码。",
	})
	ErrRecoveryCode = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "mfa.recovery_code", API: 6002, Number: 1000217,
		EN: "The recovery code is wrong.", ZH: "恢复码错误。",
	})
	ErrRecoveryCodeUsed = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "mfa.recovery_code_used", API: 6002, Number: 1000218,
		EN: "The recovery code has been used.", ZH: "恢复码已被使用。",
	})
	ErrSecret = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "mfa.secret",
		EN: "The secret is not base32 of 80 to 512 bit.", ZH: "密钥不是 80 至 512 位的 base32 编码。",
	})
	ErrHasAnother = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "mfa.has_another",
		EN: "The user has another authenticator.", ZH: "该用户已绑定其他身份验证器。",
	})
	ErrWeakRecoveryCode = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "mfa.recovery_code_weak",
		EN: "The recovery code could be guessed: 16 to 64 letters and digits are needed, 20 of digits alone.",
		ZH: "恢复码过弱：应为 16 至 64 位字母和数字，纯数字至少 20 位。",
	})
)
