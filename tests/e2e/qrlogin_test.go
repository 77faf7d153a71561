package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

const (
	scan    = gen.ChangeQRCodeStatusDtoActionSCAN
	confirm = gen.ChangeQRCodeStatusDtoActionCONFIRM
	cancel  = gen.ChangeQRCodeStatusDtoActionCANCEL
)

// wantState: the page sees this status, and a ticket only with AUTHORIZED.
func wantState(t *testing.T, l *harness.Login, want gen.QRCodeStatus) {
	t.Helper()
	got := l.Status()
	if got.Status != want || (got.Ticket != nil) != (want == gen.QRCodeStatusAUTHORIZED) {
		t.Errorf("want %s, got %s, ticket %t", want, got.Status, got.Ticket != nil)
	}
}

// tokens are those of an exchange; the test ends without them.
func tokens(t *testing.T, r *gen.ExchangeQRCodeTicketResult) *gen.LoginTokenResponseDataDto {
	t.Helper()
	if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.AccessToken == nil {
		t.Fatalf("exchange: %s", r.Body)
	}
	return r.JSON200.Data
}

// TestQRLogin is the story of document 003: the page shows a picture, the phone reads it, scans and confirms, the page's
// backend has tokens. The custom data is the user's from the confirmation on.
func TestQRLogin(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	dto := everything()
	dto.Nickname, dto.Photo = ptr("鲍勃"), ptr("https://example.com/bob.png")
	h.CreateUser(dto)
	bob := h.SignIn("bob")

	page := h.ShowQR(map[string]any{"school": "hust"})
	var payload map[string]any
	if err := json.Unmarshal([]byte(page.Payload), &payload); err != nil {
		t.Fatal(err)
	}
	for member, want := range map[string]any{
		"scene": "APP_AUTH", "random": page.ScanID, "qrcodeId": page.ScanID, "userPoolId": h.Credentials.UserpoolID,
		"createdAt": h.Clock.Now().Format("2006-01-02T15:04:05.000Z"), "expiresIn": 120.0,
	} {
		if payload[member] != want {
			t.Errorf("the picture says %s = %v, want %v", member, payload[member], want)
		}
	}
	if strings.Contains(page.Payload, "hust") {
		t.Error("the picture shows the custom data to everybody")
	}
	if !strings.HasPrefix(page.URL, h.URL+"/api/v3/qrcode.png?id=") {
		t.Errorf("the picture is at %s", page.URL)
	}

	wantState(t, page, gen.QRCodeStatusPENDING)
	wantSuccess(t, "scan", bob.Act(scan, page.ScanID))
	wantState(t, page, gen.QRCodeStatusSCANNED)
	if u := page.Status().BriefUserInfo; u == nil || u.DisplayName != "鲍勃" || u.Photo != "https://example.com/bob.png" {
		t.Errorf("after the scan the page sees %+v", u)
	}
	if data := harness.Members(h.User(bob.ID).CustomData); len(data) != 0 {
		t.Errorf("custom data before the confirmation: %v", data)
	}
	wantSuccess(t, "confirm", bob.Act(confirm, page.ScanID))
	wantState(t, page, gen.QRCodeStatusAUTHORIZED)
	if u := h.User(bob.ID); harness.Members(u.CustomData)["school"] != "hust" {
		t.Errorf("custom data: %v", harness.Members(u.CustomData))
	}

	events, err := h.Store.Audit().Of(t.Context(), h.Credentials.UserpoolID, "app:"+h.Credentials.AppID, 2)
	if err != nil || len(events) != 2 || events[0].Action != "qrlogin.confirm" || events[1].Action != "qrlogin.scan" || events[0].Actor != "user:"+bob.ID {
		t.Errorf("the steps are not in the audit log: %v %+v", err, events)
	}

	set := tokens(t, h.Exchange(page.Ticket()))
	if claims := verified(t, h, *set.AccessToken); claims["sub"] != bob.ID || claims["aud"] != h.Credentials.AppID {
		t.Errorf("access token: %v", claims)
	}
	if set.IDToken == nil || set.RefreshToken == nil || !h.Alive(*set.AccessToken) || !h.Alive(bob.AccessToken) {
		t.Errorf("token set: %+v", *set)
	}
	if got := page.Status(); got.Status != gen.QRCodeStatusAUTHORIZED || got.Ticket != nil {
		t.Errorf("after the exchange: %s, ticket %t", got.Status, got.Ticket != nil)
	}
}

// TestQRLoginOlderNames: clients of the older names, and those that pass the creator's id on to the phone, work as well;
// so do raw and Bearer tokens, and a backend that proves itself with HTTP Basic.
func TestQRLoginOlderNames(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.SignUp("alice")
	set := signInSet(t, h, "alice", "")
	page := h.ShowQR(nil)
	for _, scheme := range []string{"", "Bearer ", "bearer "} {
		phone := h.NewClient(harness.Header("Authorization", scheme+*set.AccessToken))
		r := must(phone.SetQRCodeStatusWithResponse(t.Context(), gen.ChangeQRCodeStatusDto{QrcodeID: page.PollID, Action: scan}))(t)
		wantSuccess(t, "scan with the scheme "+scheme, r)
	}
	change := must(h.NewClient(harness.Header("Authorization", *set.AccessToken)).ChangeQRCodeStatusWithResponse(t.Context(), gen.ChangeQRCodeStatusDto{QrcodeID: page.PollID, Action: confirm}))(t)
	wantSuccess(t, "confirm by the older name", change)
	if o := harness.OutcomeOf(change); o.Data != nil {
		t.Errorf("the older name has data: %s", o.Body)
	}
	check := must(h.Client.CheckQRCodeStatusWithResponse(t.Context(), &gen.CheckQRCodeStatusParams{QrcodeID: page.PollID}))(t)
	if check.JSON200 == nil || check.JSON200.Data == nil || check.JSON200.Data.Ticket == nil || *check.JSON200.Data.Ticket != page.Ticket() {
		t.Errorf("the older name's status: %s", check.Body)
	}
	wantStatus(t, "an unknown id", must(h.Client.CheckQRCodeStatusWithResponse(t.Context(), &gen.CheckQRCodeStatusParams{QrcodeID: "unknown"}))(t), 404, 2241)
	r := must(h.Client.ExchangeQRCodeTicketWithResponse(t.Context(), nil, gen.ExchangeTokenSetWithQRcodeTicketDto{Ticket: page.Ticket()}, basic(h.Credentials.AppID, h.Credentials.AppSecret)))(t)
	if !h.Alive(*tokens(t, r).AccessToken) {
		t.Error("the tokens are good for nothing")
	}
}

// TestPhotographIsWorthless (Q1): who photographs the screen has the scan id. It asks for no status, and is no ticket.
func TestPhotographIsWorthless(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	page := h.ShowQR(nil)
	if page.ScanID == page.PollID || len(page.ScanID) < 32 || len(page.PollID) < 32 || strings.Contains(page.Payload+page.URL, page.PollID) {
		t.Errorf("scan id %q, poll id %q, payload %s", page.ScanID, page.PollID, page.Payload)
	}
	ticket := alice.Approve(page)
	for what, id := range map[string]string{"scan id": page.ScanID, "ticket": ticket, "nonsense": "nonsense"} {
		r := must(h.Client.GetQRCodeStatusWithResponse(t.Context(), &gen.GetQRCodeStatusParams{QrcodeID: id}))(t)
		wantStatus(t, "status of the "+what, r, 404, 2241)
	}
	for what, id := range map[string]string{"scan id": page.ScanID, "poll id": page.PollID, "nonsense": "nonsense"} {
		wantStatus(t, "exchange of the "+what, h.Exchange(id), 403, 0)
	}
	tokens(t, h.Exchange(ticket))
}

// TestOneSessionDecides (Q3): the session that scanned confirms or cancels, and no other: not another user's, not another
// one of the same user. Nothing can be confirmed before it was scanned, nor after the end.
func TestOneSessionDecides(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice, bob := h.SignUp("alice"), h.SignUp("bob")
	tablet := h.SignIn("alice")
	page := h.ShowQR(nil)
	wantStatus(t, "confirm before the scan", alice.Act(confirm, page.ScanID), 422, 0)
	wantStatus(t, "cancel before the scan", alice.Act(cancel, page.ScanID), 422, 0)
	wantState(t, page, gen.QRCodeStatusPENDING)
	wantSuccess(t, "scan", alice.Act(scan, page.ScanID))
	wantSuccess(t, "the same scan, sent again", alice.Act(scan, page.ScanID))
	for name, other := range map[string]*harness.Person{"another user": bob, "another session": tablet} {
		for _, action := range []gen.ChangeQRCodeStatusDtoAction{scan, confirm, cancel} {
			wantStatus(t, string(action)+" by "+name, other.Act(action, page.ScanID), 422, 0)
		}
	}
	wantState(t, page, gen.QRCodeStatusSCANNED)
	wantSuccess(t, "confirm", alice.Act(confirm, page.ScanID))
	for _, action := range []gen.ChangeQRCodeStatusDtoAction{scan, confirm, cancel} {
		wantStatus(t, string(action)+" after the confirmation", alice.Act(action, page.ScanID), 422, 0)
	}
	wantState(t, page, gen.QRCodeStatusAUTHORIZED)

	r := must(h.Client.SetQRCodeStatusWithResponse(t.Context(), gen.ChangeQRCodeStatusDto{QrcodeID: page.ScanID, Action: scan}))(t)
	wantStatus(t, "nobody", r, 401, 2020)
	wantStatus(t, "an unknown QR code", alice.Act(scan, "unknown"), 404, 2241)
}

// TestCancelTurnsAway: after a cancel there is no way back, no ticket and no picture.
func TestCancelTurnsAway(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	page := h.ShowQR(map[string]any{"school": "hust"})
	wantSuccess(t, "scan", alice.Act(scan, page.ScanID))
	if r := page.Picture(); r.HTTPResponse.StatusCode != 200 {
		t.Errorf("the picture is gone too early: %s", r.Body)
	}
	wantSuccess(t, "cancel", alice.Act(cancel, page.ScanID))
	wantState(t, page, gen.QRCodeStatusCANCELLED)
	for _, action := range []gen.ChangeQRCodeStatusDtoAction{scan, confirm, cancel} {
		wantStatus(t, string(action)+" after the cancel", alice.Act(action, page.ScanID), 422, 0)
	}
	wantGone(t, "a cancelled QR code", page)
	if data := harness.Members(h.User(alice.ID).CustomData); len(data) != 0 {
		t.Errorf("custom data of a cancelled login: %v", data)
	}
}

// wantGone: the picture is refused with a status of its own, since a picture has no envelope, in the status dialect.
func wantGone(t *testing.T, what string, l *harness.Login) {
	t.Helper()
	o := wantGate(t, what, l.Picture(), 404)
	if o.StatusCode != 404 || o.APICode != 2241 || o.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: %s", what, o.Body)
	}
}

// TestQRCodeExpires (Q2): 120 seconds for the picture, 60 for the ticket. The end is a status, and is not confused with an
// id that never was.
func TestQRCodeExpires(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	unseen, scanned, confirmed := h.ShowQR(nil), h.ShowQR(nil), h.ShowQR(nil)
	wantSuccess(t, "scan", alice.Act(scan, scanned.ScanID))

	h.Clock.Advance(120*time.Second - time.Millisecond)
	wantState(t, unseen, gen.QRCodeStatusPENDING)
	wantState(t, scanned, gen.QRCodeStatusSCANNED)
	if cache := unseen.Picture().HTTPResponse.Header.Get("Cache-Control"); cache != "private, max-age=0" {
		t.Errorf("in its last millisecond the picture may be kept: %s", cache)
	}
	ticket := alice.Approve(confirmed)
	h.Clock.Advance(time.Millisecond)
	for what, l := range map[string]*harness.Login{"unseen": unseen, "scanned": scanned} {
		wantState(t, l, gen.QRCodeStatusEXPIRED)
		for _, action := range []gen.ChangeQRCodeStatusDtoAction{scan, confirm, cancel} {
			wantStatus(t, string(action)+" of an expired one, "+what, alice.Act(action, l.ScanID), 422, 0)
		}
		wantGone(t, "an expired QR code", l)
		if l.Status().BriefUserInfo != nil {
			t.Error("an expired QR code still tells who scanned it")
		}
	}
	wantState(t, confirmed, gen.QRCodeStatusAUTHORIZED)
	wantGone(t, "a confirmed QR code", confirmed)

	h.Clock.Advance(60*time.Second - time.Millisecond)
	wantState(t, confirmed, gen.QRCodeStatusEXPIRED)
	wantStatus(t, "an expired ticket", h.Exchange(ticket), 403, 0)
	wantStatus(t, "an unknown id", must(h.Client.GetQRCodeStatusWithResponse(t.Context(), &gen.GetQRCodeStatusParams{QrcodeID: "unknown"}))(t), 404, 2241)
}
