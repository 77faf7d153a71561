package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

// TestPhoneSeesWhoAsks (Q5): the answer to a scan has the application, the browser, its address and the time, which who holds
// the phone must see before deciding; sent again, it is the same. The page sees nothing of the phone but its user's name.
func TestPhoneSeesWhoAsks(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	h.Clock.Freeze()
	h.Exec(`UPDATE applications SET name = '狐 Bank', logo = 'https://example.com/logo.png'`)
	alice := h.SignUp("alice")
	asked := h.Clock.Now()
	page := h.ShowQR(nil, harness.Header("User-Agent", firefox), harness.Header("X-Forwarded-For", "203.0.113.7"))
	h.Clock.Advance(40 * time.Second)
	for _, when := range []string{"at first", "sent again"} {
		got := alice.ScanLogin(page)
		if got.AppID != h.Credentials.AppID || got.AppName != "狐 Bank" || got.AppLogo != "https://example.com/logo.png" {
			t.Errorf("%s: application %+v", when, got)
		}
		if got.Browser != "Firefox 145.0" || !strings.Contains(got.Os, "Linux") || got.IP != "203.0.113.7" {
			t.Errorf("%s: browser %q, os %q, ip %s", when, got.Browser, got.Os, got.IP)
		}
		if !got.CreatedAt.Equal(asked) || !got.ExpiresAt.Equal(asked.Add(120*time.Second)) || got.Numbers != nil {
			t.Errorf("%s: from %s to %s, numbers %v", when, got.CreatedAt, got.ExpiresAt, got.Numbers)
		}
	}
	older := must(alice.Client.ChangeQRCodeStatusWithResponse(t.Context(), gen.ChangeQRCodeStatusDto{QrcodeID: page.ScanID, Action: scan}))(t)
	if older.JSON200 == nil || older.JSON200.Data == nil || older.JSON200.Data.Login == nil || older.JSON200.Data.Login.IP != "203.0.113.7" {
		t.Errorf("by the older name: %s", older.Body)
	}
	if r := alice.Act(confirm, page.ScanID); r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.Login != nil {
		t.Errorf("a confirmation: %s", r.Body)
	}
}

// TestNumberMatching (Q5): the page shows one of three numbers that the phone shows, and says it by poll and by event. Without
// a number nothing happens, with the right one the page is in, with a wrong one it never will be.
func TestNumberMatching(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Exec(`UPDATE applications SET number_matching = true`)
	alice := h.SignUp("alice")
	scanned := func() (page *harness.Login, events *harness.Events, shown int, numbers []int) {
		page = h.ShowQR(nil)
		events = page.Events("")
		wantEvent(t, events, "1", gen.QRCodeStatusPENDING)
		numbers = alice.ScanLogin(page).Numbers
		told, polled := wantEvent(t, events, "2", gen.QRCodeStatusSCANNED).MatchNumber, page.Status().MatchNumber
		if told == nil || polled == nil || *told != *polled || len(numbers) != 3 || !slices.Contains(numbers, *told) {
			t.Fatalf("the page shows %v %v, the phone %v", told, polled, numbers)
		}
		return page, events, *told, numbers
	}
	page, events, shown, _ := scanned()
	wantStatus(t, "no number", alice.Act(confirm, page.ScanID), 422, 0)
	wantState(t, page, gen.QRCodeStatusSCANNED)
	for _, odd := range []int{-1, 0, 9, 100, 1 << 40} {
		wantGate(t, fmt.Sprint("the number ", odd), alice.Pick(page, odd), 400)
	}
	wantSuccess(t, "the right number", alice.Pick(page, shown))
	if got := wantEvent(t, events, "3", gen.QRCodeStatusAUTHORIZED); got.MatchNumber != nil {
		t.Errorf("after the confirmation the page shows %d", *got.MatchNumber)
	}
	tokens(t, h.Exchange(page.Ticket()))

	page, events, shown, numbers := scanned()
	wrong := numbers[(slices.Index(numbers, shown)+1)%3]
	wantStatus(t, "a wrong number", alice.Pick(page, wrong), 403, 0)
	wantEvent(t, events, "5", gen.QRCodeStatusCANCELLED)
	wantEnd(t, events)
	wantStatus(t, "the right number, too late", alice.Pick(page, shown), 422, 0)
	wantState(t, page, gen.QRCodeStatusCANCELLED)

	h.Exec(`UPDATE applications SET number_matching = false`)
	page = h.ShowQR(nil)
	if got := alice.ScanLogin(page); got.Numbers != nil || page.Status().MatchNumber != nil {
		t.Errorf("without number matching: %v", got.Numbers)
	}
	wantSuccess(t, "a number that nobody asked for", alice.Pick(page, 10))
}

// TestApplicationsDiffer (Q2): an application may have lives of its own for QR codes and tickets, and types that it takes.
// What the page is told, what the picture may be kept for, and what the phone sees follow.
func TestApplicationsDiffer(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	create := func(kind gen.GeneQRCodeDtoType) *gen.CreateQRCodeResult {
		return must(h.Client.CreateQRCodeWithResponse(t.Context(), nil, gen.GeneQRCodeDto{Type: kind}))(t)
	}
	for _, lives := range []struct {
		change     string
		qr, ticket time.Duration
	}{
		{``, 120 * time.Second, 60 * time.Second},
		{`UPDATE applications SET qr_seconds = 300, ticket_seconds = 5`, 300 * time.Second, 5 * time.Second},
		{`UPDATE applications SET qr_seconds = 20, ticket_seconds = 300`, 20 * time.Second, 300 * time.Second},
	} {
		if lives.change != "" {
			h.Exec(lives.change)
		}
		r := create(gen.GeneQRCodeDtoTypeMobileApp)
		if r.JSON200 == nil || r.JSON200.Data == nil || *r.JSON200.Data.ExpiresIn != int(lives.qr.Seconds()) || *r.JSON200.Data.Interval != 1 {
			t.Fatalf("a QR code of %s: %s", lives.qr, r.Body)
		}
		unseen, page := h.ShowQR(nil), h.ShowQR(nil)
		if got := alice.ScanLogin(page); !got.ExpiresAt.Equal(h.Clock.Now().Add(lives.qr)) {
			t.Errorf("a QR code of %s: to be decided until %s", lives.qr, got.ExpiresAt)
		}
		wantSuccess(t, "confirm", alice.Act(confirm, page.ScanID))
		ends := map[*harness.Login]time.Duration{unseen: lives.qr, page: lives.ticket}
		open := map[*harness.Login]gen.QRCodeStatus{unseen: gen.QRCodeStatusPENDING, page: gen.QRCodeStatusAUTHORIZED}
		passed := time.Duration(0)
		for _, until := range []time.Duration{min(lives.qr, lives.ticket), max(lives.qr, lives.ticket)} {
			for _, at := range []time.Duration{until - time.Millisecond, until} {
				h.Clock.Advance(at - passed)
				passed = at
				for l, end := range ends {
					want := open[l]
					if passed >= end {
						want = gen.QRCodeStatusEXPIRED
					}
					wantState(t, l, want)
				}
			}
		}
	}
	h.Exec(`UPDATE applications SET qr_types = '{WECHAT_MINIPROGRAM}'`)
	wantStatus(t, "a type that the application does not take", create(gen.GeneQRCodeDtoTypeMobileApp), 422, 0)
}

// TestBrowserExchange (Q4): a page without a backend exchanges its ticket with the application's id alone, where an operator
// has set that up, and nowhere else; a wrong secret is still wrong there. The ticket is good once all the same.
func TestBrowserExchange(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	c := h.Credentials
	exchange := func(ticket string, id, secret *string) *gen.ExchangeQRCodeTicketResult {
		return must(h.Client.ExchangeQRCodeTicketWithResponse(t.Context(), nil, gen.ExchangeTokenSetWithQRcodeTicketDto{Ticket: ticket, ClientID: id, ClientSecret: secret}))(t)
	}
	ticket := alice.Approve(h.ShowQR(nil))
	wantStatus(t, "an id alone, where it is not set up", exchange(ticket, &c.AppID, nil), 401, 0)
	h.Exec(`UPDATE applications SET browser_exchange = true`)
	wantStatus(t, "a wrong secret", exchange(ticket, &c.AppID, ptr("wrong")), 401, 0)
	wantStatus(t, "no id", exchange(ticket, nil, nil), 401, 0)
	set := tokens(t, exchange(ticket, &c.AppID, nil))
	if verified(t, h, *set.AccessToken)["sub"] != alice.ID || !h.Alive(*set.AccessToken) {
		t.Error("the tokens are good for nothing")
	}
	wantStatus(t, "the second use", exchange(ticket, &c.AppID, nil), 403, 0)
	if h.Alive(*set.AccessToken) {
		t.Error("the session survived the second use of its ticket")
	}
	tokens(t, exchange(alice.Approve(h.ShowQR(nil)), &c.AppID, &c.AppSecret))
	h.Exec(`UPDATE applications SET disabled_at = now()`)
	wantStatus(t, "a disabled application", exchange("any", &c.AppID, nil), 401, 0)
}

// TestPictureOfAnySize: as wide as the page asks for, down to one pixel a module, and another reader than ours reads it.
func TestPictureOfAnySize(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	page := h.ShowQR(nil)
	for _, size := range []int{128, 200, 333, 1024} {
		r := must(h.Client.GetQRCodePictureWithResponse(t.Context(), &gen.GetQRCodePictureParams{ID: page.ScanID, Size: &size}))(t)
		if r.HTTPResponse.StatusCode != 200 {
			t.Fatalf("%d pixels: HTTP %d %s", size, r.HTTPResponse.StatusCode, r.Body)
		}
		if bounds := h.Picture(r.Body).Bounds(); bounds.Dx() != size || bounds.Dy() != size {
			t.Errorf("%d pixels: %s", size, bounds)
		}
		file := filepath.Join(t.TempDir(), "picture.png")
		if err := os.WriteFile(file, r.Body, 0o600); err != nil {
			t.Fatal(err)
		}
		if text := tool(t, "zbarimg", "--quiet", "--raw", file); text != page.Payload {
			t.Errorf("%d pixels: zbarimg reads %q, want %q", size, text, page.Payload)
		}
	}
	for _, size := range []int{-1, 0, 127, 1025} {
		r := must(h.Client.GetQRCodePictureWithResponse(t.Context(), &gen.GetQRCodePictureParams{ID: page.ScanID, Size: &size}))(t)
		wantGate(t, fmt.Sprint(size, " pixels"), r, 400)
	}
}

// TestPictureIsKeptAsLongAsItLives (Q2): a browser may keep the picture to the second for the rest of its life, of the length
// that its application chose, and never beyond. Then it is gone, in every size.
func TestPictureIsKeptAsLongAsItLives(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	for _, life := range []int{120, 45} {
		h.Exec(`UPDATE applications SET qr_seconds = $1`, life)
		page, size := h.ShowQR(nil), 300
		sized := func() *gen.GetQRCodePictureResult {
			return must(h.Client.GetQRCodePictureWithResponse(t.Context(), &gen.GetQRCodePictureParams{ID: page.ScanID, Size: &size}))(t)
		}
		for left := life; left > 0; left -= 15 {
			for what, r := range map[string]*gen.GetQRCodePictureResult{"its own size": page.Picture(), "another": sized()} {
				if got, want := r.HTTPResponse.Header.Get("Cache-Control"), fmt.Sprintf("private, max-age=%d", left); got != want {
					t.Errorf("%d s before its end, %s: %s, want %s", left, what, got, want)
				}
			}
			h.Clock.Advance(15 * time.Second)
		}
		wantGone(t, "an expired QR code", page)
		if o := wantGate(t, "an expired one in another size", sized(), 404); o.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("its refusal: %v", o.Header)
		}
	}
}
