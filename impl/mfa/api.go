package mfa

import (
	"context"
	"time"

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

// BindMFA makes the waiting secret one of the user's factors.
func (a *API) BindMFA(ctx context.Context, req gen.BindMFARequestObject) (gen.BindMFAResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	body := wire.Either(req.JSONBody, req.FormdataBody)
	c := Confirmation{Code: body.Code, Secret: optional.Value(body.Secret), Name: optional.Value(body.Name)}
	return gen.BindMFA200JSONResponse{}, a.service.Confirm(ctx, caller, c)
}

// GetMFAStatus returns the user's authenticators.
func (a *API) GetMFAStatus(ctx context.Context, _ gen.GetMFAStatusRequestObject) (gen.GetMFAStatusResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	factors, err := a.service.Factors(ctx, caller)
	if err != nil {
		return nil, err
	}
	left, err := a.service.RecoveryCodesLeft(ctx, caller)
	if err != nil {
		return nil, err
	}
	status := &gen.MFAStatus{Enabled: len(factors) > 0, Authenticators: []gen.Authenticator{}, RecoveryCodesLeft: left}
	for _, f := range factors {
		status.Authenticators = append(status.Authenticators, authenticator(f))
	}
	return gen.GetMFAStatus200JSONResponse{Body: gen.MFAStatusResponse{Data: status}}, nil
}

func authenticator(f Factor) gen.Authenticator {
	shown := gen.Authenticator{
		ID: f.ID, Name: f.Name, State: gen.AuthenticatorState(f.State), ClockOffset: int(f.ClockOffset / time.Second),
		CreatedAt: wire.BaseTime(f.CreatedAt),
	}
	if f.LastUsedAt != nil {
		shown.LastUsedAt = optional.Of(wire.BaseTime(*f.LastUsedAt))
	}
	return shown
}

// VerifyMFA notes in the session that its user has shown a code.
func (a *API) VerifyMFA(ctx context.Context, req gen.VerifyMFARequestObject) (gen.VerifyMFAResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	return gen.VerifyMFA200JSONResponse{}, a.service.StepUp(ctx, caller, wire.Either(req.JSONBody, req.FormdataBody).Code)
}

// UnbindMFA removes one of the user's authenticators.
func (a *API) UnbindMFA(ctx context.Context, req gen.UnbindMFARequestObject) (gen.UnbindMFAResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	body := wire.Either(req.JSONBody, req.FormdataBody)
	return gen.UnbindMFA200JSONResponse{}, a.service.Unbind(ctx, caller, optional.Value(body.ID), body.Code)
}

// GetRecoveryCodes counts the recovery codes.
func (a *API) GetRecoveryCodes(ctx context.Context, _ gen.GetRecoveryCodesRequestObject) (gen.GetRecoveryCodesResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	left, err := a.service.RecoveryCodesLeft(ctx, caller)
	return gen.GetRecoveryCodes200JSONResponse{Body: gen.RecoveryCodesLeftResponse{Data: &gen.RecoveryCodesLeft{Left: left}}}, err
}

// MakeRecoveryCodes replaces the recovery codes.
func (a *API) MakeRecoveryCodes(ctx context.Context, req gen.MakeRecoveryCodesRequestObject) (gen.MakeRecoveryCodesResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := a.service.MakeRecoveryCodes(ctx, caller, wire.Either(req.JSONBody, req.FormdataBody).Code)
	return gen.MakeRecoveryCodes200JSONResponse{Body: gen.RecoveryCodesResponse{Data: &gen.RecoveryCodes{Codes: codes}}}, err
}
