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
	Application(ctx context.Context, id string) (db.Application, error)
	ApplicationOf(ctx context.Context, userpoolID, id string) (db.Application, error)
	VerifyApplication(ctx context.Context, id, secret string) (authn.Application, error)
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
	app, err := a.application(ctx, optional.Value(req.Params.XAuthingAppID))
	if err != nil {
		return nil, err
	}
	if req.Body.Type != gen.GeneQRCodeDtoTypeMobileApp {
		return nil, ErrConnection
	}
	created, err := a.service.Create(ctx, app, req.Body.CustomData, req.Body.Context)
	if err != nil {
		return nil, err
	}
	return gen.CreateQRCode200JSONResponse{Data: &gen.GeneQRCodeDataDto{QrcodeID: created.PollID, URL: created.URL}}, nil
}

// application is the one of the header; of a management caller, one of its own userpool.
func (a *API) application(ctx context.Context, id string) (db.Application, error) {
	if m := authn.From(ctx).Management; m != nil {
		return a.applications.ApplicationOf(ctx, m.UserpoolID, id)
	}
	return a.applications.Application(ctx, id)
}

// GetQRCodePicture draws the QR code.
func (a *API) GetQRCodePicture(ctx context.Context, req gen.GetQRCodePictureRequestObject) (gen.GetQRCodePictureResponseObject, error) {
	png, life, err := a.service.Picture(ctx, req.Params.ID)
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
	data := &gen.CheckQRCodeStatusDataDto{Status: gen.QRCodeStatus(status.State), Ticket: optional.Of(status.Ticket)}
	if u := status.User; u != nil {
		data.BriefUserInfo = &gen.QRCodeBriefUserInfo{DisplayName: u.DisplayName, Photo: u.Photo}
	}
	return gen.CheckQRCodeStatusJSONResponse{Data: data}, nil
}

// SetQRCodeStatus takes a step on the phone.
func (a *API) SetQRCodeStatus(ctx context.Context, req gen.SetQRCodeStatusRequestObject) (gen.SetQRCodeStatusResponseObject, error) {
	if err := a.step(ctx, *req.Body); err != nil {
		return nil, err
	}
	return gen.SetQRCodeStatus200JSONResponse{Data: &gen.IsSuccessDto{Success: true}}, nil
}

// ChangeQRCodeStatus is SetQRCodeStatus under its older name; its answer has no data.
func (a *API) ChangeQRCodeStatus(ctx context.Context, req gen.ChangeQRCodeStatusRequestObject) (gen.ChangeQRCodeStatusResponseObject, error) {
	return gen.ChangeQRCodeStatus200JSONResponse{}, a.step(ctx, *req.Body)
}

func (a *API) step(ctx context.Context, body gen.ChangeQRCodeStatusDto) error {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return err
	}
	switch body.Action {
	case gen.ChangeQRCodeStatusDtoActionSCAN:
		return a.service.Scan(ctx, caller, body.QrcodeID)
	case gen.ChangeQRCodeStatusDtoActionCONFIRM:
		return a.service.Confirm(ctx, caller, body.QrcodeID)
	default:
		return a.service.Cancel(ctx, caller, body.QrcodeID)
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
	return gen.ExchangeQRCodeTicket200JSONResponse{LoginTokenJSONResponse: gen.LoginTokenJSONResponse{Data: wire.TokenSet(tokens)}}, nil
}

// client is the application that has proved itself, with HTTP Basic or in the body; a header may stand for the id there.
func (a *API) client(ctx context.Context, body gen.ExchangeTokenSetWithQRcodeTicketDto, header string) (authn.Application, error) {
	if proved := authn.From(ctx).Application; proved != nil {
		return *proved, nil
	}
	return a.applications.VerifyApplication(ctx, cmp.Or(optional.Value(body.ClientID), header), optional.Value(body.ClientSecret))
}
