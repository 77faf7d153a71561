package qrlogin

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/wire"
)

// Applications finds the application that a request is about.
type Applications interface {
	// ApplicationOf returns the application with the id, of the userpool if one is named; without an id the default one.
	ApplicationOf(ctx context.Context, userpoolID, id string) (db.Application, error)
	// Client is the application that a caller is, by its secret or, of a public client, by its id alone.
	Client(ctx context.Context, id, secret string) (authn.Application, error)
}

// API is the QR login operations of the contract.
type API struct {
	service      *Service
	applications Applications
}

// NewAPI returns the QR login operations of the contract.
func NewAPI(s *Service, a Applications) *API { return &API{s, a} }

// CreateQRCode makes a login QR code.
func (a *API) CreateQRCode(ctx context.Context, req gen.CreateQRCodeRequestObject) (gen.CreateQRCodeResponseObject, error) {
	app, err := a.application(ctx, optional.Value(req.Params.XAuthingUserpoolID), optional.Value(req.Params.XAuthingAppID))
	if err != nil {
		return nil, err
	}
	asked := Asked{
		Type: string(req.Body.Type), CustomData: req.Body.CustomData, Context: wire.Sent(ctx, req.Body.Context, "context"),
		ConnectionID: optional.Value(req.Body.ExtIdpConnID), MergeLogo: optional.Value(req.Body.AutoMergeQRCode),
	}
	if req.Body.Type == gen.GeneQRCodeDtoTypeWechatOfficialAccountMisspelt {
		asked.Type = db.QRWechatOfficialAccount
	}
	created, err := a.service.Create(ctx, app, asked)
	if err != nil {
		return nil, err
	}
	return gen.CreateQRCode200JSONResponse{Data: &gen.GeneQRCodeDataDto{
		QrcodeID: created.PollID, URL: created.URL, ExpiresIn: optional.Of(int(created.Life.Seconds())), Interval: interval(),
		CustomLogoURL: optional.Of(created.Logo),
	}}, nil
}

// application is the one of the headers; of a management caller, one of its own userpool.
func (a *API) application(ctx context.Context, userpoolID, id string) (db.Application, error) {
	if m := authn.From(ctx).Management; m != nil {
		userpoolID = m.UserpoolID
	}
	return a.applications.ApplicationOf(ctx, userpoolID, id)
}

func interval() *int { return optional.Of(int(PollInterval.Seconds())) }

// GetQRCodePicture draws the QR code.
func (a *API) GetQRCodePicture(ctx context.Context, req gen.GetQRCodePictureRequestObject) (gen.GetQRCodePictureResponseObject, error) {
	png, life, err := a.service.Picture(ctx, req.Params.ID, optional.Value(req.Params.Size))
	if err != nil {
		return nil, err
	}
	cache := fmt.Sprintf("private, max-age=%d", int(life.Seconds()))
	return gen.GetQRCodePicture200ImagePngResponse{
		Body:          bytes.NewReader(png),
		ContentLength: int64(len(png)),
		Headers:       gen.GetQRCodePicture200ResponseHeaders{CacheControl: &cache},
	}, nil
}

// GetQRCodeStatus tells the creator of a QR code how far the login has come.
func (a *API) GetQRCodeStatus(ctx context.Context, req gen.GetQRCodeStatusRequestObject) (gen.GetQRCodeStatusResponseObject, error) {
	answer, err := a.status(ctx, req.Params.QrcodeID)
	return gen.GetQRCodeStatus200JSONResponse{CheckQRCodeStatusJSONResponse: answer}, err
}

// CheckQRCodeStatus is GetQRCodeStatus under its older name.
func (a *API) CheckQRCodeStatus(ctx context.Context, req gen.CheckQRCodeStatusRequestObject) (gen.CheckQRCodeStatusResponseObject, error) {
	answer, err := a.status(ctx, req.Params.QrcodeID)
	return gen.CheckQRCodeStatus200JSONResponse{CheckQRCodeStatusJSONResponse: answer}, err
}

func (a *API) status(ctx context.Context, pollID string) (gen.CheckQRCodeStatusJSONResponse, error) {
	status, err := a.service.Status(ctx, pollID)
	if err != nil {
		return gen.CheckQRCodeStatusJSONResponse{}, err
	}
	return gen.CheckQRCodeStatusJSONResponse{Data: statusDto(status)}, nil
}

func statusDto(s Status) *gen.CheckQRCodeStatusDataDto {
	data := &gen.CheckQRCodeStatusDataDto{
		Status: gen.QRCodeStatus(s.State), Ticket: optional.Of(s.Ticket), MatchNumber: optional.Of(s.Number),
	}
	if u := s.User; u != nil {
		data.BriefUserInfo = &gen.QRCodeBriefUserInfo{DisplayName: u.DisplayName, Photo: u.Photo}
	}
	if s.Open() {
		data.Interval = interval()
	}
	return data
}

// SetQRCodeStatus takes a step on the phone.
func (a *API) SetQRCodeStatus(ctx context.Context, req gen.SetQRCodeStatusRequestObject) (gen.SetQRCodeStatusResponseObject, error) {
	login, err := a.step(ctx, *req.Body)
	if err != nil {
		return nil, err
	}
	return gen.SetQRCodeStatus200JSONResponse{Data: &gen.QRCodeStepDto{Success: true, Login: login}}, nil
}

// ChangeQRCodeStatus is SetQRCodeStatus under its older name; its answer has data after a scan only.
func (a *API) ChangeQRCodeStatus(ctx context.Context, req gen.ChangeQRCodeStatusRequestObject) (gen.ChangeQRCodeStatusResponseObject, error) {
	login, err := a.step(ctx, *req.Body)
	if err != nil || login == nil {
		return gen.ChangeQRCodeStatus200JSONResponse{}, err
	}
	return gen.ChangeQRCodeStatus200JSONResponse{Data: &gen.QRCodeStepDto{Success: true, Login: login}}, nil
}

func (a *API) step(ctx context.Context, body gen.ChangeQRCodeStatusDto) (*gen.QRCodeLoginDto, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	switch body.Action {
	case gen.ChangeQRCodeStatusDtoActionSCAN:
		request, err := a.service.Scan(ctx, caller, body.QrcodeID)
		return wire.QRCodeLogin(details(request)), err
	case gen.ChangeQRCodeStatusDtoActionCONFIRM:
		return nil, a.service.Confirm(ctx, caller, body.QrcodeID, optional.Value(body.Number))
	default:
		return nil, a.service.Cancel(ctx, caller, body.QrcodeID)
	}
}

// ExchangeQRCodeTicket gives tokens for a ticket, to the application it belongs to.
func (a *API) ExchangeQRCodeTicket(ctx context.Context, req gen.ExchangeQRCodeTicketRequestObject) (gen.ExchangeQRCodeTicketResponseObject, error) {
	app, err := a.client(ctx, *req.Body, optional.Value(req.Params.XAuthingAppID))
	if err != nil {
		return nil, err
	}
	tokens, err := a.service.Exchange(ctx, app, req.Body.Ticket)
	if err != nil {
		return nil, err
	}
	return gen.ExchangeQRCodeTicket200JSONResponse{SignInJSONResponse: gen.SignInJSONResponse{Data: wire.TokenSet(tokens)}}, nil
}

// client is the application that has proved itself, with HTTP Basic or in the body; a header may stand for the id there.
func (a *API) client(ctx context.Context, body gen.ExchangeTokenSetWithQRcodeTicketDto, header string) (authn.Application, error) {
	id := optional.Value(body.ClientID)
	if authn.From(ctx).Application == nil {
		id = cmp.Or(id, header)
	}
	return a.applications.Client(ctx, id, optional.Value(body.ClientSecret))
}
