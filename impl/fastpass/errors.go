package fastpass

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Refusals.
var (
	ErrNotRedeemable = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "fastpass.not_redeemable", API: 2241,
		EN: "The fastpass is unknown, used or expired.", ZH: "快速认证二维码不存在、已使用或已过期。",
	})
	ErrUnknown = apierr.Define(apierr.Error{
		Kind: apierr.NotFound, Code: "fastpass.unknown", API: 2241,
		EN: "There is no such fastpass.", ZH: "快速认证二维码不存在。",
	})
	ErrContext = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "fastpass.context",
		EN: "The context is too large.", ZH: "context 过大。",
	})
)
