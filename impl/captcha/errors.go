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
	ErrAddress = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "captcha.address", Number: 1000027,
		EN: "This is not an address that a code can be sent to.", ZH: "账号格式不正确，无法发送验证码。",
	})
	ErrChannel = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "captcha.channel", Number: 100021,
		EN: "The channel is not configured.", ZH: "该发送渠道未配置。",
	})
	ErrCountry = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "captcha.country", Number: 100021,
		EN: "No codes are sent to phone numbers of this country.", ZH: "暂不支持向该国家或地区的手机号发送验证码。",
	})
	ErrImageNeeded = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "captcha.image_needed", Number: 1000034,
		EN: "Solve an image captcha first.", ZH: "请输入图形验证码。",
	})
	ErrTooMany = apierr.Define(apierr.Error{
		Kind: apierr.RateLimited, Code: "captcha.too_many", Number: 1000028,
		EN: "Too many codes were asked for; try again later.", ZH: "获取过于频繁，请稍后再试。",
	})
	ErrRegistered = apierr.Define(apierr.Error{
		Kind: apierr.Conflict, Code: "captcha.registered", Number: 1000023,
		EN: "There is an account with this address already.", ZH: "该账号已经注册。",
	})
)
