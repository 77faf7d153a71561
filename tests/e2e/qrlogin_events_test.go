package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/tests/harness"
)

// wantEvent: the next event says this status, under its number, and a ticket only with AUTHORIZED.
func wantEvent(t *testing.T, e *harness.Events, id string, want gen.QRCodeStatus) gen.CheckQRCodeStatusDataDto {
	t.Helper()
	event := e.Next()
	got := event.Status(t)
	if event.ID != id || event.Name != "status" || got.Status != want || (got.Ticket != nil) != (want == gen.QRCodeStatusAUTHORIZED) {
		t.Fatalf("event %s %s says %s, ticket %t; want %s %s", event.Name, event.ID, got.Status, got.Ticket != nil, id, want)
	}
	if open := want == gen.QRCodeStatusPENDING || want == gen.QRCodeStatusSCANNED; open != (got.Interval != nil) {
		t.Errorf("%s: interval %v", want, got.Interval)
	}
	return got
}

// wantEnd: the stream ends, and nothing was said any more.
func wantEnd(t *testing.T, e *harness.Events) {
	t.Helper()
	if rest := e.Rest(); len(rest) != 0 {
		t.Errorf("after the end there is %+v", rest)
	}
}

// TestPagesFollowTheirOwnCode (Q1, Q3): two browsers listen while two phones scan, and each page is told of its own code, as
// it happens. The phone that comes second to a code is refused, and no page hears of it.
func TestPagesFollowTheirOwnCode(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice, bob := h.SignUp("alice"), h.SignUp("bob")
	one, other := h.ShowQR(nil), h.ShowQR(nil)
	first, second := one.Events(""), other.Events("")
	wantEvent(t, first, "1", gen.QRCodeStatusPENDING)
	wantEvent(t, second, "1", gen.QRCodeStatusPENDING)

	wantSuccess(t, "alice scans", alice.Act(scan, one.ScanID))
	if u := wantEvent(t, first, "2", gen.QRCodeStatusSCANNED).BriefUserInfo; u == nil || u.DisplayName != "alice" {
		t.Errorf("the page of alice's code sees %+v", u)
	}
	for _, action := range []gen.ChangeQRCodeStatusDtoAction{scan, confirm, cancel} {
		wantStatus(t, "bob, of alice's code: "+string(action), bob.Act(action, one.ScanID), 422, 0)
	}
	wantSuccess(t, "bob scans", bob.Act(scan, other.ScanID))
	if u := wantEvent(t, second, "2", gen.QRCodeStatusSCANNED).BriefUserInfo; u == nil || u.DisplayName != "bob" {
		t.Errorf("the page of bob's code sees %+v", u)
	}

	wantSuccess(t, "alice confirms", alice.Act(confirm, one.ScanID))
	ticket := wantEvent(t, first, "3", gen.QRCodeStatusAUTHORIZED).Ticket
	wantEnd(t, first)
	if set := tokens(t, h.Exchange(*ticket)); verified(t, h, *set.AccessToken)["sub"] != alice.ID {
		t.Error("the ticket of alice's page is not good for alice's session")
	}
	wantSuccess(t, "bob cancels", bob.Act(cancel, other.ScanID))
	wantEvent(t, second, "5", gen.QRCodeStatusCANCELLED)
	wantEnd(t, second)
}

// TestEventsOfAnotherReplica: the phone's requests reach another replica than the page's.
func TestEventsOfAnotherReplica(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	page := h.ShowQR(nil)
	events := page.Events("")
	wantEvent(t, events, "1", gen.QRCodeStatusPENDING)
	phone := h.Replica().NewClient(harness.Header("Authorization", alice.AccessToken))
	for _, step := range []struct {
		action gen.ChangeQRCodeStatusDtoAction
		id     string
		status gen.QRCodeStatus
	}{{scan, "2", gen.QRCodeStatusSCANNED}, {confirm, "3", gen.QRCodeStatusAUTHORIZED}} {
		r := must(phone.SetQRCodeStatusWithResponse(t.Context(), gen.ChangeQRCodeStatusDto{QrcodeID: page.ScanID, Action: step.action}))(t)
		wantSuccess(t, string(step.action), r)
		wantEvent(t, events, step.id, step.status)
	}
	wantEnd(t, events)
}

// TestEventsSayWhatPollingSays: in every state a stream that begins says what a poll says at that moment, the ticket, the
// number to pick and the user included, and nothing more.
func TestEventsSayWhatPollingSays(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	h.Exec(`UPDATE applications SET number_matching = true`)
	same := func(what string, page *harness.Login, want gen.QRCodeStatus) {
		t.Helper()
		events := page.Events("")
		defer events.Close()
		event := events.Next()
		poll := harness.OutcomeOf(must(h.Client.GetQRCodeStatusWithResponse(t.Context(), &gen.GetQRCodeStatusParams{QrcodeID: page.PollID}))(t))
		var told, polled map[string]any
		if err := errors.Join(json.Unmarshal([]byte(event.Data), &told), json.Unmarshal(poll.Data, &polled)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(told, polled) || told["status"] != string(want) {
			t.Errorf("%s: the stream says %s, a poll says %s, want %s", what, event.Data, poll.Data, want)
		}
	}
	unseen, cancelled, page := h.ShowQR(nil), h.ShowQR(nil), h.ShowQR(nil)
	same("unseen", page, gen.QRCodeStatusPENDING)
	alice.ScanLogin(page)
	same("scanned", page, gen.QRCodeStatusSCANNED)
	wantSuccess(t, "confirm", alice.Pick(page, *page.Status().MatchNumber))
	same("confirmed", page, gen.QRCodeStatusAUTHORIZED)
	tokens(t, h.Exchange(page.Ticket()))
	same("exchanged", page, gen.QRCodeStatusAUTHORIZED)
	alice.ScanLogin(cancelled)
	wantSuccess(t, "cancel", alice.Act(cancel, cancelled.ScanID))
	same("cancelled", cancelled, gen.QRCodeStatusCANCELLED)
	h.Clock.Advance(120 * time.Second)
	same("expired", unseen, gen.QRCodeStatusEXPIRED)

	late := h.ShowQR(nil)
	alice.ScanLogin(late)
	wantSuccess(t, "confirm", alice.Pick(late, *late.Status().MatchNumber))
	h.Clock.Advance(60 * time.Second)
	same("with an expired ticket", late, gen.QRCodeStatusEXPIRED)
}

// TestEventsTellLittle (Q6): of who has scanned, the page hears the name that others may see and the photo; nothing that the
// user did not show, before the confirmation and after it.
func TestEventsTellLittle(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	dto := everything()
	dto.Nickname, dto.Photo = ptr("鲍勃"), ptr("https://example.com/bob.png")
	h.CreateUser(dto)
	bob := h.SignIn("bob")
	page := h.ShowQR(map[string]any{"school": "hust"})
	events := page.Events("")
	var said []string
	said = append(said, events.Next().Data)
	bob.ScanLogin(page)
	said = append(said, events.Next().Data)
	wantSuccess(t, "confirm", bob.Act(confirm, page.ScanID))
	said = append(said, events.Next().Data)
	for n, want := range []string{
		`{"interval":1,"status":"PENDING"}`,
		`{"briefUserInfo":{"displayName":"鲍勃","photo":"https://example.com/bob.png"},"interval":1,"status":"SCANNED"}`,
		`{"briefUserInfo":{"displayName":"鲍勃","photo":"https://example.com/bob.png"},"status":"AUTHORIZED","ticket":"` + page.Ticket() + `"}`,
	} {
		if said[n] != want {
			t.Errorf("event %d says %s, want %s", n+1, said[n], want)
		}
	}
}

// TestEventsResume: who lost the connection says what arrived last, and is told what it missed and nothing twice. When there
// is nothing to come the answer is 204, after which a browser asks no more.
func TestEventsResume(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	page := h.ShowQR(nil)
	lost := page.Events("")
	wantEvent(t, lost, "1", gen.QRCodeStatusPENDING)
	if lost.Retry != time.Second {
		t.Errorf("to be asked again after %s", lost.Retry)
	}
	lost.Close()

	back := page.Events(lost.LastID)
	wantSuccess(t, "scan", alice.Act(scan, page.ScanID))
	wantEvent(t, back, "2", gen.QRCodeStatusSCANNED) // and not PENDING again
	back.Close()

	wantSuccess(t, "confirm", alice.Act(confirm, page.ScanID))
	for _, last := range []string{"2", "1", "0", ""} {
		events := page.Events(last)
		wantEvent(t, events, "3", gen.QRCodeStatusAUTHORIZED)
		wantEnd(t, events)
	}
	gone := h.ShowQR(nil)
	wantSuccess(t, "scan", alice.Act(scan, gone.ScanID))
	wantSuccess(t, "cancel", alice.Act(cancel, gone.ScanID))
	for last, l := range map[string]*harness.Login{"3": page, "5": gone, "9999999999999999": page} {
		r := must(h.Client.StreamQRCodeEventsWithResponse(t.Context(), &gen.StreamQRCodeEventsParams{QrcodeID: l.PollID, LastEventID: &last}))(t)
		if r.HTTPResponse.StatusCode != http.StatusNoContent || len(r.Body) != 0 || r.HTTPResponse.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("after %s: HTTP %d %v %s", last, r.HTTPResponse.StatusCode, r.HTTPResponse.Header, r.Body)
		}
	}
	for _, last := range []string{"-1", "x", "1;2", strings.Repeat("1", 17)} {
		r := must(h.Client.StreamQRCodeEventsWithResponse(t.Context(), &gen.StreamQRCodeEventsParams{QrcodeID: page.PollID, LastEventID: &last}))(t)
		wantGate(t, "Last-Event-ID "+last, r, 400)
	}
}

// TestEventsOfAnExpiry (Q2): nothing happens when a QR code expires, and the page is told all the same.
func TestEventsOfAnExpiry(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	h.Clock.Freeze()
	alice := h.SignUp("alice")
	unseen, scanned := h.ShowQR(nil), h.ShowQR(nil)
	waiting, deciding := unseen.Events(""), scanned.Events("")
	wantEvent(t, waiting, "1", gen.QRCodeStatusPENDING)
	wantEvent(t, deciding, "1", gen.QRCodeStatusPENDING)
	wantSuccess(t, "scan", alice.Act(scan, scanned.ScanID))
	wantEvent(t, deciding, "2", gen.QRCodeStatusSCANNED)
	h.Clock.Advance(120 * time.Second)
	for _, events := range []*harness.Events{waiting, deciding} {
		if u := wantEvent(t, events, "6", gen.QRCodeStatusEXPIRED).BriefUserInfo; u != nil {
			t.Errorf("an expired QR code still tells who scanned it: %+v", u)
		}
		wantEnd(t, events)
	}
}

// TestPhotographOpensNoStream (Q1): who photographs the screen has the scan id, which nothing is told to. A stream is refused
// with a status of its own, since it has no envelope, in the status dialect.
func TestPhotographOpensNoStream(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	page := h.ShowQR(nil)
	ticket := alice.Approve(page)
	for what, id := range map[string]string{"scan id": page.ScanID, "ticket": ticket, "nonsense": "nonsense"} {
		r := must(h.Client.StreamQRCodeEventsWithResponse(t.Context(), &gen.StreamQRCodeEventsParams{QrcodeID: id}))(t)
		o := wantGate(t, "events of the "+what, r, 404)
		if o.StatusCode != 404 || o.APICode != 2241 || o.Header.Get("Content-Type") != "application/json" {
			t.Errorf("events of the %s: %v %s", what, o.Header, o.Body)
		}
	}
}

// TestEventsAreNotKept: no cache keeps a stream and no proxy waits for more of it; and who asks with HEAD is told just that,
// at once, without taking the place of a page.
func TestEventsAreNotKept(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	page := h.ShowQR(nil)
	path := "/api/v3/qrcode-events?qrcodeId=" + page.PollID
	headers := func(what string, r *http.Response) {
		t.Helper()
		for name, want := range map[string]string{
			"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s: %s, want %s", what, name, got, want)
			}
		}
		if r.StatusCode != http.StatusOK || r.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: HTTP %d %v", what, r.StatusCode, r.Header)
		}
	}
	headers("GET", page.Events("").HTTPResponse)
	for range 2 * watchersOfOne {
		r := h.Send(http.MethodHead, path, nil, "")
		headers("HEAD", r.HTTPResponse)
		if len(r.Body) != 0 {
			t.Errorf("HEAD: %s", r.Body)
		}
	}
	if text := h.Log.String(); strings.Contains(text, "cut off") || strings.Contains(text, "level=ERROR") {
		t.Errorf("the log makes something of it: %s", text)
	}
	if r := h.Send(http.MethodPost, path, nil, ""); r.HTTPResponse.StatusCode != 405 || r.HTTPResponse.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: HTTP %d %v", r.HTTPResponse.StatusCode, r.HTTPResponse.Header)
	}
	if r := h.Send(http.MethodGet, path, http.Header{"Accept": {"application/problem+json"}, "Last-Event-Id": {"x"}}, ""); r.HTTPResponse.StatusCode != 400 {
		t.Errorf("a refusal as problem details: HTTP %d %s", r.HTTPResponse.StatusCode, r.Body)
	}
}

// watchersOfOne is how many streams of one QR code go on.
const watchersOfOne = 3

// TestFewListenToOneCode (Q9): a page has one stream, and leaves some behind that nobody reads. Of one code the newest go on; the
// older ones end, and take nothing from other pages.
func TestFewListenToOneCode(t *testing.T) {
	t.Parallel()
	h := harness.New(t)
	alice := h.SignUp("alice")
	page, other := h.ShowQR(nil), h.ShowQR(nil)
	elsewhere := other.Events("")
	wantEvent(t, elsewhere, "1", gen.QRCodeStatusPENDING)
	var open []*harness.Events
	for range watchersOfOne + 2 {
		open = append(open, page.Events(""))
		wantEvent(t, open[len(open)-1], "1", gen.QRCodeStatusPENDING)
	}
	for i, old := range open[:2] {
		if rest := old.Rest(); len(rest) != 0 {
			t.Errorf("the older stream %d is told %+v", i, rest)
		}
	}
	wantSuccess(t, "scan", alice.Act(scan, page.ScanID))
	for _, stream := range open[2:] {
		wantEvent(t, stream, "2", gen.QRCodeStatusSCANNED)
	}
	wantSuccess(t, "scan", alice.Act(scan, other.ScanID))
	wantEvent(t, elsewhere, "2", gen.QRCodeStatusSCANNED)
}
