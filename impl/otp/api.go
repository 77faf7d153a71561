package otp

import (
	"context"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// API is the OTP operations of the contract.
type API struct{ service *Service }

// NewAPI returns the OTP operations of the contract.
func NewAPI(s *Service) *API { return &API{s} }

// GetOTPSecretByUser hands out the secret of a user's authenticator.
func (a *API) GetOTPSecretByUser(ctx context.Context, req gen.GetOTPSecretByUserRequestObject) (gen.GetOTPSecretByUserResponseObject, error) {
	caller, err := authn.RequireManagement(ctx)
	if err != nil {
		return nil, err
	}
	secret, err := a.service.Lookup(ctx, caller, string(optional.Value(req.Params.UserIDType)), req.Params.UserID)
	if err != nil {
		return nil, err
	}
	noStore := "no-store"
	return gen.GetOTPSecretByUser200JSONResponse{
		Body:    gen.GetOTPSecretRespDto{Data: &gen.OTPSecretRespDto{Secret: secret}},
		Headers: gen.GetOTPSecretByUser200ResponseHeaders{CacheControl: &noStore},
	}, nil
}

// GetUserMFAInfo tells which kinds of factors a user has.
func (a *API) GetUserMFAInfo(ctx context.Context, req gen.GetUserMFAInfoRequestObject) (gen.GetUserMFAInfoResponseObject, error) {
	caller, err := authn.RequireManagement(ctx)
	if err != nil {
		return nil, err
	}
	bound, err := a.service.HasAuthenticator(ctx, caller, string(optional.Value(req.Params.UserIDType)), req.Params.UserID)
	if err != nil {
		return nil, err
	}
	info := gen.UserMFAInfoDto{
		TOTPStatus: gen.FactorStatusDisabled, FaceMFAStatus: gen.FactorStatusDisabled, SmsMFAStatus: gen.FactorStatusDisabled,
		EmailMFAStatus: gen.FactorStatusDisabled,
	}
	if bound {
		info.TOTPStatus = gen.FactorStatusEnabled
	}
	return gen.GetUserMFAInfo200JSONResponse{Data: &info}, nil
}

// ImportOTP binds authenticators that another system has made.
func (a *API) ImportOTP(ctx context.Context, req gen.ImportOTPRequestObject) (gen.ImportOTPResponseObject, error) {
	caller, err := authn.RequireManagement(ctx)
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, i := range req.Body.List {
		items = append(items, Item{i.UserID, i.OTP.Secret, optional.Value(i.OTP.RecoveryCode)})
	}
	return gen.ImportOTP200JSONResponse{}, a.service.Import(ctx, caller, items)
}
