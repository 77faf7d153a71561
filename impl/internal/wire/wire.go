// Package wire is what the api.go files of several capabilities share: conversions between generated and own types.
package wire

import (
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
)

// TokenSet writes tokens as the V3 documents do; the field for the life is called expire_in there.
func TokenSet(t authn.Tokens) *gen.LoginTokenResponseDataDto {
	return &gen.LoginTokenResponseDataDto{
		Scope:        optional.Of(t.Scope),
		AccessToken:  optional.Of(t.Access),
		IDToken:      optional.Of(t.ID),
		RefreshToken: optional.Of(t.Refresh),
		TokenType:    gen.LoginTokenResponseDataDtoTokenTypeBearer,
		ExpireIn:     int(t.ExpiresIn.Seconds()),
	}
}

// BaseTime is how the base dialect writes times, in UTC.
func BaseTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// Either returns the body of an operation that takes JSON as well as a form; the gate has made sure that there is one.
func Either[T any](json, form *T) T {
	if json != nil {
		return *json
	}
	return optional.Value(form)
}
