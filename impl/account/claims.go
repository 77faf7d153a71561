package account

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// What a token is for. A token of one use is none of another, although one key signs all.
const (
	useAccess     = "access"
	useID         = "id"
	useManagement = "management"
)

// DefaultScope is granted where a caller cannot ask or does not.
const DefaultScope = "openid profile offline_access"

// knownScopes are those that mean something here (document 001).
var knownScopes = []string{
	"openid", "profile", "username", "email", "phone", "offline_access", "roles", "external_id", "extended_fields", "tenant_id",
}

// grantedScope is the part of the requested scope that means something, in the requested order and each once.
func grantedScope(requested string) string {
	if requested == "" {
		return DefaultScope
	}
	var granted []string
	for _, scope := range strings.Fields(requested) {
		if slices.Contains(knownScopes, scope) && !slices.Contains(granted, scope) {
			granted = append(granted, scope)
		}
	}
	return strings.Join(granted, " ")
}

// narrowed is the part of a scope that is asked for; without a wish, all of it. What is not in it is ErrScope.
func narrowed(scope, wish string) (string, error) {
	has, granted := strings.Fields(scope), []string(nil)
	for _, name := range strings.Fields(wish) {
		switch {
		case !slices.Contains(has, name):
			return "", ErrScope
		case !slices.Contains(granted, name):
			granted = append(granted, name)
		}
	}
	if granted == nil {
		return scope, nil
	}
	return strings.Join(granted, " "), nil
}

// claims are those of access and management tokens. The audience is one string: the official SDKs read no array.
type claims struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  string           `json:"aud"`
	IssuedAt  *jwt.NumericDate `json:"iat"`
	ExpiresAt *jwt.NumericDate `json:"exp"`
	Use       string           `json:"token_use"`
	// ID is of access tokens: random, since one official SDK promises its callers a jti. Nothing is looked up by it: what ends a
	// token is the end of its session.
	ID         string `json:"jti,omitempty"`
	UserpoolID string `json:"userpool_id,omitempty"`
	SessionID  string `json:"sid,omitempty"`
	Scope      string `json:"scope,omitempty"`
	// ScopedUserpoolID is what the official SDKs look for in a management token. Python's decodes the payload with the
	// plain base64 alphabet, so it must stay ASCII without '>', '?' and '~'.
	ScopedUserpoolID string `json:"scoped_userpool_id,omitempty"`
}

var _ jwt.Claims = claims{}

func (c claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.ExpiresAt, nil }
func (c claims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.IssuedAt, nil }
func (c claims) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (c claims) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c claims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c claims) GetAudience() (jwt.ClaimStrings, error)       { return jwt.ClaimStrings{c.Audience}, nil }

func accessClaims(issuer string, s db.Session, now, expiresAt time.Time) claims {
	return claims{
		Issuer: issuer, Subject: s.UserID, Audience: s.AppID, IssuedAt: jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(expiresAt), Use: useAccess, ID: secret.ID(),
		UserpoolID: s.UserpoolID, SessionID: s.ID, Scope: s.Scope,
	}
}

// managementIssuer is that of management tokens: not the public URL, which may have characters that the payload must not
// have.
const managementIssuer = "menshen"

func managementClaims(k db.AccessKey, now, expiresAt time.Time) claims {
	return claims{
		Issuer: managementIssuer, Subject: k.ID, Audience: k.UserpoolID, IssuedAt: jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(expiresAt), Use: useManagement, ScopedUserpoolID: k.UserpoolID,
	}
}

// profileClaims are the claims of the scope profile (OpenID Connect Core section 5.4), and where they come from in a
// user's profile.
var profileClaims = map[string]string{
	"name": "name", "family_name": "familyName", "given_name": "givenName", "middle_name": "middleName",
	"nickname": "nickname", "preferred_username": "preferredUsername", "profile": "profile", "picture": "photo",
	"website": "website", "birthdate": "birthdate", "zoneinfo": "zoneinfo", "locale": "locale",
}

// idClaims are the claims of an ID token.
func idClaims(issuer string, s db.Session, u db.User, now, expiresAt time.Time) jwt.MapClaims {
	c := userClaims(s.Scope, u)
	maps.Copy(c, jwt.MapClaims{
		"iss": issuer, "aud": s.AppID, "iat": now.Unix(), "exp": expiresAt.Unix(), "sid": s.ID,
		"amr": []string(s.AMR), "auth_time": s.AuthTime.Unix(), "token_use": useID,
	})
	return c
}

// userClaims are what a scope allows to tell of a user, and nothing that is not known.
func userClaims(scope string, u db.User) jwt.MapClaims {
	c := jwt.MapClaims{"sub": u.ID}
	for _, scope := range strings.Fields(scope) {
		switch scope {
		case "profile":
			for claim, member := range profileClaims {
				if value, ok := u.Profile[member]; ok {
					c[claim] = value
				}
			}
			c["gender"] = u.Gender
			c["updated_at"] = u.UpdatedAt.Format(time.RFC3339) // a string: an official SDK cannot read a number
		case "username":
			set(c, "username", u.Username)
		case "email":
			if set(c, "email", u.Email) {
				c["email_verified"] = u.EmailVerified
			}
		case "phone":
			if set(c, "phone_number", u.Phone) {
				c["phone_number_verified"] = u.PhoneVerified
			}
		case "external_id":
			set(c, "external_id", u.ExternalID)
		case "roles":
			c["roles"] = []string{}
		case "extended_fields":
			c["extended_fields"] = json.RawMessage(u.CustomData)
		case "tenant_id":
			c["tenant_id"] = nil // there are no tenants below a userpool
		}
	}
	return c
}

func set(c jwt.MapClaims, claim string, value *string) bool {
	if value == nil {
		return false
	}
	c[claim] = *value
	return true
}
