package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/menshen-auth/menshen/tests/harness"
)

// axe is the accessibility checker, as a script.
var axe = sync.OnceValues(func() (string, error) {
	source, err := os.ReadFile(filepath.Join("..", "frontend", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		return "", fmt.Errorf("%w: run `make frontend-tools`", err)
	}
	return string(source), nil
})

// rules are what axe looks at: WCAG 2.2 AA, and what its makers hold to be good practice.
const rules = `['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']`

// wantAccessible: axe finds nothing that keeps somebody out.
func (p *page) wantAccessible(what string) {
	p.t.Helper()
	source, err := axe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.do(chromedp.Evaluate[chromedp.Void](source + "; undefined"))
	found := later[[]string](p, `axe.run(document, {runOnly: `+rules+`}).then((r) => r.violations.flatMap((v) =>
		v.nodes.map((n) => v.id + ': ' + v.help + ': ' + n.html.slice(0, 200) + ' ' + (n.any[0]?.message ?? ''))))`)
	for _, violation := range found {
		p.t.Errorf("%s: %s", what, violation)
	}
}

// later asks the page for a value that it has to wait for.
func later[T any](p *page, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.brief(), chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

// word is what the console calls something in the page's language.
func (p *page) word(key string) string {
	p.t.Helper()
	return later[string](p, `import('/console/lib/text.js').then((m) => m.text.`+key+`)`)
}

// gallery looks at pages in one language and scheme, on one device.
type gallery struct {
	device
	name string
}

// shows checks a page that is on the screen, and keeps a picture of it.
func (g gallery) shows(p *page, what string) {
	p.t.Helper()
	p.wantAccessible(what)
	if wide := ask[int](p, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		p.t.Errorf("%s: %d pixels wider than the screen", what, wide)
	}
	size := call(p, cdppage.GetLayoutMetrics, cdp.Empty{}).CSSContentSize
	picture := call(p, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{CaptureBeyondViewport: new(true), Clip: &cdppage.Viewport{
		Width: float64(g.width), Height: max(size.Height, float64(g.height)), Scale: 1,
	}})
	name := filepath.Join(screenshots, strings.ReplaceAll(what, " ", "-")+"-"+g.name+".png")
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(name, picture.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// galleries are two ways to look at the pages, which together have both languages, both schemes and both devices.
var galleries = []gallery{
	{device{1280, 900, "en", "light"}, "en-light-desk"},
	{device{390, 844, "zh-CN", "dark"}, "zh-dark-phone"},
}

// others have them in other pairs. MENSHEN_TEST_PAGES=all looks at these too, as `make browser` does.
var others = []gallery{
	{device{1280, 900, "zh-CN", "dark"}, "zh-dark-desk"},
	{device{390, 844, "en", "light"}, "en-light-phone"},
}

// TestPages: every page, in every state that it has, can be used by everybody: axe finds no violation, in both languages, light and
// dark, on a desk and on a phone; nothing is wider than the screen. A picture of each is written to bin/screenshots.
func TestPages(t *testing.T) {
	t.Parallel()
	looks := galleries
	if os.Getenv("MENSHEN_TEST_PAGES") == "all" {
		looks = slices.Concat(galleries, others)
	}
	for _, g := range looks {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			h := serve(t)
			h.Clock.Freeze()
			h.SignUp("alice")
			g.signIn(t, h)
			g.account(t, h)
			g.phone(t, h)
			g.reference(t, h)
		})
	}
}

// signIn comes by what there is before somebody is signed in.
func (g gallery) signIn(t *testing.T, h *harness.Instance) {
	t.Helper()
	p := visit(t, h, g.device, "")
	p.see(p.word("byPassword"))
	g.shows(p, "sign in")
	for i := range 4 {
		p.fill(p.word("accountName"), "alice")
		p.fill(p.word("password"), "a mere guess")
		p.click("button", p.word("signIn"))
		p.until("a refusal", func() bool {
			return p.called("POST /api/v1/system/user/login") > i && ask[bool](p, `!document.querySelector('[aria-busy=true]')`)
		})
	}
	p.node("image", p.word("captchaAlt"))
	g.shows(p, "sign in captcha")
	p.click("button", p.word("captchaListen"))
	p.node("Audio", p.word("captchaAudio"))
	g.shows(p, "sign in captcha audio")
	p.click("tab", p.word("byCode"))
	p.fill(p.word("address"), "alice@example.com")
	p.click("button", p.word("sendCode"))
	p.node("textbox", p.word("sentCode"))
	g.shows(p, "sign in code")
	p.click("tab", p.word("byQR"))
	p.node("image", p.word("qrAlt"))
	g.shows(p, "sign in qr")
	p.click("button", p.word("register"))
	g.shows(p, "register")
	p.click("button", p.word("haveAccount"))
	p.click("button", p.word("forgotten"))
	g.shows(p, "forgotten password")
}

// account comes by one's own page, its dialogs, and the sign-in that it makes longer.
func (g gallery) account(t *testing.T, h *harness.Instance) {
	t.Helper()
	p := visit(t, h, g.device, "")
	p.click("button", p.word("register"))
	p.fill(p.word("userName"), "carol-"+g.name)
	p.fill(p.word("password"), password)
	p.click("button", p.word("registerNow"))
	p.at("account")
	p.see(p.word("noAuthenticator"), "127.0.0.1")
	g.shows(p, "account new")
	p.click("button", p.word("addAuthenticator"))
	uri := p.read("image", p.word("secretAlt"))
	g.shows(p, "account add authenticator")
	_, secret, _ := strings.Cut(uri, "secret=")
	secret, _, _ = strings.Cut(secret, "&")
	p.fill(p.word("factorCode"), code(t, h, secret))
	p.click("button", p.word("bind"))
	p.click("button", p.word("makeRecoveryCodes"))
	g.shows(p, "account factor")
	h.Clock.Advance(30 * time.Second)
	p.fill(p.word("factorCode"), code(t, h, secret))
	p.click("button", p.word("makeRecoveryCodes"))
	p.see(p.word("recoveryOnce"))
	g.shows(p, "account recovery codes")
	p.click("button", p.word("recoveryKept"))
	p.click("button", p.word("tourDone"))
	p.click("button", p.word("fastpassShow"))
	p.node("image", p.word("fastpassAlt"))
	p.until("quiet", func() bool { return !strings.Contains(p.text(), p.word("loading")) })
	g.shows(p, "account")
	p.click("button", p.word("bindAddress"))
	g.shows(p, "account address")
	p.click("button", p.word("cancel"))
	p.click("button", p.word("signOut"))
	p.see(p.word("signedOut"))
	p.fill(p.word("accountName"), "carol-"+g.name)
	p.fill(p.word("password"), password)
	p.click("button", p.word("signIn"))
	p.see(p.word("factorHint"))
	g.shows(p, "sign in factor")
	p.click("button", p.word("useRecoveryCode"))
	g.shows(p, "sign in recovery code")
}

// phone comes by what the phone shows, and by the desk that waits for it.
func (g gallery) phone(t *testing.T, h *harness.Instance) {
	t.Helper()
	p := visit(t, h, g.device, "phone")
	p.node("button", p.word("signIn"))
	g.shows(p, "phone")
	p.paste("nothing of ours")
	p.see(p.word("notOurs"))
	g.shows(p, "phone not ours")
	pass := h.SignIn("alice").Fastpass(nil)
	p.paste(fmt.Sprintf(`{"scene":"FASTPASS","qrcodeId":%q,"appId":%q,"user":{"displayName":"alice"}}`, pass.QrcodeID, pass.AppID))
	p.node("button", later[string](p, `import('/console/lib/text.js').then((m) => m.text.signInTo('Menshen'))`))
	g.shows(p, "phone fastpass")
	p.click("button", later[string](p, `import('/console/lib/text.js').then((m) => m.text.signInTo('Menshen'))`))
	p.see(p.word("phoneSignedIn"))

	desk := visit(t, h, g.device, "#qr")
	desk.node("image", desk.word("qrAlt"))
	p.upload(desk.photo("image", desk.word("qrAlt")))
	p.see(p.word("pickNumber"))
	g.shows(p, "phone login")
	desk.see(desk.word("qrPick"))
	g.shows(desk, "sign in qr scanned")
	p.click("button", p.word("decline"))
	p.see(p.word("declined"))
	desk.see(desk.word("qrCancelled"))
	g.shows(desk, "sign in qr declined")
}
