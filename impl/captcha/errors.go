package captcha

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Refusals. Numbers are those of the captcha document's service.
var (
	ErrWrong = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "captcha.wrong", API: 2001, Number: 1000005,
		EN: "The verification code is wrong or has expired.", ZH: "验证码错误或已过期。",
	})
	ErrAccountNeeded = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "captcha.account_needed", Number: 100006,
		EN: "An account is needed to send a code to.", ZH: "account 需要填写。",
	})
	ErrChannel = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "captcha.channel", Number: 100021,
		EN: "The channel is not configured.", ZH: "该发送渠道未配置。",
	})
)
