package browser

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/menshen-auth/menshen/tests/harness"
)

// deskAndPhone are a desk where nobody is signed in, and alice's phone, where she is.
func deskAndPhone(t *testing.T) (h *harness.Instance, desk, phone *page) {
	t.Helper()
	h = serve(t)
	h.SignUp("alice")
	desk, phone = visit(t, h, desktop, ""), visit(t, h, handset, "phone")
	phone.signIn("alice")
	phone.see("This phone is signed in.")
	return h, desk, phone
}

// loginCode shows a login QR code at the desk, and is what a phone would photograph.
func (p *page) loginCode() []byte {
	p.t.Helper()
	p.click("tab", "QR code")
	p.see("Scan it with a phone that is signed in.")
	return p.photo("image", "QR code to sign in")
}

var shownNumber = regexp.MustCompile(`Pick this number there:\s+(\d\d)`)

// number is what the desk asks to pick on the phone.
func (p *page) number() string {
	p.t.Helper()
	p.see("Pick this number there:")
	found := shownNumber.FindStringSubmatch(p.text())
	if found == nil {
		p.t.Fatalf("no number on the page:\n%s", p.text())
	}
	return found[1]
}

// TestLoginByPhone: the desk shows a code, the phone takes a picture of it, sees who asks, picks the number that the desk shows, and
// the desk is signed in; both pages tell each step as it happens.
func TestLoginByPhone(t *testing.T) {
	t.Parallel()
	_, desk, phone := deskAndPhone(t)
	phone.upload(desk.loginCode())
	phone.see("Somebody wants to sign in to Menshen Console as you:", "Chrome ", "127.0.0.1", "Pick the number that the screen shows:")
	desk.see("alice has scanned it. Decide on the phone.")
	phone.click("button", desk.number())
	phone.see("Confirmed. The other screen is signed in.")
	desk.at("account")
	desk.see("alice")
}

// TestLoginDeclined: who did not ask says no, and the desk is told; a new code is one click away.
func TestLoginDeclined(t *testing.T) {
	t.Parallel()
	_, desk, phone := deskAndPhone(t)
	phone.upload(desk.loginCode())
	phone.see("Confirm only if it is you")
	phone.click("button", "Decline")
	phone.see("Declined. Nobody was signed in.")
	desk.see("The login was declined on the phone.")
	desk.click("button", "Show a new QR code")
	desk.see("Scan it with a phone that is signed in.")

	phone.upload(desk.loginCode())
	number := desk.number()
	for _, other := range strings.Fields(ask[string](phone, `[...document.querySelectorAll('.numbers button')].map((b) => b.textContent).join(' ')`)) {
		if other != number {
			phone.click("button", other)
			break
		}
	}
	phone.see("This is not the number that the page shows; the login was cancelled.")
	desk.see("The login was declined on the phone.")
}

// TestLoginExpires: a code that nobody scans ends, the desk says so and offers a new one, and who scans the old picture is told.
func TestLoginExpires(t *testing.T) {
	t.Parallel()
	h, desk, phone := deskAndPhone(t)
	old := desk.loginCode()
	h.Clock.Advance(3 * time.Minute)
	desk.see("The QR code has expired.")
	phone.upload(old)
	phone.see("The QR code has expired.")
	phone.click("button", "Back")
	desk.clicks(2, "button", "Show a new QR code")
	desk.see("Scan it with a phone that is signed in.")
	if n := desk.called("POST /api/v3/gene-qrcode"); n != 2 {
		t.Errorf("%d codes were made, want one more than the first, whatever the clicks", n)
	}
}

// TestLoginInAnotherTab: who has no phone at hand plays it in a tab, which learns the code from the link and keeps nothing of it in
// the address bar. It is nobody at first, although it was opened from a page.
func TestLoginInAnotherTab(t *testing.T) {
	t.Parallel()
	h := serve(t)
	h.SignUp("alice")
	desk := visit(t, h, desktop, "")
	desk.loginCode()
	phone := desk.follow("No phone at hand? Play it in a new tab")
	phone.see("Sign this phone in first; then you decide about the login.")
	if fragment := ask[string](phone, "location.hash"); fragment != "" {
		t.Errorf("the address bar shows %q", fragment)
	}
	phone.signIn("alice")
	phone.click("button", desk.number())
	desk.at("account")
}

// TestLinkFromElsewhere (Q5): a link that somebody sent does not scan: whoever follows it is asked first, and the page of who sent it
// learns nothing until then.
func TestLinkFromElsewhere(t *testing.T) {
	t.Parallel()
	_, mallory, phone := deskAndPhone(t)
	mallory.loginCode()
	link := ask[string](mallory, `document.querySelector('a[target=menshen-phone]').getAttribute('href')`)
	phone.open("account") // a link is followed from anywhere but the page itself
	phone.open(link)
	phone.see("A link brought you here")
	if n := phone.called("POST /api/v3/set-qrcode-status"); n != 0 {
		t.Error("the login was scanned by following a link")
	}
	phone.click("button", "Look at it")
	phone.see("Pick the number that the screen shows:")
	mallory.see("alice has scanned it.")
}

// TestTour: what the account page proposes to who is new works as it says: the fastpass signs a phone in that is a tab, the same tab
// then lets the desk in, and the tour is gone for good when its person has had enough.
func TestTour(t *testing.T) {
	t.Parallel()
	h := serve(t)
	desk := visit(t, h, desktop, "")
	desk.register("alice")
	desk.see("Two minutes, and you have seen it all")
	desk.click("button", "Show a fastpass")
	phone := desk.follow("No phone at hand? Play it in a new tab")
	phone.click("button", "Sign in to Menshen Console")
	phone.see("This phone is signed in.")
	desk.see("Your phone is signed in.")
	desk.front()
	desk.click("button", "Do not show this again")
	desk.click("button", "Sign out")
	desk.loginCode()
	desk.click("link", "No phone at hand? Play it in a new tab")
	phone.front()
	phone.see("Pick the number that the screen shows:")
	phone.click("button", desk.number())
	desk.at("account")
	desk.see("User name\nalice")
	if strings.Contains(desk.text(), "Two minutes") {
		t.Error("the tour is still there")
	}
}

// follow clicks a link that opens a tab, and is that tab.
func (p *page) follow(link string) *page {
	p.t.Helper()
	opened := chromedp.WaitNewTarget(p.ctx, func(i *target.Info) bool { return strings.Contains(i.URL, "/console/") })
	p.click("link", link)
	select {
	case id := <-opened:
		ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id))
		return watch(p.t, p.h, ctx, cancel)
	case <-time.After(patience):
		p.t.Fatalf("%s opens no tab", link)
		return nil
	}
}

// TestLoginWithoutEvents: where a proxy lets no events through, the desk asks again and again instead, and learns the same.
func TestLoginWithoutEvents(t *testing.T) {
	t.Parallel()
	h, desk, phone := deskAndPhone(t)
	call(desk, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: h.URL + "/api/v3/qrcode-events?*", Block: true}}})
	phone.upload(desk.loginCode())
	phone.click("button", desk.number())
	desk.at("account")
	if desk.called("GET /api/v3/get-qrcode-status") == 0 {
		t.Error("the desk did not ask")
	}
}

// TestLoginWhileOffline: the desk loses its network while the phone decides. It says so, and catches up when the network is back.
func TestLoginWhileOffline(t *testing.T) {
	t.Parallel()
	_, desk, phone := deskAndPhone(t)
	phone.upload(desk.loginCode())
	number := desk.number()
	desk.offline(true)
	desk.see("The service cannot be reached.")
	phone.click("button", number)
	phone.see("Confirmed.")
	desk.offline(false)
	desk.at("account")
}

// offline takes the network away, or gives it back.
func (p *page) offline(yes bool) {
	p.t.Helper()
	call(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: yes, DownloadThroughput: -1, UploadThroughput: -1}},
	})
	call(p, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: yes, DownloadThroughput: -1, UploadThroughput: -1})
}

// TestStepUpOnThePhone: a phone that signed in before its user had an authenticator is asked for a code before it lets anybody in.
func TestStepUpOnThePhone(t *testing.T) {
	t.Parallel()
	h, desk, phone := deskAndPhone(t)
	h.Clock.Freeze()
	alice := h.SignIn("alice").EnrolTOTP()
	phone.upload(desk.loginCode())
	phone.see("A code of your authenticator")
	phone.fill("Code", alice.Code())
	phone.click("button", "Confirm")
	phone.click("button", desk.number())
	desk.at("account")
}
