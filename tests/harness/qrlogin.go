package harness

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/menshen-auth/menshen/gen"
)

// Login is a login QR code as the page has it that shows it.
type Login struct {
	h       *Instance
	PollID  string // what the page keeps to itself
	URL     string // of the picture
	LogoURL *string
	ScanID  string // what a phone reads from the picture
	Payload string // all that a phone reads
}

// ShowQR makes a login QR code and reads its picture as a phone would.
func (h *Instance) ShowQR(customData map[string]any, editors ...gen.RequestEditorFn) *Login {
	h.t.Helper()
	body := gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp}
	if customData != nil {
		body.CustomData = JSON(customData)
	}
	l := h.ShowQROf(body, editors...)
	var payload struct{ QRCodeID string }
	h.must(json.Unmarshal([]byte(l.Payload), &payload))
	l.ScanID = payload.QRCodeID
	return l
}

// MakeQR is ShowQR without looking at the picture, which takes longer than all that comes after.
func (h *Instance) MakeQR() *Login {
	h.t.Helper()
	r, err := h.Client.CreateQRCodeWithResponse(context.Background(), nil, gen.GeneQRCodeDto{Type: gen.GeneQRCodeDtoTypeMobileApp})
	h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		h.t.Fatalf("login QR code: %s", r.Body)
	}
	address, err := url.Parse(r.JSON200.Data.URL)
	h.must(err)
	return &Login{h: h, PollID: r.JSON200.Data.QrcodeID, URL: r.JSON200.Data.URL, ScanID: address.Query().Get("id")}
}

// ShowQROf makes a login QR code of any type and reads its picture. What a scan leads to is WeChat's business for most types.
func (h *Instance) ShowQROf(body gen.GeneQRCodeDto, editors ...gen.RequestEditorFn) *Login {
	h.t.Helper()
	r, err := h.Client.CreateQRCodeWithResponse(context.Background(), nil, body, editors...)
	h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		h.t.Fatalf("login QR code: %s", r.Body)
	}
	l := &Login{h: h, PollID: r.JSON200.Data.QrcodeID, URL: r.JSON200.Data.URL, LogoURL: r.JSON200.Data.CustomLogoURL}
	l.Payload = h.ReadQR(h.Picture(l.Picture().Body))
	return l
}

// Picture asks for the picture.
func (l *Login) Picture() *gen.GetQRCodePictureResult {
	l.h.t.Helper()
	address, err := url.Parse(l.URL)
	l.h.must(err)
	r, err := l.h.Client.GetQRCodePictureWithResponse(context.Background(), &gen.GetQRCodePictureParams{ID: address.Query().Get("id")})
	l.h.must(err)
	return r
}

// Status is what the page learns when it polls.
func (l *Login) Status() gen.CheckQRCodeStatusDataDto {
	l.h.t.Helper()
	r, err := l.h.Client.GetQRCodeStatusWithResponse(context.Background(), &gen.GetQRCodeStatusParams{QrcodeID: l.PollID})
	l.h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		l.h.t.Fatalf("status: %s", r.Body)
	}
	return *r.JSON200.Data
}

// Ticket is the ticket that the page sees; the test ends when there is none.
func (l *Login) Ticket() string {
	l.h.t.Helper()
	status := l.Status()
	if status.Ticket == nil {
		l.h.t.Fatalf("no ticket; the status is %s", status.Status)
	}
	return *status.Ticket
}

// Exchange gives the ticket to the service, as the backend of the default application.
func (h *Instance) Exchange(ticket string) *gen.ExchangeQRCodeTicketResult {
	h.t.Helper()
	r, err := h.Client.ExchangeQRCodeTicketWithResponse(context.Background(), nil, gen.ExchangeQRCodeTicketJSONRequestBody{
		Ticket: ticket, ClientID: &h.Credentials.AppID, ClientSecret: &h.Credentials.AppSecret,
	})
	h.must(err)
	return r
}

// Act takes a step on the phone.
func (p *Person) Act(action gen.ChangeQRCodeStatusDtoAction, id string) *gen.SetQRCodeStatusResult {
	p.t.Helper()
	r, err := p.Client.SetQRCodeStatusWithResponse(context.Background(), gen.SetQRCodeStatusJSONRequestBody{QrcodeID: id, Action: action})
	p.h.must(err)
	return r
}

// ScanLogin scans a login QR code and returns what the phone shows then.
func (p *Person) ScanLogin(l *Login) gen.QRCodeLoginDto {
	p.t.Helper()
	r := p.Act(gen.ChangeQRCodeStatusDtoActionSCAN, l.ScanID)
	if r.JSON200 == nil || r.JSON200.Data == nil || r.JSON200.Data.Login == nil {
		p.t.Fatalf("scan: %s", r.Body)
	}
	return *r.JSON200.Data.Login
}

// Pick confirms with number matching.
func (p *Person) Pick(l *Login, number int) *gen.SetQRCodeStatusResult {
	p.t.Helper()
	r, err := p.Client.SetQRCodeStatusWithResponse(context.Background(), gen.SetQRCodeStatusJSONRequestBody{
		QrcodeID: l.ScanID, Action: gen.ChangeQRCodeStatusDtoActionCONFIRM, Number: &number,
	})
	p.h.must(err)
	return r
}

// Approve scans and confirms, and returns the ticket that the page then sees.
func (p *Person) Approve(l *Login) string {
	p.t.Helper()
	for _, action := range []gen.ChangeQRCodeStatusDtoAction{gen.ChangeQRCodeStatusDtoActionSCAN, gen.ChangeQRCodeStatusDtoActionCONFIRM} {
		if r := p.Act(action, l.ScanID); !OutcomeOf(r).Success() {
			p.t.Fatalf("%s: %s", action, r.Body)
		}
	}
	return l.Ticket()
}
