package account

import (
	"context"
	"maps"
	"slices"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// GetToken renews the tokens of a session.
func (a *API) GetToken(ctx context.Context, req gen.GetTokenRequestObject) (gen.GetTokenResponseObject, error) {
	body := req.Body
	if body.GrantType != "refresh_token" {
		return nil, ErrGrantType
	}
	if optional.Value(body.RefreshToken) == "" {
		return nil, ErrNoRefreshToken
	}
	app, err := a.service.OAuthClient(ctx, Client{
		UserpoolID: optional.Value(req.Params.XAuthingUserpoolID), Header: optional.Value(req.Params.XAuthingAppID),
		ID: optional.Value(body.ClientID), Secret: optional.Value(body.ClientSecret),
	}, true)
	if err != nil {
		return nil, err
	}
	tokens, err := a.service.Refresh(ctx, app, *body.RefreshToken, optional.Value(body.Scope))
	if err != nil {
		return nil, err
	}
	return gen.GetToken200JSONResponse{
		AccessToken: tokens.Access, IDToken: optional.Of(tokens.ID), RefreshToken: optional.Of(tokens.Refresh),
		TokenType: gen.TokenResponseTokenTypeBearer, ExpiresIn: int(tokens.ExpiresIn.Seconds()), Scope: tokens.Scope,
	}, nil
}

// RevokeToken ends the session of a token.
func (a *API) RevokeToken(ctx context.Context, req gen.RevokeTokenRequestObject) (gen.RevokeTokenResponseObject, error) {
	app, err := a.service.OAuthClient(ctx, Client{
		UserpoolID: optional.Value(req.Params.XAuthingUserpoolID), Header: optional.Value(req.Params.XAuthingAppID),
		ID: optional.Value(req.Body.ClientID), Secret: optional.Value(req.Body.ClientSecret),
	}, true)
	if err != nil {
		return nil, err
	}
	return gen.RevokeToken200Response{}, a.service.RevokeToken(ctx, app, req.Body.Token)
}

// IntrospectToken tells an application what one of its tokens is.
func (a *API) IntrospectToken(ctx context.Context, req gen.IntrospectTokenRequestObject) (gen.IntrospectTokenResponseObject, error) {
	app, err := a.service.OAuthClient(ctx, Client{
		UserpoolID: optional.Value(req.Params.XAuthingUserpoolID), Header: optional.Value(req.Params.XAuthingAppID),
		ID: optional.Value(req.Body.ClientID), Secret: optional.Value(req.Body.ClientSecret),
	}, false)
	if err != nil {
		return nil, err
	}
	i, err := a.service.Introspect(ctx, app, req.Body.Token)
	if err != nil || !i.Active {
		return gen.IntrospectToken200JSONResponse{}, err
	}
	answer := gen.IntrospectToken200JSONResponse{
		Active: true, Iss: &a.service.Issuer, Sub: &i.UserID, Aud: &i.AppID, ClientID: &i.AppID, Scope: &i.Scope,
		TokenUse: optional.Of(gen.TokenIntrospectionTokenUse(i.Use)), Iat: optional.Of(i.IssuedAt.Unix()), Exp: optional.Of(i.ExpiresAt.Unix()),
	}
	if i.Use == useAccess {
		answer.TokenType, answer.Jti = optional.Of(gen.TokenIntrospectionTokenTypeBearer), optional.Of(i.TokenID)
	}
	return answer, nil
}

// GetUserClaims returns the claims of a token's user.
func (a *API) GetUserClaims(ctx context.Context, _ gen.GetUserClaimsRequestObject) (gen.GetUserClaimsResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	claims, err := a.userClaims(ctx, caller)
	return gen.GetUserClaims200JSONResponse{UserClaimsJSONResponse: claims}, err
}

// GetUserClaimsByPost is GetUserClaims for a token in the body, which counts before one of the header.
func (a *API) GetUserClaimsByPost(ctx context.Context, req gen.GetUserClaimsByPostRequestObject) (gen.GetUserClaimsByPostResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if req.Body != nil && optional.Value(req.Body.AccessToken) != "" {
		caller, err = a.service.VerifyAccess(ctx, *req.Body.AccessToken)
	}
	if err != nil {
		return nil, err
	}
	claims, err := a.userClaims(ctx, caller)
	return gen.GetUserClaimsByPost200JSONResponse{UserClaimsJSONResponse: claims}, err
}

func (a *API) userClaims(ctx context.Context, caller authn.User) (document gen.UserClaimsJSONResponse, err error) {
	claims, err := a.service.UserClaims(ctx, caller)
	if err == nil {
		err = convert(claims, &document)
	}
	return document, err
}

// GetDiscovery says what there is.
func (a *API) GetDiscovery(context.Context, gen.GetDiscoveryRequestObject) (gen.GetDiscoveryResponseObject, error) {
	issuer, cache := a.service.Issuer, "public, max-age=300"
	secret, public := []string{"client_secret_basic", "client_secret_post"}, "none"
	claims := []string{
		"sub", "iss", "aud", "iat", "exp", "sid", "amr", "auth_time", "gender", "updated_at", "username", "email", "email_verified",
		"phone_number", "phone_number_verified", "external_id", "roles", "extended_fields",
	}
	return gen.GetDiscovery200JSONResponse{
		Body: gen.Discovery{
			Issuer: issuer, JWKSURI: issuer + "/.well-known/jwks.json", UserinfoEndpoint: issuer + "/me",
			TokenEndpoint: issuer + "/token", TokenEndpointAuthMethodsSupported: append(secret, public),
			RevocationEndpoint: issuer + "/token/revocation", RevocationEndpointAuthMethodsSupported: append(secret, public),
			IntrospectionEndpoint: issuer + "/token/introspection", IntrospectionEndpointAuthMethodsSupported: secret,
			GrantTypesSupported: []string{"refresh_token"}, ResponseTypesSupported: []string{},
			SubjectTypesSupported: []string{"public"}, IDTokenSigningAlgValuesSupported: []string{"RS256"},
			ScopesSupported: knownScopes, ClaimsSupported: append(claims, slices.Sorted(maps.Keys(profileClaims))...),
		},
		Headers: gen.GetDiscovery200ResponseHeaders{CacheControl: &cache},
	}, nil
}

// GetProfile returns the signed-in user in the status dialect.
func (a *API) GetProfile(ctx context.Context, req gen.GetProfileRequestObject) (gen.GetProfileResponseObject, error) {
	caller, err := authn.RequireUser(ctx)
	if err != nil {
		return nil, err
	}
	user, err := a.service.Find(ctx, caller.UserpoolID, ByID, caller.ID)
	if err != nil {
		return nil, err
	}
	dto, err := a.fullUser(ctx, user, optional.Value(req.Params.WithCustomData), optional.Value(req.Params.WithIdentities))
	return gen.GetProfile200JSONResponse{UserJSONResponse: gen.UserJSONResponse{Data: dto}}, err
}

// CheckApplicationSecret tells whether a secret is an application's.
func (a *API) CheckApplicationSecret(ctx context.Context, req gen.CheckApplicationSecretRequestObject) (gen.CheckApplicationSecretResponseObject, error) {
	valid, err := a.service.CheckApplication(ctx, optional.Value(req.Params.XAuthingUserpoolID), req.Body.AppID, req.Body.AppSecret)
	if err != nil {
		return nil, err
	}
	verdict := gen.CheckAppIDSecretDataDto{Valid: valid}
	if !valid {
		verdict.Message = optional.Of(ErrApplicationSecret.Message(reqinfo.From(ctx).Lang))
	}
	return gen.CheckApplicationSecret200JSONResponse{Data: &verdict}, nil
}
