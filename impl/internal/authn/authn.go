package authn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// User is a signed-in user.
type User struct {
	UserpoolID, ID string
	SessionID      string
	AppID          string
	Scope          string     // what the token may tell: that of the session, or less
	AuthTime       time.Time  // when it proved itself, to this session or to the one that vouched for it
	MFAAt          *time.Time // when it last showed a code of its authenticator; nil for never
}

// Management is an access key at work.
type Management struct {
	UserpoolID, KeyID string
	Scopes            []string
}

// Scopes of access keys.
const (
	ScopeUserRead       = "user:read"
	ScopeUserWrite      = "user:write"
	ScopeOTPSecretRead  = "otp:secret:read"
	ScopeOTPSecretWrite = "otp:secret:write"
)

// Scopes are all of them.
var Scopes = []string{ScopeUserRead, ScopeUserWrite, ScopeOTPSecretRead, ScopeOTPSecretWrite}

// Application is an application that has proved itself with its secret.
type Application struct{ UserpoolID, ID string }

// Pair is a new access token and refresh token.
type Pair struct{ Access, Refresh string }

// Principal is who is calling; at most one of its parts is set, none for an anonymous caller.
type Principal struct {
	User        *User
	Management  *Management
	Application *Application
	Renewed     *Pair // the user's tokens were renewed on the fly; the client must be told
}

type key struct{}

// With returns a context that carries the principal.
func With(ctx context.Context, p Principal) context.Context { return context.WithValue(ctx, key{}, p) }

// From returns the principal of the request.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(key{}).(Principal)
	return p
}

// RequireUser returns the signed-in user.
func RequireUser(ctx context.Context) (User, error) {
	if u := From(ctx).User; u != nil {
		return *u, nil
	}
	return User{}, ErrUnauthenticated
}

// RequireManagement returns the access key at work.
func RequireManagement(ctx context.Context) (Management, error) {
	if m := From(ctx).Management; m != nil {
		return *m, nil
	}
	return Management{}, ErrUnauthenticated
}

// RequireScope returns the access key at work, provided that it has the scope.
func RequireScope(ctx context.Context, scope string) (Management, error) {
	m, err := RequireManagement(ctx)
	if err == nil {
		err = m.Need(scope)
	}
	return m, err
}

// Need is ErrForbidden for a key that does not have the scope.
func (m Management) Need(scope string) error {
	if !m.Has(scope) {
		return ErrForbidden.WithDetail("needs " + scope)
	}
	return nil
}

// Has tells whether the key has the scope.
func (m Management) Has(scope string) bool { return slices.Contains(m.Scopes, scope) }

// refused tells whether err is about the credential; anything else (the database, say) must not pass for a bad one.
func refused(err error) bool {
	var e *apierr.Error
	return errors.As(err, &e) && e.Kind == apierr.Unauthenticated
}

// Grant is what a sign-in, of whatever kind, has established.
type Grant struct {
	UserpoolID, UserID, AppID string
	SessionID                 string   // of the session to open; empty for any
	VouchedBy                 string   // session that stands for the user; empty for none. It must still live
	Password                  *string  // hash of the password that was right; nil for none. It must still be the user's
	Scope                     string   // as requested; empty for the default
	AMR                       []string // RFC 8176: how the user proved itself; of a vouched session, what the other one has
	MFA                       bool     // a code of the user's authenticator was among that
	Screened                  Screened // by the hooks, as what they let pass: this user, at this application
}

// Tokens are what a grant gives.
type Tokens struct {
	SessionID string
	Scope     string
	Access    string
	ID        string        // empty without the scope openid
	Refresh   string        // empty without the scope offline_access
	ExpiresIn time.Duration // of Access
	ExpiresAt time.Time     // of Access
}

// Brief is what others may see of a user.
type Brief struct{ ID, DisplayName, Photo string }
