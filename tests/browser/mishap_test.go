package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/menshen-auth/menshen/tests/harness"
)

// back is the browser's back button.
func (p *page) back() {
	p.t.Helper()
	history := call(p, cdppage.GetNavigationHistory, cdp.Empty{})
	call(p, cdppage.NavigateToHistoryEntry, cdppage.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
}

// TestBackButton: going back after signing in does not ask again, and going back after signing out shows nothing of the account.
func TestBackButton(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	desk.back()
	desk.see("You are signed in")
	desk.click("link", "Go to my account")
	desk.see("User name\nalice")
	desk.click("button", "Sign out")
	desk.see("You have signed out.")
	desk.back()
	desk.at("")
	desk.see("Is it really you?")
	desk.node("button", "Sign in")
	if ask[string](desk, `JSON.stringify(sessionStorage)`) != "{}" {
		t.Errorf("the tab still keeps %s", ask[string](desk, `JSON.stringify(sessionStorage)`))
	}
}

// TestReload: a reload keeps the session, and a tab of its own is nobody.
func TestReload(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	desk.do(chromedp.Reload())
	desk.see("User name\nalice")
	stranger := visit(t, h, desktop, "account")
	stranger.at("")
}

// TestEscape: who closes a dialog while it is at work has not stopped the work, and is shown what became of it: codes that are shown
// once are shown until they are kept.
func TestEscape(t *testing.T) {
	t.Parallel()
	h := serve(t)
	h.Clock.Freeze()
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	secret := desk.enrol()
	desk.click("button", "Make new recovery codes")
	desk.fill("Code", code(t, h, secret))
	release := h.Hold("mfa_recovery_codes")
	desk.press(kb.Enter)
	desk.until("the request", func() bool { return desk.called("POST /auth/mfa/recovery-codes") == 1 })
	for range 3 {
		desk.press(kb.Escape)
	}
	release(0)
	desk.see("This is the only time that they are shown")
	for range 3 {
		desk.press(kb.Escape)
	}
	desk.see("This is the only time that they are shown")
	desk.click("button", "I have kept them")
	desk.see("10 left.")
}

// TestHeldKey: a key that is still held down from the step before decides nothing.
func TestHeldKey(t *testing.T) {
	t.Parallel()
	_, desk, phone := deskAndPhone(t)
	phone.upload(desk.loginCode())
	number := desk.number()
	phone.focus("button", number)
	for range 5 {
		call(phone, input.DispatchKeyEvent, input.DispatchKeyEventParams{
			Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13, AutoRepeat: new(true),
		})
	}
	if n := phone.called("POST /api/v3/set-qrcode-status"); n != 1 {
		t.Errorf("%d steps were taken, want the scan", n)
	}
	phone.click("button", number)
	desk.at("account")
}

// TestSkipLink: the link that leads past the header leaves what is on the screen.
func TestSkipLink(t *testing.T) {
	t.Parallel()
	_, desk, phone := deskAndPhone(t)
	phone.upload(desk.loginCode())
	phone.see("Pick the number that the screen shows:")
	phone.focus("link", "Skip to content")
	phone.press(kb.Enter)
	phone.until("the link is followed", func() bool { return ask[string](phone, "location.hash") == "#content" })
	after := later[string](phone, `new Promise((done) => setTimeout(() => done(document.body.innerText), 100))`)
	if !strings.Contains(after, "Pick the number that the screen shows:") {
		t.Errorf("after the link the screen shows\n%s", after)
	}
	phone.do(chromedp.Reload()) // and neither does a reload lose it
	phone.see("Pick the number that the screen shows:")
	phone.click("button", "Decline")
	desk.see("The login was declined on the phone.")
}

// TestImpatience: who clicks twice, or presses Enter again, has asked once.
func TestImpatience(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, desktop, "")
	desk.click("button", "Create an account")
	desk.fill("User name", "alice")
	desk.fill("Password", password)
	desk.press(kb.Enter)
	desk.press(kb.Enter)
	desk.clicks(2, "button", "Create and sign in")
	desk.at("account")
	desk.see("User name\nalice")
	if n := desk.called("POST /user/register"); n != 1 {
		t.Errorf("registered %d times", n)
	}
}

// TestWrongInputs: what cannot be right is said before it is sent, and what the service refuses is said in its words, in the form that
// keeps what was typed.
func TestWrongInputs(t *testing.T) {
	t.Parallel()
	h := serve(t)
	h.SignUp("taken")
	desk := visit(t, h, desktop, "")
	desk.click("button", "Sign in")
	if n := desk.called("POST /api/v1/system/user/login"); n != 0 {
		t.Error("an empty form was sent")
	}
	desk.signIn("nobody")
	desk.see("The account or the password is wrong.")
	desk.click("button", "Create an account")
	for name, said := range map[string]string{"taken": "The user name is taken.", "12345": "A user name consists of letters"} {
		desk.fill("User name", name)
		desk.fill("Password", password)
		desk.click("button", "Create and sign in")
		desk.see(said)
	}
	desk.fill("User name", "alice")
	desk.fill("Password", "password")
	desk.click("button", "Create and sign in")
	desk.see("The password is too easy to guess")
	if kept := ask[string](desk, `document.querySelector('[name=username]').value`); kept != "alice" {
		t.Errorf("the form forgot the name: %q", kept)
	}
}

// TestOffline: what is asked while the network is away fails in words, and works when it is back, with what was typed.
func TestOffline(t *testing.T) {
	t.Parallel()
	h := serve(t)
	h.SignUp("alice")
	desk := visit(t, h, desktop, "")
	desk.node("button", "Sign in")
	desk.offline(true)
	desk.signIn("alice")
	desk.see("The service cannot be reached.")
	desk.offline(false)
	desk.click("button", "Sign in")
	desk.at("account")
	desk.see("User name\nalice")
	desk.offline(true)
	desk.click("button", "Sign out")
	desk.see("The service cannot be reached.")
	desk.offline(false)
	desk.click("button", "Sign out")
	desk.see("You have signed out.")
}

// TestSessionEndsElsewhere: a page whose session was ended sends its person to sign in again, and says why.
func TestSessionEndsElsewhere(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	h.Exec(`UPDATE sessions SET revoked_at = now()`)
	desk.click("button", "Show a fastpass")
	desk.see("Your session has ended. Sign in again.")
}

// TestKeyboard: everything can be done without a mouse: Tab comes by every control in order, arrows move between the tabs, Enter sends,
// and Escape closes a dialog and puts the focus back.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	h := serve(t)
	h.SignUp("alice")
	desk := visit(t, h, desktop, "")
	desk.node("button", "Sign in")
	focused := `(document.activeElement.ariaLabel || document.activeElement.labels?.[0]?.textContent || document.activeElement.textContent).trim()`
	var order []string
	for range 10 {
		desk.press(kb.Tab)
		order = append(order, ask[string](desk, focused))
	}
	want := []string{
		"Skip to content", "Menshen 门神", "Sign in", "My account", "Phone", "中文", "Password", "User name, e-mail address or phone number", "Password", "Sign in",
	}
	for i := range want {
		if order[i] != want[i] {
			t.Fatalf("Tab comes by %q", order)
		}
	}
	desk.focus("tab", "Password")
	desk.press(kb.ArrowRight)
	desk.see("A code is sent there.")
	desk.press(kb.ArrowLeft)
	desk.press(kb.Tab)
	desk.do(chromedp.KeyEvent("alice"))
	desk.press(kb.Tab)
	desk.do(chromedp.KeyEvent(harness.Password))
	desk.press(kb.Enter)
	desk.at("account")
	desk.focus("button", "Add an authenticator")
	desk.press(kb.Enter)
	desk.see("Scan this with your authenticator app")
	desk.press(kb.Escape)
	desk.until("the dialog is closed", func() bool { return !ask[bool](desk, `!!document.querySelector('dialog')`) })
	if at := ask[string](desk, focused); at != "Add an authenticator" {
		t.Errorf("after the dialog the focus is on %q", at)
	}
}

// TestLanguage: the page speaks the browser's language until a person chooses another, and then keeps to it; what the service says
// comes in the same.
func TestLanguage(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, device{1280, 900, "zh-CN", "light"}, "")
	desk.see("真的是你吗？")
	desk.fill("用户名、邮箱或手机号", "nobody")
	desk.fill("密码", password)
	desk.click("button", "登录")
	desk.see("账号或密码错误。")
	desk.click("button", "English")
	desk.see("Is it really you?")
	desk.open("phone")
	desk.see("Scan a QR code")
}
