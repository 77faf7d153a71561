package account

import (
	"context"
	"encoding/json"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/wire"
)

// API is the account operations of the contract.
type API struct{ service *Service }

// NewAPI returns the account operations of the contract.
func NewAPI(s *Service) *API { return &API{s} }

// RegisterUser creates an account with user name and password.
func (a *API) RegisterUser(ctx context.Context, req gen.RegisterUserRequestObject) (gen.RegisterUserResponseObject, error) {
	body := wire.Either(req.JSONBody, req.FormdataBody)
	app, err := a.service.Application(ctx, "")
	if err != nil {
		return nil, err
	}
	if _, err := a.service.Register(ctx, app.UserpoolID, body.Username, body.Password); err != nil {
		return nil, err
	}
	return gen.RegisterUser200JSONResponse{}, nil
}

// LoginUser signs in with user name, password and, once a factor is bound, the authenticator's code.
func (a *API) LoginUser(ctx context.Context, req gen.LoginUserRequestObject) (gen.LoginUserResponseObject, error) {
	body := wire.Either(req.JSONBody, req.FormdataBody)
	app, err := a.service.Application(ctx, "")
	if err != nil {
		return nil, err
	}
	credentials := Credentials{Type: ByUsername, Account: body.Username, Password: body.Password, Code: optional.Value(body.Code)}
	user, tokens, err := a.service.SignIn(ctx, app, credentials, Wish{})
	if err != nil {
		return nil, err
	}
	return gen.LoginUser200JSONResponse{
		Body:    gen.BaseUserResponse{Data: baseUser(user)},
		Headers: gen.LoginUser200ResponseHeaders{AccessToken: &tokens.Access, RefreshToken: &tokens.Refresh},
	}, nil
}

// GetUserInfo returns the signed-in user.
func (a *API) GetUserInfo(ctx context.Context, req gen.GetUserInfoRequestObject) (gen.GetUserInfoResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	if other := optional.Value(req.Params.UserID); other != "" && other != caller.ID {
		return nil, ErrOtherUser
	}
	user, err := a.service.Find(ctx, caller.UserpoolID, ByID, caller.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetUserInfo200JSONResponse{Body: gen.BaseUserResponse{Data: baseUser(user)}}, nil
}

// SignIn signs in with credentials in the status dialect.
func (a *API) SignIn(ctx context.Context, req gen.SignInRequestObject) (gen.SignInResponseObject, error) {
	body := req.Body
	app, err := a.service.ClientApplication(ctx, Client{
		UserpoolID: optional.Value(req.Params.XAuthingUserpoolID), ID: optional.Value(body.ClientID),
		Secret: optional.Value(body.ClientSecret), Header: optional.Value(req.Params.XAuthingAppID),
	})
	if err != nil {
		return nil, err
	}
	if body.Connection != gen.SigninByCredentialsDtoConnectionPASSWORD {
		return nil, ErrConnection
	}
	options := optional.Value(body.Options)
	if as := optional.Value(options.PasswordEncryptType); as != "" && as != gen.SigninOptionsDtoPasswordEncryptTypeNone {
		return nil, ErrPasswordEncrypted
	}
	credentials, err := passwordCredentials(body.PasswordPayload)
	if err != nil {
		return nil, err
	}
	credentials.Fieldless = true
	_, tokens, err := a.service.SignIn(ctx, app, credentials, Wish{
		optional.Value(options.Scope), options.CustomData, wire.Sent(ctx, options.Context, "options", "context"),
	})
	if err != nil {
		return nil, err
	}
	return gen.SignIn200JSONResponse{SignInJSONResponse: gen.SignInJSONResponse{Data: wire.TokenSet(tokens)}}, nil
}

// SignInWithMFA finishes a sign-in of the status dialect with a code.
func (a *API) SignInWithMFA(ctx context.Context, req gen.SignInWithMFARequestObject) (gen.SignInWithMFAResponseObject, error) {
	code, err := eitherCode(req.Body.TOTP, req.Body.RecoveryCode)
	if err != nil {
		return nil, err
	}
	_, tokens, err := a.service.FinishSignIn(ctx, req.Body.MFAToken, code)
	if err != nil {
		return nil, err
	}
	return gen.SignInWithMFA200JSONResponse{LoginTokenJSONResponse: gen.LoginTokenJSONResponse{Data: wire.TokenSet(tokens)}}, nil
}

// GetManagementToken exchanges an access key for a token.
func (a *API) GetManagementToken(ctx context.Context, req gen.GetManagementTokenRequestObject) (gen.GetManagementTokenResponseObject, error) {
	token, life, err := a.service.ManagementToken(ctx, req.Body.AccessKeyID, req.Body.AccessKeySecret)
	if err != nil {
		return nil, err
	}
	return gen.GetManagementToken200JSONResponse{
		Data: &gen.ManagementTokenDto{AccessToken: token, ExpiresIn: int(life.Seconds())},
	}, nil
}

// CreateUser creates a user of the key's userpool.
func (a *API) CreateUser(ctx context.Context, req gen.CreateUserRequestObject) (gen.CreateUserResponseObject, error) {
	caller, err := authn.RequireScope(ctx, authn.ScopeUserWrite)
	if err != nil {
		return nil, err
	}
	wanted, err := newUser(*req.Body)
	if err != nil {
		return nil, err
	}
	user, err := a.service.CreateUser(ctx, caller.UserpoolID, caller.KeyID, wanted)
	if err != nil {
		return nil, err
	}
	dto, err := userDto(user)
	return gen.CreateUser200JSONResponse{UserJSONResponse: gen.UserJSONResponse{Data: dto}}, err
}

// GetUser returns a user of the key's userpool.
func (a *API) GetUser(ctx context.Context, req gen.GetUserRequestObject) (gen.GetUserResponseObject, error) {
	caller, err := authn.RequireScope(ctx, authn.ScopeUserRead)
	if err != nil {
		return nil, err
	}
	user, err := a.service.Find(ctx, caller.UserpoolID, string(optional.Value(req.Params.UserIDType)), req.Params.UserID)
	if err != nil {
		return nil, err
	}
	dto, err := a.fullUser(ctx, user, optional.Value(req.Params.WithCustomData), optional.Value(req.Params.WithIdentities))
	return gen.GetUser200JSONResponse{UserJSONResponse: gen.UserJSONResponse{Data: dto}}, err
}

// fullUser is a user with what was asked for.
func (a *API) fullUser(ctx context.Context, user db.User, withCustomData, withIdentities bool) (*gen.UserDto, error) {
	dto, err := userDto(user)
	if err != nil {
		return nil, err
	}
	if withCustomData {
		dto.CustomData = json.RawMessage(user.CustomData)
	}
	if withIdentities {
		identities, err := a.service.Identities(ctx, user)
		if err != nil {
			return nil, err
		}
		dto.Identities = identityDtos(identities)
	}
	return dto, nil
}

// GetJWKS returns the keys that verify our tokens.
func (a *API) GetJWKS(context.Context, gen.GetJWKSRequestObject) (gen.GetJWKSResponseObject, error) {
	set := gen.JWKS{}
	for _, key := range a.service.ring.PublicKeys() {
		set.Keys = append(set.Keys, gen.JWK{Kty: gen.JWKKtyRSA, Use: gen.JWKUseSig, Alg: gen.JWKAlgRS256, Kid: key.ID, N: key.Modulus, E: key.Exponent})
	}
	cache := "public, max-age=300"
	return gen.GetJWKS200JSONResponse{Body: set, Headers: gen.GetJWKS200ResponseHeaders{CacheControl: &cache}}, nil
}
