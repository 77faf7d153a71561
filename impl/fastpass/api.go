package fastpass

import (
	"context"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/wire"
)

// Applications finds the application that a request is about.
type Applications interface {
	Application(ctx context.Context, id string) (db.Application, error)
}

// API is the fastpass operations of the contract.
type API struct {
	service      *Service
	applications Applications
	publicURL    string
}

// NewAPI returns the fastpass operations of the contract. publicURL is where a phone reaches this service.
func NewAPI(s *Service, a Applications, publicURL string) *API { return &API{s, a, publicURL} }

// CreateFastpass makes a fastpass for the signed-in user.
func (a *API) CreateFastpass(ctx context.Context, req gen.CreateFastpassRequestObject) (gen.CreateFastpassResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	options := optional.Value(optional.Value(req.Body).Options)
	created, err := a.service.Create(ctx, caller, Wish{
		Scope: optional.Value(options.Scope), Context: options.Context, CustomData: options.CustomData,
	})
	if err != nil {
		return nil, err
	}
	pool := created.Userpool
	return gen.CreateFastpass200JSONResponse{Data: &gen.GeneFastpassQRCodeInfoDto{
		Scene:    gen.GeneFastpassQRCodeInfoDtoSceneFASTPASS,
		QrcodeID: created.Code,
		APIHost:  a.publicURL,
		AppID:    caller.AppID,
		User:     gen.FastpassUserInfoDto{ID: created.User.ID, DisplayName: created.User.DisplayName, Photo: created.User.Photo},
		Userpool: gen.FastpassUserInfoDto{ID: pool.ID, DisplayName: pool.Name, Photo: pool.Logo},
	}}, nil
}

// RedeemFastpass signs the phone in.
func (a *API) RedeemFastpass(ctx context.Context, req gen.RedeemFastpassRequestObject) (gen.RedeemFastpassResponseObject, error) {
	app, err := a.applications.Application(ctx, optional.Value(req.Params.XAuthingAppID))
	if err != nil {
		return nil, err
	}
	tokens, err := a.service.Redeem(ctx, app, req.Body.QrcodeID)
	if err != nil {
		return nil, err
	}
	return gen.RedeemFastpass200JSONResponse{LoginTokenJSONResponse: gen.LoginTokenJSONResponse{Data: wire.TokenSet(tokens)}}, nil
}
