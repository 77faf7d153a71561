package wechat

import (
	"errors"
	"fmt"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// Refusals. The documents have none for WeChat.
var (
	ErrConnection = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "wechat.connection",
		EN: "No connection of this type is configured.", ZH: "未配置该类型的身份源连接。",
	})
	ErrCode = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "wechat.code",
		EN: "WeChat does not take this code; call wx.login again.", ZH: "微信登录凭证无效或已使用，请重新调用 wx.login。",
	})
	ErrPerson = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "wechat.person",
		EN: "WeChat does not let this account sign in.", ZH: "微信限制了该账号登录。",
	})
	ErrBusy = apierr.Define(apierr.Error{
		Kind: apierr.RateLimited, Code: "wechat.busy",
		EN: "WeChat takes no more requests for now; try again later.", ZH: "微信接口调用次数已达上限，请稍后再试。",
	})
	ErrUnavailable = apierr.Define(apierr.Error{
		Kind: apierr.Unavailable, Code: "wechat.unavailable",
		EN: "WeChat does not answer right now; try again later.", ZH: "微信暂时无法访问，请稍后再试。",
	})
	ErrRefused = apierr.Define(apierr.Error{
		Kind: apierr.Unprocessable, Code: "wechat.refused",
		EN: "WeChat refuses this connection; its settings have to be checked.", ZH: "微信拒绝了该身份源连接的请求，请检查其配置。",
	})
	ErrSignature = apierr.Define(apierr.Error{
		Kind: apierr.Forbidden, Code: "wechat.signature",
		EN: "The signature is wrong, too old, or was used before.", ZH: "签名错误、已过期或已使用。",
	})
	ErrMessage = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "wechat.message",
		EN: "The message is not one of WeChat.", ZH: "消息格式不符合微信约定。",
	})
	ErrAgain = apierr.Define(apierr.Error{
		Kind: apierr.Unavailable, Code: "wechat.again",
		EN: "The same event is being handled.", ZH: "同一事件正在处理中。",
	})
	ErrSettings = apierr.Define(apierr.Error{
		Kind: apierr.Invalid, Code: "wechat.settings",
		EN: "The connection cannot be set up so.", ZH: "身份源连接的配置有误。",
	})
)

// waitForQuota is what is told to wait when WeChat's quota is used up: those of a minute are the frequent ones.
const waitForQuota = time.Minute

// refusal reads an error of the client.
func refusal(err error) error {
	var answer answerError
	if err == nil || !errors.As(err, &answer) {
		var known *apierr.Error
		if err == nil || errors.As(err, &known) {
			return err
		}
		return ErrUnavailable.WithCause(err)
	}
	switch answer.code {
	case codeBadLogin, codeUsedLogin:
		return ErrCode.WithCause(err)
	case codeBlockedLogin:
		return ErrPerson.WithCause(err)
	case codeQuota, codeFrequency:
		return ErrBusy.WithCause(err).WithRetryAfter(waitForQuota)
	case codeBusySystem, codeNotLatest, codeBadToken, codeExpired: // a token that is not taken twice is theirs to sort out
		return ErrUnavailable.WithCause(err)
	}
	return ErrRefused.WithDetail(fmt.Sprintf("errcode %d", answer.code)).WithCause(err)
}
