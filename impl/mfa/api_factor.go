package mfa

import (
	"context"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// SendEnrollFactorRequest starts enrolling a factor.
func (a *API) SendEnrollFactorRequest(ctx context.Context, req gen.SendEnrollFactorRequestRequestObject) (gen.SendEnrollFactorRequestResponseObject, error) {
	caller, err := userWithFactor(ctx, req.Body.FactorType)
	if err != nil {
		return nil, err
	}
	enrolment, err := a.service.Request(ctx, caller, optional.Value(req.Body.Profile.Name))
	if err != nil {
		return nil, err
	}
	return gen.SendEnrollFactorRequest200JSONResponse{Data: &gen.SendEnrollFactorRequestDataDto{
		EnrollmentToken: enrolment.Token,
		OTPData: &gen.OTPEnrollmentDto{
			QRCodeURI: enrolment.URI, QRCodeDataURL: enrolment.Picture, RecoveryCode: enrolment.RecoveryCode,
		},
	}}, nil
}

// userWithFactor returns the caller, provided that factors of the type exist here.
func userWithFactor(ctx context.Context, factorType gen.FactorType) (authn.User, error) {
	caller, err := authn.RequireUser(ctx)
	if err == nil && factorType != gen.FactorTypeOTP {
		err = ErrFactorType
	}
	return caller, err
}

// EnrollFactor confirms a factor.
func (a *API) EnrollFactor(ctx context.Context, req gen.EnrollFactorRequestObject) (gen.EnrollFactorResponseObject, error) {
	caller, err := userWithFactor(ctx, req.Body.FactorType)
	if err != nil {
		return nil, err
	}
	code := optional.Value(req.Body.EnrollmentData.PassCode)
	if code == "" {
		return nil, authn.ErrNoCode
	}
	return gen.EnrollFactor200JSONResponse{}, a.service.Confirm(ctx, caller, Confirmation{Code: code, Token: req.Body.EnrollmentToken})
}

// ListEnrolledFactors returns the user's factors.
func (a *API) ListEnrolledFactors(ctx context.Context, _ gen.ListEnrolledFactorsRequestObject) (gen.ListEnrolledFactorsResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	factors, err := a.service.Factors(ctx, caller)
	list := make([]gen.FactorDto, len(factors))
	for i, f := range factors {
		list[i] = factorDto(f)
	}
	return gen.ListEnrolledFactors200JSONResponse{Data: list}, err
}

func factorDto(f Factor) gen.FactorDto {
	dto := gen.FactorDto{FactorID: f.ID, FactorType: gen.FactorTypeOTP, Profile: gen.FactorProfileDto{
		Name: f.Name, State: gen.FactorProfileDtoState(f.State), CreatedAt: f.CreatedAt.UTC(),
	}}
	if f.LastUsedAt != nil {
		dto.Profile.LastUsedAt = optional.Of(f.LastUsedAt.UTC())
	}
	return dto
}

// GetFactor returns one of the user's factors.
func (a *API) GetFactor(ctx context.Context, req gen.GetFactorRequestObject) (gen.GetFactorResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	f, err := a.service.Factor(ctx, caller, req.Params.FactorID)
	if err != nil {
		return nil, err
	}
	return gen.GetFactor200JSONResponse{Data: optional.Of(factorDto(f))}, nil
}

// ListFactorsToEnroll returns the kinds of factors that the user can still bind.
func (a *API) ListFactorsToEnroll(ctx context.Context, _ gen.ListFactorsToEnrollRequestObject) (gen.ListFactorsToEnrollResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	kinds := []gen.FactorToEnrollDto{}
	room, err := a.service.MayEnrol(ctx, caller)
	if room {
		kinds = append(kinds, gen.FactorToEnrollDto{FactorType: gen.FactorTypeOTP})
	}
	return gen.ListFactorsToEnroll200JSONResponse{Data: kinds}, err
}

// ResetFactor removes one of the user's factors.
func (a *API) ResetFactor(ctx context.Context, req gen.ResetFactorRequestObject) (gen.ResetFactorResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	return gen.ResetFactor200JSONResponse{}, a.service.Reset(ctx, caller, req.Body.FactorID)
}

// VerifyTOTP notes in the session that its user has shown a code.
func (a *API) VerifyTOTP(ctx context.Context, req gen.VerifyTOTPRequestObject) (gen.VerifyTOTPResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.service.StepUp(ctx, caller, req.Body.TOTP); err != nil {
		return nil, err
	}
	return gen.VerifyTOTP200JSONResponse{Data: &gen.MFAOTPVerifyDataDto{Verified: true}}, nil
}
