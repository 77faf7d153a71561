package fastpass

import (
	"context"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/wire"
)

// API is the fastpass operations of the contract.
type API struct {
	service   *Service
	publicURL string
}

// NewAPI returns the fastpass operations of the contract. publicURL is where a phone reaches this service.
func NewAPI(s *Service, publicURL string) *API { return &API{s, publicURL} }

// CreateFastpass makes a fastpass for the signed-in user.
func (a *API) CreateFastpass(ctx context.Context, req gen.CreateFastpassRequestObject) (gen.CreateFastpassResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	options := optional.Value(optional.Value(req.Body).Options)
	created, err := a.service.Create(ctx, caller, Wish{
		Scope: optional.Value(options.Scope), Context: wire.Sent(ctx, options.Context, "options", "context"), CustomData: options.CustomData,
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

// GetFastpassApps returns the applications that a phone may sign in to.
func (a *API) GetFastpassApps(ctx context.Context, req gen.GetFastpassAppsRequestObject) (gen.GetFastpassAppsResponseObject, error) {
	apps, err := a.service.Apps(ctx, req.Params.QrcodeID, req.Params.AppID)
	if err != nil {
		return nil, err
	}
	data := &gen.GetFastpassClientAppsDataDto{RelationApps: make([]gen.FastpassAppDto, len(apps))}
	for i, app := range apps {
		data.RelationApps[i] = gen.FastpassAppDto{ID: app.ID, Name: app.Name, Logo: app.Logo}
	}
	return gen.GetFastpassApps200JSONResponse{Data: data}, nil
}

// GetFastpassStatus tells the page what has become of its fastpass.
func (a *API) GetFastpassStatus(ctx context.Context, req gen.GetFastpassStatusRequestObject) (gen.GetFastpassStatusResponseObject, error) {
	status, err := a.service.Status(ctx, req.Params.QrcodeID)
	if err != nil {
		return nil, err
	}
	data := &gen.CheckQRCodeStatusDataDto{
		Status:        gen.QRCodeStatus(status.State),
		BriefUserInfo: &gen.QRCodeBriefUserInfo{DisplayName: status.User.DisplayName, Photo: status.User.Photo},
	}
	if status.Open() {
		data.Interval = optional.Of(int(PollInterval.Seconds()))
	}
	return gen.GetFastpassStatus200JSONResponse{Data: data}, nil
}

// RedeemFastpass signs the phone in.
func (a *API) RedeemFastpass(ctx context.Context, req gen.RedeemFastpassRequestObject) (gen.RedeemFastpassResponseObject, error) {
	tokens, err := a.service.Redeem(ctx, optional.Value(req.Params.XAuthingUserpoolID), optional.Value(req.Params.XAuthingAppID), req.Body.QrcodeID)
	if err != nil {
		return nil, err
	}
	return gen.RedeemFastpass200JSONResponse{LoginTokenJSONResponse: gen.LoginTokenJSONResponse{Data: wire.TokenSet(tokens)}}, nil
}
