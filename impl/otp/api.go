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
