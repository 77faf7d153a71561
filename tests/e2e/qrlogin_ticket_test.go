package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// TestTicketIsGoodOnce (Q4): a second use is refused, and since one of the two users of the ticket is a thief, it ends the
// session that the first use opened.
func TestTicketIsGoodOnce(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	ticket := alice.Approve(h.ShowQR(nil))
	set := tokens(t, h.Exchange(ticket))
	if !h.Alive(*set.AccessToken) {
		t.Fatal("the tokens are good for nothing")
	}
	wantStatus(t, "the second use", h.Exchange(ticket), 403, 0)
	if h.Alive(*set.AccessToken) {
		t.Error("the session survived the second use of its ticket")
	}
	wantRefused(t, "its refresh token", info(t, h, "", *set.RefreshToken), "sign in again")
	if !h.Alive(alice.AccessToken) {
		t.Error("the session on the phone ended too")
	}
	events, err := h.Store.Audit().Of(t.Context(), h.Credentials.UserpoolID, "session:"+sessionOf(t, *set.AccessToken), 5)
	if err != nil || len(events) != 1 || events[0].Action != "qrlogin.ticket_reused" || events[0].Actor != "app:"+h.Credentials.AppID {
		t.Errorf("the second use is not in the audit log: %v %+v", err, events)
	}
}

// TestTicketBelongsToApplication (Q4): only the application that showed the QR code gets the tokens, and only with its
// secret. A try that fails does not use the ticket up, nor end anything.
func TestTicketBelongsToApplication(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	pool, other := secondPool(t, h)
	c, wrong := h.Credentials, "wrong"
	ticket := alice.Approve(h.ShowQR(nil))
	exchange := func(id, secret *string, editors ...gen.RequestEditorFn) *gen.ExchangeQRCodeTicketResult {
		return must(h.Client.ExchangeQRCodeTicketWithResponse(t.Context(), nil, gen.ExchangeTokenSetWithQRcodeTicketDto{Ticket: ticket, ClientID: id, ClientSecret: secret}, editors...))(t)
	}
	wantStatus(t, "no application", exchange(nil, nil), 401, 0)
	wantStatus(t, "no secret", exchange(&c.AppID, nil), 401, 0)
	wantStatus(t, "an empty secret", exchange(&c.AppID, ptr("")), 401, 0)
	wantStatus(t, "a wrong secret", exchange(&c.AppID, &wrong), 401, 0)
	wantStatus(t, "a wrong secret with HTTP Basic", exchange(&c.AppID, &c.AppSecret, basic(c.AppID, wrong)), 401, 0)
	wantStatus(t, "another application's id", exchange(&other, &c.AppSecret), 401, 0)
	wantStatus(t, "the user's own token", exchange(nil, nil, harness.Header("Authorization", alice.AccessToken)), 401, 0)
	wantStatus(t, "another application's id in the header", exchange(nil, &c.AppSecret, harness.Header("x-authing-app-id", other)), 401, 0)
	set := tokens(t, exchange(nil, &c.AppSecret, harness.Header("x-authing-app-id", c.AppID)))
	if !h.Alive(*set.AccessToken) {
		t.Error("the tokens are good for nothing")
	}

	// A QR code of another application of the same userpool: its ticket is none for us.
	h.Exec(`UPDATE applications SET userpool_id = $1, is_default = false WHERE id = $2`, c.UserpoolID, other)
	page := h.ShowQR(nil, harness.Header("x-authing-app-id", other))
	wantStatus(t, "another application's ticket", h.Exchange(alice.Approve(page)), 403, 0)
	wantState(t, page, gen.QRCodeStatusAUTHORIZED)

	// And one of another userpool is not even there for our users.
	h.Exec(`UPDATE applications SET userpool_id = $1 WHERE id = $2`, pool, other)
	page = h.ShowQR(nil, harness.Header("x-authing-app-id", other))
	wantStatus(t, "scan by a user of another userpool", alice.Act(scan, page.ScanID), 404, 2241)
	wantState(t, page, gen.QRCodeStatusPENDING)
}

// TestSigningOutTakesTicketAlong: when the phone's session ends before the exchange, so does what it confirmed; and when it
// ends before the confirmation, it confirms nothing.
func TestSigningOutTakesTicketAlong(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	ticket, scanned := alice.Approve(h.ShowQR(nil)), h.ShowQR(nil)
	wantSuccess(t, "scan", alice.Act(scan, scanned.ScanID))
	if _, err := h.Store.Sessions().Revoke(t.Context(), h.Credentials.UserpoolID, sessionOf(t, alice.AccessToken), h.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "the ticket of a signed-out phone", h.Exchange(ticket), 403, 0)
	wantStatus(t, "confirm", alice.Act(confirm, scanned.ScanID), 401, 2020)

	alice.Login("")
	ticket = alice.Approve(h.ShowQR(nil))
	h.Exec(`UPDATE users SET status = 'Suspended' WHERE id = $1`, alice.ID)
	wantStatus(t, "the ticket of a suspended user", h.Exchange(ticket), 403, 2005)
}

// TestQRSessionIsAsGoodAsThePhones: the web session was proved by what proved the phone's, not more and not less.
func TestQRSessionIsAsGoodAsThePhones(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	amr := func() string {
		return amrOf(t, h, *tokens(t, h.Exchange(alice.Approve(h.ShowQR(nil)))).IDToken)
	}
	if got := amr(); got != "[pwd]" {
		t.Errorf("by a session with password: amr %s", got)
	}
	alice.EnrolTOTP()
	alice.Login(alice.Code())
	if got := amr(); got != "[pwd otp mfa]" {
		t.Errorf("by a session with authenticator: amr %s", got)
	}
}

// TestQRCodeForWhom: applications and access keys may make QR codes, a stale user token on the request does no harm, and
// what cannot be made is refused.
func TestQRCodeForWhom(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	old := alice.AccessToken
	h.Clock.Advance(time.Hour)
	create := func(app *string, body gen.GeneQRCodeDto, editors ...gen.RequestEditorFn) *gen.CreateQRCodeResult {
		return must(h.Client.CreateQRCodeWithResponse(t.Context(), &gen.CreateQRCodeParams{XAuthingAppID: app}, body, editors...))(t)
	}
	mobile := gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp}
	wantSuccess(t, "the application", create(&h.Credentials.AppID, mobile))
	wantSuccess(t, "a management token", create(nil, mobile, harness.Header("Authorization", "Bearer "+h.ManagementToken())))
	wantSuccess(t, "a signature", create(nil, mobile, h.Signer().Sign))
	for _, stale := range []string{old, "Bearer " + old, "nonsense", "Bearer nonsense", "Bearer", "Basic nonsense"} {
		wantSuccess(t, "a stale token", create(nil, mobile, harness.Header("Authorization", stale)))
	}
	wantStatus(t, "a wrong signature", create(nil, mobile, harness.Header("Authorization", "authing x:y")), 401, 1301)
	wantStatus(t, "an unknown application", create(ptr("unknown"), mobile), 404, 2011)
	_, other := secondPool(t, h)
	wantStatus(t, "a key for an application of another userpool", create(&other, mobile, h.Signer().Sign), 404, 2011)

	for _, kind := range []gen.GeneQRCodeDtoType{gen.GeneQRCodeDtoTypeWechatMiniprogram, gen.GeneQRCodeDtoTypeWechatOfficialAccount, "WECHAT_OFFICIAL_ACCOUN"} {
		wantStatus(t, string(kind), create(nil, gen.GeneQRCodeDto{Type: kind}), 422, 0)
	}
	wantGate(t, "an unknown type", create(nil, gen.GeneQRCodeDto{Type: "ALIPAY"}), 400)
	large := harness.JSON(map[string]any{"x": strings.Repeat("x", 4<<10)}) // Q8
	wantStatus(t, "too much custom data", create(nil, gen.GeneQRCodeDto{Type: mobile.Type, CustomData: large}), 400, 0)
	wantStatus(t, "too much context", create(nil, gen.GeneQRCodeDto{Type: mobile.Type, Context: large}), 400, 0)
}

// TestQRCodesAreLimited (Q9): QR codes by address and application, scans by user.
func TestQRCodesAreLimited(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitQRCodeIP.Max, c.LimitScan.Max = 4, 3 })
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	var pages []*harness.Login
	for range 4 {
		pages = append(pages, h.ShowQR(nil))
	}
	r := must(h.Client.CreateQRCodeWithResponse(t.Context(), nil, gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp}))(t)
	if o := wantGate(t, "the fifth QR code", r, 429); o.Header.Get("Retry-After") != "15" {
		t.Errorf("the fifth QR code: %v", o.Header)
	}
	for _, page := range pages[:3] {
		wantSuccess(t, "scan", alice.Act(scan, page.ScanID))
	}
	if o := wantGate(t, "the fourth scan", alice.Act(scan, pages[3].ScanID), 429); o.Header.Get("Retry-After") != "20" {
		t.Errorf("the fourth scan: %v", o.Header)
	}
}

// TestPicturesAreLimited (Q9): pictures of QR codes are drawn so many times for an address, whichever QR codes they are of, and
// then only as time passes. The QR code itself goes on.
func TestPicturesAreLimited(t *testing.T) {
	t.Parallel()
	h := harness.New(t, func(c *app.Config) { c.LimitPicture.Max = 3 })
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	page, other := h.ShowQR(nil), h.ShowQR(nil) // each of which has its picture read
	wantPicture := func(what string, r *gen.GetQRCodePictureResult) {
		t.Helper()
		if r.HTTPResponse.StatusCode != 200 {
			t.Errorf("%s: HTTP %d %s", what, r.HTTPResponse.StatusCode, r.Body)
		}
	}
	wantPicture("the third picture", page.Picture())
	if o := wantGate(t, "the fourth picture", other.Picture(), 429); o.Header.Get("Retry-After") != "20" {
		t.Errorf("the fourth picture: %v", o.Header)
	}
	wantSuccess(t, "without a picture", alice.Act(scan, other.ScanID))
	h.Clock.Advance(20 * time.Second)
	wantPicture("when the time has come", page.Picture())
	wantGate(t, "right after it", page.Picture(), 429)
}

// TestUsedTicketOfAnother (Q4): another application that shows a used ticket ends nobody's session, whoever gave it the ticket.
func TestUsedTicketOfAnother(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	ticket := alice.Approve(h.ShowQR(nil))
	set := tokens(t, h.Exchange(ticket))
	h.Exec(`INSERT INTO applications (userpool_id, id, name, secret_hash, created_at, browser_exchange) VALUES ($1, 'evil', 'Evil', '', now(), true)`, h.Credentials.UserpoolID)
	r := must(h.Client.ExchangeQRCodeTicketWithResponse(t.Context(), nil, gen.ExchangeQRCodeTicketJSONRequestBody{Ticket: ticket, ClientID: ptr("evil")}))(t)
	wantStatus(t, "by another application", r, 403, 0)
	if !h.Alive(*set.AccessToken) {
		t.Error("another application has ended the session")
	}
	before := h.Count(`SELECT count(*) FROM audit_log WHERE action = 'qrlogin.ticket_reused'`)
	for range 3 {
		wantStatus(t, "by its own", h.Exchange(ticket), 403, 0)
	}
	if h.Alive(*set.AccessToken) {
		t.Error("the session of a ticket that was used twice lives")
	}
	if n := h.Count(`SELECT count(*) FROM audit_log WHERE action = 'qrlogin.ticket_reused'`) - before; n != 1 {
		t.Errorf("the end of a session is in the audit log %d times", n)
	}
}
