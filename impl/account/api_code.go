package account

import (
	"context"
	"strconv"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// LoginWithCaptcha signs in with a password, or with a code that was sent.
func (a *API) LoginWithCaptcha(ctx context.Context, req gen.LoginWithCaptchaRequestObject) (gen.LoginWithCaptchaResponseObject, error) {
	app, err := a.service.LenientApplication(ctx, optional.Value(req.Params.IThingsAppCode), optional.Value(req.Params.IThingsTenantCode))
	if err != nil {
		return nil, err
	}
	var (
		user   db.User
		tokens authn.Tokens
		body   = req.Body
		answer = Captcha{optional.Value(body.CodeID), optional.Value(body.Code)}
	)
	if body.LoginType == gen.CaptchaLoginRequestLoginTypePwd {
		credentials := Credentials{Type: identifierKind(body.Account), Account: body.Account, Password: optional.Value(body.Password)}
		user, tokens, err = a.service.SignInWithCaptcha(ctx, app, credentials, answer)
	} else {
		user, tokens, err = a.service.SignInWithCode(ctx, app, Sent{channel(string(body.LoginType)), body.Account, answer})
	}
	if err != nil {
		return nil, err
	}
	return gen.LoginWithCaptcha200JSONResponse{
		Data: &gen.CaptchaLogin{Info: captchaLoginUser(user), Roles: []string{}, Token: codeToken(tokens)},
	}, nil
}

// LoginWithMFA finishes a sign-in of the code dialect with a code of the authenticator.
func (a *API) LoginWithMFA(ctx context.Context, req gen.LoginWithMFARequestObject) (gen.LoginWithMFAResponseObject, error) {
	user, tokens, err := a.service.FinishSignIn(ctx, req.Body.MFAToken, authn.Code{Text: req.Body.Code})
	if err != nil {
		return nil, err
	}
	return gen.LoginWithMFA200JSONResponse{
		Data: &gen.CaptchaLogin{Info: captchaLoginUser(user), Roles: []string{}, Token: codeToken(tokens)},
	}, nil
}

// RegisterWithCode creates an account whose address is proved by a code.
func (a *API) RegisterWithCode(ctx context.Context, req gen.RegisterWithCodeRequestObject) (gen.RegisterWithCodeResponseObject, error) {
	app, err := a.service.LenientApplication(ctx, optional.Value(req.Params.IThingsAppCode), optional.Value(req.Params.IThingsTenantCode))
	if err != nil {
		return nil, err
	}
	body, signIn := req.Body, optional.Value(req.Body.IsWithLogin)
	sent := Sent{channel(string(body.RegType)), body.Account, Captcha{body.CodeID, body.Code}}
	user, tokens, err := a.service.RegisterWithCode(ctx, app, sent, registration(body), signIn)
	if err != nil {
		return nil, err
	}
	data := &gen.CodeRegistration{Info: captchaLoginUser(user), Roles: []string{}}
	if signIn {
		data.Token = optional.Of(codeToken(tokens))
	}
	return gen.RegisterWithCode200JSONResponse{Data: data}, nil
}

// ResetPassword sets a forgotten password anew.
func (a *API) ResetPassword(ctx context.Context, req gen.ResetPasswordRequestObject) (gen.ResetPasswordResponseObject, error) {
	app, err := a.service.LenientApplication(ctx, optional.Value(req.Params.IThingsAppCode), optional.Value(req.Params.IThingsTenantCode))
	if err != nil {
		return nil, err
	}
	body := req.Body
	sent := Sent{channel(string(body.Type)), body.Account, Captcha{body.CodeID, body.Code}}
	return gen.ResetPassword200JSONResponse{}, a.service.ResetPassword(ctx, app.UserpoolID, sent, body.Password)
}

// ChangePassword sets the password of the signed-in user.
func (a *API) ChangePassword(ctx context.Context, req gen.ChangePasswordRequestObject) (gen.ChangePasswordResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	body := req.Body
	answer := Captcha{optional.Value(body.CodeID), optional.Value(body.Code)}
	if body.Type == gen.ChangePasswordRequestTypePwd {
		err = a.service.ChangePassword(ctx, caller, optional.Value(body.OldPassword), body.Password, answer)
	} else {
		sent := Sent{channel(string(body.Type)), optional.Value(body.Account), answer}
		err = a.service.ChangePasswordWithCode(ctx, caller, sent, body.Password)
	}
	return gen.ChangePassword200JSONResponse{}, err
}

// BindAccount makes an address the signed-in user's own.
func (a *API) BindAccount(ctx context.Context, req gen.BindAccountRequestObject) (gen.BindAccountResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	body := req.Body
	sent := Sent{channel(string(body.Type)), body.Account, Captcha{body.CodeID, body.Code}}
	return gen.BindAccount200JSONResponse{}, a.service.BindAddress(ctx, caller, sent)
}

// channel is how a code of a type is sent; "sms" is an older name of "phone".
func channel(codeType string) message.Channel {
	if codeType == string(message.Email) {
		return message.Email
	}
	return message.Phone
}

func registration(body *gen.CodeRegisterRequest) NewUser {
	info := optional.Value(body.Info)
	n := NewUser{Username: optional.Value(info.UserName), Password: optional.Value(body.Password), Profile: db.Members{}}
	for member, value := range map[string]*string{"nickname": info.NickName, "photo": info.HeadImg} {
		if value != nil {
			n.Profile[member] = *value
		}
	}
	return n
}

func codeToken(t authn.Tokens) gen.CaptchaLoginToken {
	return gen.CaptchaLoginToken{
		AccessToken:  t.Access,
		AccessExpire: unix(t.ExpiresAt),
		RefreshAfter: unix(t.ExpiresAt.Add(-t.ExpiresIn / 2)),
	}
}

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
