package otp

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Refusals.
var (
	ErrNotBound = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "otp.not_bound",
		EN: "The user has not bound an authenticator.", ZH: "该用户未绑定身份验证器。",
	})
	ErrNotImported = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "otp.not_imported",
		EN: "The authenticator cannot be given to this user.", ZH: "无法为该用户导入身份验证器。",
	})
	ErrNone = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "otp.none",
		EN: "There is no OTP secret for this id.", ZH: "没有与该 ID 对应的 OTP 密钥。",
	})
)
