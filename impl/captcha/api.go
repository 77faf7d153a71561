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
	userpoolID, userID := caller(ctx, app.UserpoolID, string(body.Use))
	id, err := a.service.Send(ctx, userpoolID, Request{
		Channel: channel(body.Type), Use: string(body.Use), UserID: userID,
		Account: cmp.Or(optional.Value(body.Account), optional.Value(body.Data)),
		Image:   Answer{ID: optional.Value(body.CodeID), Text: optional.Value(body.Code)},
	})
	return captcha(gen.Captcha{CodeID: id, Expire: int(a.service.CodeTTL.Seconds())}), err
}

func captcha(c gen.Captcha) gen.CreateCaptchaResponseObject {
	return gen.CreateCaptcha200JSONResponse{Data: &c}
}

// caller returns in which userpool a code is made, and for which of its users. What only a signed-in user can do with a code
// is done in the user's own userpool; for the rest, a user of another userpool is nobody in particular.
func caller(ctx context.Context, userpoolID, use string) (pool, userID string) {
	user := authn.From(ctx).User
	switch {
	case user == nil:
		return userpoolID, ""
	case user.UserpoolID == userpoolID, use == useChangePwd, use == useBindAccount:
		return user.UserpoolID, user.ID
	}
	return userpoolID, ""
}

// channel is how a code of the type is sent; "sms" is an older name of "phone".
func channel(t gen.CaptchaRequestType) message.Channel {
	if t == gen.CaptchaRequestTypeEmail {
		return message.Email
	}
	return message.Phone
}
