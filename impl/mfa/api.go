package mfa

import (
	"context"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/wire"
)

// API is the MFA operations of the contract.
type API struct{ service *Service }

// NewAPI returns the MFA operations of the contract.
func NewAPI(s *Service) *API { return &API{s} }

// GetMFAQRCode starts binding an authenticator.
func (a *API) GetMFAQRCode(ctx context.Context, _ gen.GetMFAQRCodeRequestObject) (gen.GetMFAQRCodeResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	enrolment, err := a.service.Enrol(ctx, caller)
	if err != nil {
		return nil, err
	}
	return gen.GetMFAQRCode200JSONResponse{Body: gen.MFAQRCodeResponse{
		Data: &gen.MFAQRCode{Secret: enrolment.Secret, Qrcode: enrolment.Picture},
	}}, nil
}

// BindMFA makes the waiting secret the user's factor.
func (a *API) BindMFA(ctx context.Context, req gen.BindMFARequestObject) (gen.BindMFAResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	body := wire.Either(req.JSONBody, req.FormdataBody)
	if err := a.service.Bind(ctx, caller, body.Code, optional.Value(body.Secret)); err != nil {
		return nil, err
	}
	return gen.BindMFA200JSONResponse{}, nil
}
