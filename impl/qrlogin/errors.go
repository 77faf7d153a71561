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
	ErrNoNumber = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "qrlogin.no_number",
		EN: "Pick the number that the page shows.", ZH: "请选择网页上显示的数字。",
	})
	ErrNumber = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "qrlogin.number",
		EN: "This is not the number that the page shows; the login was cancelled.", ZH: "所选数字与网页不一致，登录已取消。",
	})
	ErrType = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "qrlogin.type",
		EN: "The application does not take QR codes of this type.", ZH: "应用未开启该类型的二维码登录。",
	})
	ErrWatched = apierr.Define(apierr.Error{
		Kind: apierr.RateLimited, Code: "qrlogin.watched",
		EN: "Too many connections wait for QR codes; poll instead.", ZH: "等待二维码状态的连接过多，请改用轮询。",
	})
	ErrPartial = apierr.Define(apierr.Error{
		Kind: apierr.Unavailable, Code: "qrlogin.partial",
		EN: "It cannot be told right now who this is; scan again later.", ZH: "暂时无法确认身份，请稍后重新扫码。",
	})
	ErrContext = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "qrlogin.context",
		EN: "The context is too large.", ZH: "context 过大。",
	})
)
