package wechat

import (
	"cmp"
	"fmt"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

// language is the one in which an official account speaks: WeChat does not tell that of the person.
func language(c db.Connection) lang.Lang {
	if c.Lang == lang.English.String() {
		return lang.English
	}
	return lang.Chinese
}

// china is where most people are who use WeChat.
var china = time.FixedZone("UTC+8", 8*3600)

// describeLogin tells which login it is (Q5).
func describeLogin(l lang.Lang, d wechatid.Details) string {
	if l == lang.Chinese {
		return fmt.Sprintf("应用：%s\n浏览器：%s\nIP：%s\n时间：%s", d.AppName, device(d, "未知", "（%s）"), d.IP,
			d.CreatedAt.In(china).Format("2006-01-02 15:04 MST"))
	}
	return fmt.Sprintf("Application: %s\nBrowser: %s\nIP: %s\nTime: %s", d.AppName, device(d, "unknown", " (%s)"), d.IP,
		d.CreatedAt.UTC().Format("2006-01-02 15:04 MST"))
}

// device is the browser, and the system where that is known.
func device(d wechatid.Details, unknown, system string) string {
	text := cmp.Or(d.Browser, unknown)
	if d.OS != "" {
		text += fmt.Sprintf(system, d.OS)
	}
	return text
}

// textConfirmedAt tells what a scan has confirmed. What follows (a code of the authenticator, a hook) is not known here.
func textConfirmedAt(l lang.Lang, d wechatid.Details) string {
	if l == lang.Chinese {
		return "已确认登录。\n" + describeLogin(l, d) + "\n如非本人操作，请立即联系应用方。"
	}
	return "You have confirmed a login.\n" + describeLogin(l, d) + "\nIf this was not you, tell the application at once."
}

// textAsk asks for a decision: for the number that the page shows, where it shows one.
func textAsk(l lang.Lang, d wechatid.Details) string {
	matched := len(d.Numbers) > 0
	switch {
	case l == lang.Chinese && matched:
		return "有页面请求以您的身份登录：\n" + describeLogin(l, d) + "\n如是本人操作，请回复页面上显示的两位数字；回复 0 取消。"
	case l == lang.Chinese:
		return "有页面请求以您的身份登录：\n" + describeLogin(l, d) + "\n如是本人操作，请回复 1 确认；回复 0 取消。"
	case matched:
		return "A page asks to be signed in as you:\n" + describeLogin(l, d) +
			"\nIf this is you, send the two digits that the page shows; send 0 to cancel."
	}
	return "A page asks to be signed in as you:\n" + describeLogin(l, d) + "\nIf this is you, send 1; send 0 to cancel."
}

func textConfirmed(l lang.Lang, appName string) string {
	if l == lang.Chinese {
		return "已确认登录：" + appName
	}
	return "You have confirmed the login: " + appName
}

func textCancelled(l lang.Lang, appName string) string {
	if l == lang.Chinese {
		return "已取消登录：" + appName
	}
	return "The login was cancelled: " + appName
}
