package e2e

import (
	"bytes"
	"image"
	"image/png"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/impl/wechat"
	"github.com/menshen-auth/menshen/impl/wechat/wechattest"
	"github.com/menshen-auth/menshen/tests/harness"
)

// followers is a service whose application is connected to an official account and a mini program, and the people there.
type followers struct {
	t       *testing.T
	h       *harness.Instance
	double  *wechattest.Server
	account *wechattest.Account
	mini    db.Connection
}

func newFollowers(t *testing.T, configure ...func(*app.Config)) *followers {
	t.Helper()
	double := wechattest.New(t)
	h := harness.New(t, append([]func(*app.Config){harness.NoLimits, harness.Wechat(double)}, configure...)...)
	h.Clock.Freeze()
	_, account := h.Official(true, wechat.Change{Lang: ptr("en"), OneTap: ptr(true)})
	logo := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range logo.Pix {
		logo.Pix[i] = 255
	}
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, logo); err != nil {
		t.Fatal(err)
	}
	mini := h.MiniProgram(wechat.Change{LogoURL: ptr("https://example.com/logo.png"), Logo: ptr(drawn.Bytes())})
	return &followers{t, h, double, account, mini}
}

// push is an event of the official account; it returns what the person is told.
func (f *followers) push(message string) string {
	f.t.Helper()
	status, body := f.h.Push(f.account.Push(f.h.Clock.Now(), "", message))
	if status != 200 {
		f.t.Fatalf("push: HTTP %d %s", status, body)
	}
	return f.account.Open(body).Content
}

func (f *followers) scan(openID string, page *harness.Login) string {
	f.t.Helper()
	f.h.Clock.Advance(time.Second) // events of one person in one second are one event
	return f.push(wechattest.Scan(openID, f.double.Scene(page.Payload), f.h.Clock.Now()))
}

// act takes a step in the mini program, as whoever uses it.
func (f *followers) act(action gen.SetWechatMiniprogramQRCodeStatusDtoAction, openID, unionID, scene string, number *int) *gen.SetWechatMiniprogramQRCodeStatusResult {
	f.t.Helper()
	return must(f.h.Client.SetWechatMiniprogramQRCodeStatusWithResponse(f.t.Context(), nil, gen.SetWechatMiniprogramQRCodeStatusDto{
		Scene: scene, Code: f.double.Login(openID, unionID), Action: action, Number: number,
	}))(f.t)
}

const (
	scanThere    = gen.SetWechatMiniprogramQRCodeStatusDtoActionSCAN
	confirmThere = gen.SetWechatMiniprogramQRCodeStatusDtoActionCONFIRM
	cancelThere  = gen.SetWechatMiniprogramQRCodeStatusDtoActionCANCEL
)

var atOfficialAccount = gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeWechatOfficialAccount}

func atMiniProgram(merge bool) gen.GeneQRCodeDto {
	return gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeWechatMiniprogram, AutoMergeQRCode: &merge}
}

// sub is whose tokens they are.
func (f *followers) sub(ticket string) string {
	f.t.Helper()
	id, _ := verified(f.t, f.h, *tokens(f.t, f.h.Exchange(ticket)).AccessToken)["sub"].(string)
	return id
}

// TestOfficialAccountSignsIn (Q10) is the story of document 003's third type: the page shows a picture that WeChat understands,
// somebody scans it and follows the account, is told what was signed in, and the page's backend has tokens. The same person is
// the same user the next time, another one is another.
func TestOfficialAccountSignsIn(t *testing.T) {
	t.Parallel()
	f := newFollowers(t)
	f.h.ShowQROf(gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeWechatOfficialAccountMisspelt}) // the document's
	page := f.h.ShowQROf(atOfficialAccount, harness.Header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"))
	if !strings.HasPrefix(page.Payload, "http://weixin.qq.com/q/") || len(f.double.Scene(page.Payload)) != 32 {
		t.Errorf("the picture says %q", page.Payload)
	}
	wantState(t, page, gen.QRCodeStatusPENDING)
	told := f.scan("carol", page)
	for _, part := range []string{"You have confirmed a login.", "Application: Menshen", "Browser: Firefox 145.0", "IP: 127.0.0.1"} {
		if !strings.Contains(told, part) {
			t.Errorf("carol is told %q, without %q", told, part)
		}
	}
	wantState(t, page, gen.QRCodeStatusAUTHORIZED)
	carol := f.sub(page.Ticket())
	u := f.h.User(carol)
	if u.Username != nil || len(u.Identities) == 0 {
		t.Errorf("carol is %+v", u)
	}

	again := f.h.ShowQROf(atOfficialAccount)
	f.h.Clock.Advance(time.Second)
	f.push(wechattest.Subscribe("carol", f.double.Scene(again.Payload), f.h.Clock.Now()))
	if who := f.sub(again.Ticket()); who != carol {
		t.Errorf("the second time carol is %s", who)
	}
	others := f.h.ShowQROf(atOfficialAccount)
	f.scan("dave", others)
	if who := f.sub(others.Ticket()); who == carol {
		t.Error("dave is carol")
	}
	late := f.h.ShowQROf(atOfficialAccount)
	f.h.Clock.Advance(2 * time.Minute)
	if told := f.scan("carol", late); told != "The QR code has expired." {
		t.Errorf("too late, carol is told %q", told)
	}
	wantState(t, late, gen.QRCodeStatusEXPIRED)
}

// TestScanIsNotConfirming (Q5): unless the operator wants it so, who scans is asked first, having seen who asks: a poster may have
// been covered by somebody's own code. Only a 1 is yes.
func TestScanIsNotConfirming(t *testing.T) {
	t.Parallel()
	f := newFollowers(t)
	f.h.Exec(`UPDATE connections SET one_tap = false`)
	page := f.h.ShowQROf(atOfficialAccount)
	told := f.scan("carol", page)
	for _, part := range []string{"A page asks to be signed in as you:", "Application: Menshen", "IP: 127.0.0.1", "send 1; send 0"} {
		if !strings.Contains(told, part) {
			t.Errorf("carol is told %q, without %q", told, part)
		}
	}
	for _, text := range []string{"yes", "42", "10", "11"} {
		f.h.Clock.Advance(time.Second)
		if told := f.push(f.account.Text("carol", text, f.h.Clock.Now())); told != "" {
			t.Errorf("to %q carol is told %q", text, told)
		}
		wantState(t, page, gen.QRCodeStatusSCANNED)
	}
	f.h.Clock.Advance(time.Second)
	f.push(f.account.Text("carol", "1", f.h.Clock.Now()))
	wantState(t, page, gen.QRCodeStatusAUTHORIZED)

	page = f.h.ShowQROf(atOfficialAccount)
	f.scan("carol", page)
	f.h.Clock.Advance(time.Second)
	f.push(f.account.Text("carol", "0", f.h.Clock.Now()))
	wantState(t, page, gen.QRCodeStatusCANCELLED)
}

// TestNumberByChat (Q5): with number matching a scan is not enough: the person writes the number that the page shows, once.
func TestNumberByChat(t *testing.T) {
	t.Parallel()
	f := newFollowers(t)
	f.h.Exec(`UPDATE applications SET number_matching = true`)
	for what, try := range map[string]struct {
		text func(shown int) string
		want gen.QRCodeStatus
		told string
	}{
		"the right one": {strconv.Itoa, gen.QRCodeStatusAUTHORIZED, "You have confirmed the login: Menshen"},
		"a wrong one":   {func(n int) string { return strconv.Itoa(109 - n) }, gen.QRCodeStatusCANCELLED, "This is not the number that the page shows; the login was cancelled."},
		"no":            {func(int) string { return "0" }, gen.QRCodeStatusCANCELLED, "The login was cancelled: Menshen"},
	} {
		page := f.h.ShowQROf(atOfficialAccount)
		if told := f.scan("carol", page); !strings.Contains(told, "send the two digits") {
			t.Errorf("%s: carol is told %q", what, told)
		}
		wantState(t, page, gen.QRCodeStatusSCANNED)
		f.h.Clock.Advance(time.Second)
		if told := f.push(f.account.Text("dave", try.text(*page.Status().MatchNumber), f.h.Clock.Now())); told != "" {
			t.Errorf("%s: dave, who has scanned nothing, is told %q", what, told)
		}
		wantState(t, page, gen.QRCodeStatusSCANNED)
		if told := f.push(f.account.Text("carol", try.text(*page.Status().MatchNumber), f.h.Clock.Now())); told != try.told {
			t.Errorf("%s: carol is told %q, want %q", what, told, try.told)
		}
		wantState(t, page, try.want)
	}
}

// TestMiniProgramSignsIn (Q3, Q5, Q10) is the story of the second type: the code has a logo over it or beside it and can be read
// either way; the person sees who asks, and decides; nobody else does. Who is known to the official account under the same union
// id is the same user.
func TestMiniProgramSignsIn(t *testing.T) {
	t.Parallel()
	f := newFollowers(t)
	f.double.Union("carol-there", "union-of-carol")
	first := f.h.ShowQROf(atOfficialAccount)
	f.scan("carol-there", first)
	carol := f.sub(first.Ticket())

	for _, merge := range []bool{true, false} {
		page := f.h.ShowQROf(atMiniProgram(merge))
		if logo := page.LogoURL; (logo == nil) != merge || logo != nil && *logo != "https://example.com/logo.png" {
			t.Errorf("merged %t: the logo to lay over is %v", merge, logo)
		}
		scene := page.Payload // in the double's pictures
		if !strings.HasSuffix(page.URL, "id="+scene) {
			t.Errorf("the scene is %s, the picture at %s", scene, page.URL)
		}
		wantStatus(t, "confirmed before it was scanned", f.act(confirmThere, "carol-here", "union-of-carol", scene, nil), 422, 0)
		r := f.act(scanThere, "carol-here", "union-of-carol", scene, nil)
		if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.Login == nil || r.JSON200.Data.Login.AppID != f.h.Credentials.AppID {
			t.Fatalf("scan: %s", r.Body)
		}
		wantState(t, page, gen.QRCodeStatusSCANNED)
		wantStatus(t, "scanned by mallory", f.act(scanThere, "mallory", "", scene, nil), 422, 0)
		wantStatus(t, "confirmed by mallory", f.act(confirmThere, "mallory", "", scene, nil), 422, 0)
		if !merge {
			wantSuccess(t, "cancel", f.act(cancelThere, "carol-here", "union-of-carol", scene, nil))
			wantState(t, page, gen.QRCodeStatusCANCELLED)
			continue
		}
		wantSuccess(t, "confirm", f.act(confirmThere, "carol-here", "union-of-carol", scene, nil))
		if who := f.sub(page.Ticket()); who != carol {
			t.Errorf("carol of the mini program is %s, of the official account %s", who, carol)
		}
	}
	if people := f.h.Count(`SELECT count(*) FROM users`); people != 1 {
		t.Errorf("there are %d people, want carol alone", people)
	}
}

// TestMiniProgramNumber (Q5): in the mini program the number is picked.
func TestMiniProgramNumber(t *testing.T) {
	t.Parallel()
	f := newFollowers(t)
	f.h.Exec(`UPDATE applications SET number_matching = true`)
	page := f.h.ShowQROf(atMiniProgram(false))
	numbers := f.act(scanThere, "carol", "", page.Payload, nil).JSON200.Data.Login.Numbers
	shown := *page.Status().MatchNumber
	if !slices.Contains(numbers, shown) {
		t.Errorf("carol may pick of %v, the page shows %d", numbers, shown)
	}
	wantStatus(t, "without a number", f.act(confirmThere, "carol", "", page.Payload, nil), 422, 0)
	wantSuccess(t, "with it", f.act(confirmThere, "carol", "", page.Payload, &shown))
	wantState(t, page, gen.QRCodeStatusAUTHORIZED)
}

// TestWechatIsNoWayAroundTheAuthenticator: nobody vouches for who scans with WeChat, so who has an authenticator shows its code.
// The ticket is used up by then; one that shows up again ends the sign-in that waits.
func TestWechatIsNoWayAroundTheAuthenticator(t *testing.T) {
	t.Parallel()
	f := newFollowers(t)
	alice := f.h.SignUp("alice").EnrolTOTP()
	open := func() (ticket, mfaToken string) {
		t.Helper()
		f.h.Clock.Advance(harness.Step)
		page := f.h.ShowQROf(atOfficialAccount)
		f.scan("alice-there", page)
		ticket = page.Ticket()
		f.h.Exec(`UPDATE identities SET user_id = $1`, alice.ID) // as if an administrator had bound her
		f.h.Exec(`UPDATE qrlogins SET user_id = $1 WHERE user_id IS NOT NULL`, alice.ID)
		r := f.h.Exchange(ticket)
		wantStatus(t, "exchange", r, 403, 1635)
		if r.JSON200.MFATriggerData == nil {
			t.Fatalf("nothing to go on with: %s", r.Body)
		}
		return ticket, r.JSON200.MFATriggerData.MFAToken
	}
	_, mfaToken := open()
	wantSuccess(t, "with the code", f.h.Finish(mfaToken, alice.Code()))

	ticket, mfaToken := open()
	wantStatus(t, "the ticket again", f.h.Exchange(ticket), 403, 0)
	wantStatus(t, "the sign-in that waited", f.h.Finish(mfaToken, alice.Code()), 401, 2206)

	ticket, mfaToken = open()
	r := f.h.Finish(mfaToken, alice.Code())
	wantSuccess(t, "with the code", r)
	wantStatus(t, "the ticket again", f.h.Exchange(ticket), 403, 0)
	if f.h.Alive(*r.JSON200.Data.AccessToken) {
		t.Error("the session of a ticket that was used twice lives")
	}
}

// TestWechatAway (Q10): while WeChat does not answer, or has had enough, no QR code is made, and the refusal says when to come
// again; codes of other types are made all the same.
func TestWechatAway(t *testing.T) {
	t.Parallel()
	f := newFollowers(t)
	for what, fault := range map[string]struct {
		fault  wechattest.Fault
		status int
	}{
		"broken":     {wechattest.Fault{Raw: "500"}, 503},
		"quota used": {wechattest.Fault{Code: 45009}, 429},
	} {
		f.double.Fail(wechattest.PathQRCode, fault.fault)
		r := must(f.h.Client.CreateQRCodeWithResponse(t.Context(), nil, atOfficialAccount))(t)
		wantStatus(t, what, r, fault.status, 0)
		if r.HTTPResponse.Header.Get("Retry-After") == "" {
			t.Errorf("%s: the refusal does not say when to come again", what)
		}
	}
	f.h.ShowQR(nil)
}

// TestWechatCodesAreLimited (Q9): WeChat makes so many QR codes a day for a connection, so one connection asks for fewer; who asks
// for more is told when to come again. Other connections, and codes of other types, have their own.
func TestWechatCodesAreLimited(t *testing.T) {
	t.Parallel()
	f := newFollowers(t, func(c *app.Config) { c.LimitWechatCodes.Max = 2 })
	for range 2 {
		f.h.ShowQROf(atOfficialAccount)
	}
	r := must(f.h.Client.CreateQRCodeWithResponse(t.Context(), nil, atOfficialAccount))(t)
	if o := wantGate(t, "the third code", r, 429); o.Header.Get("Retry-After") != strconv.Itoa(12*60*60) {
		t.Errorf("the third code: %v", o.Header)
	}
	f.h.ShowQROf(atMiniProgram(false))
	f.h.ShowQR(nil)
	f.h.Clock.Advance(12 * time.Hour)
	f.h.ShowQROf(atOfficialAccount)
}

// TestNobodyIsMadeTwice (Q10): while WeChat does not say under which id a person is known at all programs of its owner, somebody
// new is not made: it could be somebody who is known already. WeChat sends the event again, and then it works.
func TestNobodyIsMadeTwice(t *testing.T) {
	t.Parallel()
	f := newFollowers(t)
	known := f.h.ShowQROf(atMiniProgram(false))
	wantSuccess(t, "scan", f.act(scanThere, "carol-here", "union-of-carol", known.Payload, nil))
	wantSuccess(t, "confirm", f.act(confirmThere, "carol-here", "union-of-carol", known.Payload, nil))
	carol := f.sub(known.Ticket())

	f.double.Union("carol-there", "union-of-carol")
	f.double.Fail(wechattest.PathUser, wechattest.Fault{Raw: "500"})
	page := f.h.ShowQROf(atOfficialAccount)
	event := wechattest.Scan("carol-there", f.double.Scene(page.Payload), f.h.Clock.Now())
	if status, body := f.h.Push(f.account.Push(f.h.Clock.Now(), "", event)); status != 503 {
		t.Errorf("while the id cannot be had: HTTP %d %s", status, body)
	}
	wantState(t, page, gen.QRCodeStatusSCANNED)
	f.push(event)
	if who := f.sub(page.Ticket()); who != carol {
		t.Errorf("carol of the official account is %s, of the mini program %s", who, carol)
	}
	if people := f.h.Count(`SELECT count(*) FROM users`); people != 1 {
		t.Errorf("there are %d people, want carol alone", people)
	}
}

// TestStrangersAreTold: where the connection makes no users, who is known to nobody is told so, and the page need not wait.
func TestStrangersAreTold(t *testing.T) {
	t.Parallel()
	f := newFollowers(t)
	f.h.Exec(`UPDATE connections SET create_users = false`)
	page := f.h.ShowQROf(atOfficialAccount)
	if told := f.scan("carol", page); told != "This external account belongs to nobody here." {
		t.Errorf("carol is told %q", told)
	}
	wantState(t, page, gen.QRCodeStatusCANCELLED)
	if people := f.h.Count(`SELECT count(*) FROM users`); people != 0 {
		t.Errorf("%d people were made", people)
	}
}
