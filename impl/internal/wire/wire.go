// Package wire is what the api.go files of several capabilities share: conversions between generated and own types.
package wire

import (
	"context"
	"encoding/json"
	"time"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
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

type key struct{}

// WithBody returns a context that carries the body of the request, for Sent. It may hold secrets.
func WithBody(ctx context.Context, body []byte) context.Context {
	return context.WithValue(ctx, key{}, body)
}

// Sent returns a member of the request's JSON body byte for byte, where the validated one that the handler has was written
// anew. Nothing, or a body that is not there, gives the validated one back.
func Sent(ctx context.Context, validated json.RawMessage, path ...string) json.RawMessage {
	body, _ := ctx.Value(key{}).([]byte)
	if validated == nil || body == nil {
		return validated
	}
	sent := json.RawMessage(body)
	for _, name := range path {
		var members map[string]json.RawMessage // whose names are compared exactly, as those of the validated one were
		if json.Unmarshal(sent, &members) != nil || members[name] == nil {
			return validated
		}
		sent = members[name]
	}
	return sent
}

// QRCodeLogin is what who scans must see of a login (Q5).
func QRCodeLogin(d wechatid.Details) *gen.QRCodeLoginDto {
	return &gen.QRCodeLoginDto{
		AppID: d.AppID, AppName: d.AppName, AppLogo: d.AppLogo, Browser: d.Browser, Os: d.OS, IP: d.IP,
		CreatedAt: d.CreatedAt.UTC(), ExpiresAt: d.ExpiresAt.UTC(), Numbers: d.Numbers,
	}
}
