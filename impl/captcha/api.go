package captcha

import (
	"cmp"
	"context"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// Applications finds the application that a request is about; unknown ids mean the default.
type Applications interface {
	LenientApplication(ctx context.Context, id, tenant string) (db.Application, error)
}

// API is the captcha operations of the contract.
type API struct {
	service      *Service
	applications Applications
}

// NewAPI returns the captcha operations of the contract.
func NewAPI(s *Service, a Applications) *API { return &API{s, a} }

// CreateCaptcha makes a code of the wanted type.
func (a *API) CreateCaptcha(ctx context.Context, req gen.CreateCaptchaRequestObject) (gen.CreateCaptchaResponseObject, error) {
	app, err := a.applications.LenientApplication(ctx, optional.Value(req.Params.IThingsAppCode), optional.Value(req.Params.IThingsTenantCode))
	if err != nil {
		return nil, err
	}
	account := cmp.Or(optional.Value(req.Body.Account), optional.Value(req.Body.Data))
	image, err := a.service.Create(ctx, app.UserpoolID, string(req.Body.Type), string(req.Body.Use), account)
	if err != nil {
		return nil, err
	}
	return gen.CreateCaptcha200JSONResponse{
		Data: &gen.Captcha{CodeID: image.ID, URL: &image.URL, Expire: int(a.service.TTL.Seconds())},
	}, nil
}
