package qrlogin

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Refusals. API codes are those of the V3 documents where they have one.
var (
	ErrUnknown = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "qrlogin.unknown", API: 2241,
		EN: "There is no such QR code.", ZH: "二维码不存在。",
	})
	ErrGone = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "qrlogin.gone", API: 2241,
		EN: "The picture of this QR code is gone.", ZH: "二维码图片已失效。",
	})
	ErrExpired = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "qrlogin.expired",
		EN: "The QR code has expired.", ZH: "二维码已过期。",
	})
	ErrState = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "qrlogin.state",
		EN: "The QR code is not in a state that allows this.", ZH: "二维码当前状态不允许此操作。",
	})
	ErrTicket = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "qrlogin.ticket",
		EN: "The ticket is unknown, used or expired.", ZH: "ticket 不存在、已使用或已过期。",
	})
	ErrConnection = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "qrlogin.connection",
		EN: "No connection of this type is configured.", ZH: "未配置该类型的身份源连接。",
	})
	ErrContext = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "qrlogin.context",
		EN: "The context is too large.", ZH: "context 过大。",
	})
)
