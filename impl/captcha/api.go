package captcha

import (
	"cmp"
	"context"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
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

// CreateCaptcha draws an image captcha or sends a code.
func (a *API) CreateCaptcha(ctx context.Context, req gen.CreateCaptchaRequestObject) (gen.CreateCaptchaResponseObject, error) {
	app, err := a.applications.LenientApplication(ctx, optional.Value(req.Params.IThingsAppCode), optional.Value(req.Params.IThingsTenantCode))
	if err != nil {
		return nil, err
	}
	body := req.Body
	if body.Type == gen.CaptchaRequestTypeImage {
		image, err := a.service.Draw(ctx, app.UserpoolID, string(body.Use), optional.Value(body.Audio))
		return captcha(gen.Captcha{CodeID: image.ID, URL: &image.URL, Expire: int(a.service.ImageTTL.Seconds())}), err
	}
	id, err := a.service.Send(ctx, app.UserpoolID, Request{
		Channel: channel(body.Type), Use: string(body.Use), SignedIn: authn.From(ctx).User != nil,
		Account: cmp.Or(optional.Value(body.Account), optional.Value(body.Data)),
		Image:   Answer{ID: optional.Value(body.CodeID), Text: optional.Value(body.Code)},
	})
	return captcha(gen.Captcha{CodeID: id, Expire: int(a.service.CodeTTL.Seconds())}), err
}

func captcha(c gen.Captcha) gen.CreateCaptchaResponseObject {
	return gen.CreateCaptcha200JSONResponse{Data: &c}
}

// channel is how a code of the type is sent; "sms" is an older name of "phone".
func channel(t gen.CaptchaRequestType) message.Channel {
	if t == gen.CaptchaRequestTypeEmail {
		return message.Email
	}
	return message.Phone
}
