package hook

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Refusals. 1699 is how the V3 documents say that a flow was aborted.
var (
	ErrRefused = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "hook.refused", API: 1699, Number: 1000220,
		EN: "The application does not allow this sign-in.", ZH: "应用拒绝了本次登录。",
	})
	ErrUnanswered = apierr.Define(apierr.Error{
		Kind: apierr.Unavailable, Code: "hook.unanswered", API: 1699, Number: 1000221,
		EN: "The application could not be asked about this sign-in; try again later.", ZH: "暂时无法完成应用的登录校验，请稍后再试。",
	})
)
