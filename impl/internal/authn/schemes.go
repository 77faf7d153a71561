package authn

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// Accounts tells what credentials are good for. A credential that is good for nothing is an apierr.Error of the kind
// Unauthenticated; other errors are failures to find out.
type Accounts interface {
	VerifyAccess(ctx context.Context, token string) (User, error)
	Renew(ctx context.Context, refreshToken string) (User, Pair, error)
	VerifyManagement(ctx context.Context, token string) (Management, error)
	VerifySignature(ctx context.Context, r SignedRequest) (Management, error)
	VerifyApplication(ctx context.Context, id, secret string) (Application, error)
}

// Authenticator tries the credentials that an operation takes.
type Authenticator struct{ schemes map[string]scheme }

// scheme reads one kind of credential. verify returns errAbsent when the request has none of that kind.
type scheme struct {
	verify func(ctx context.Context, r *http.Request, body []byte) (Principal, error)
	// ignorable: a bad credential does no harm where none is needed, since clients send stale tokens along. The others
	// are sent on purpose, and a wrong one must not silently become an anonymous call.
	ignorable bool
	// refusals are what is answered to a bad one; scoped: a good one may still lack the scope that an operation needs.
	refusals []*apierr.Error
	scoped   bool
}

var errAbsent = errors.New("no credential of this kind")

// New returns an authenticator for the security schemes of the contract.
func New(a Accounts) *Authenticator {
	userToken := func(token func(*http.Request) string) scheme {
		return scheme{ignorable: true, refusals: ofTokens, verify: func(ctx context.Context, r *http.Request, _ []byte) (Principal, error) {
			t := token(r)
			if t == "" {
				return Principal{}, errAbsent
			}
			user, err := a.VerifyAccess(ctx, t)
			return Principal{User: &user}, err
		}}
	}
	return &Authenticator{schemes: map[string]scheme{
		"AccessToken":  userToken(func(r *http.Request) string { return first(r, "Access-Token") }),
		"IThingsToken": userToken(func(r *http.Request) string { return first(r, "iThings-token") }),
		"UserToken":    userToken(rawOrBearer),
		"QueryToken": {refusals: ofTokens, verify: func(ctx context.Context, r *http.Request, _ []byte) (Principal, error) {
			t := r.URL.Query().Get("access_token")
			if t == "" {
				return Principal{}, errAbsent
			}
			user, err := a.VerifyAccess(ctx, t)
			return Principal{User: &user}, err
		}},
		"RefreshToken": {ignorable: true, refusals: []*apierr.Error{ErrToken}, verify: func(ctx context.Context, r *http.Request, _ []byte) (Principal, error) {
			t := first(r, "Refresh-Token")
			if t == "" {
				return Principal{}, errAbsent
			}
			user, pair, err := a.Renew(ctx, t)
			return Principal{User: &user, Renewed: &pair}, err
		}},
		"ManagementToken": {refusals: append(ofTokens, ErrUserpool), scoped: true, verify: func(ctx context.Context, r *http.Request, _ []byte) (Principal, error) {
			t, ok := credentials(r, "Bearer")
			if !ok || !claimsManagement(t) {
				return Principal{}, errAbsent // a user's, sent along
			}
			management, err := a.VerifyManagement(ctx, t)
			return Principal{Management: &management}, err
		}},
		"RequestSignature": {refusals: ofSignatures, scoped: true, verify: func(ctx context.Context, r *http.Request, body []byte) (Principal, error) {
			signature, ok := credentials(r, "authing")
			if !ok {
				return Principal{}, errAbsent
			}
			if signature == "" {
				return Principal{}, ErrUnauthenticated
			}
			management, err := a.VerifySignature(ctx, signedRequest(r, signature, body))
			return Principal{Management: &management}, err
		}},
		"ApplicationBasic": {refusals: []*apierr.Error{ErrApplicationSecret}, verify: func(ctx context.Context, r *http.Request, _ []byte) (Principal, error) {
			if _, ok := credentials(r, "Basic"); !ok {
				return Principal{}, errAbsent
			}
			id, secret, _ := r.BasicAuth() // malformed, it proves nothing, but was sent on purpose: no anonymous call
			application, err := a.VerifyApplication(ctx, id, secret)
			return Principal{Application: &application}, err
		}},
	}}
}

// Check refuses a contract whose security requirements this package would not understand.
func (a *Authenticator) Check(requirements openapi3.SecurityRequirements) error {
	for _, requirement := range requirements {
		if len(requirement) > 1 {
			return errors.New("a security requirement names two schemes at once")
		}
		for name := range requirement {
			if _, ok := a.schemes[name]; !ok {
				return fmt.Errorf("unknown security scheme %q", name)
			}
		}
	}
	return nil
}

// Authenticate returns the caller by the first credential that is good. Without any it is ErrUnauthenticated, or an
// anonymous principal where the requirements are empty or have an empty one among them. body is the whole request body,
// which a signature covers.
func (a *Authenticator) Authenticate(ctx context.Context, requirements openapi3.SecurityRequirements, r *http.Request, body []byte) (Principal, error) {
	optional := len(requirements) == 0
	var first error
	for _, requirement := range requirements {
		if len(requirement) == 0 {
			optional = true
		}
		for name := range requirement {
			s := a.schemes[name]
			p, err := s.verify(ctx, r, body)
			switch {
			case err == nil:
				if err := sameUserpool(p, r); err != nil {
					return Principal{}, err
				}
				return p, nil
			case errors.Is(err, errAbsent):
			case !refused(err), !s.ignorable:
				return Principal{}, err
			case first == nil:
				first = err
			}
		}
	}
	switch {
	case optional:
		return Principal{}, nil
	case first != nil:
		return Principal{}, first
	}
	return Principal{}, ErrUnauthenticated
}

// sameUserpool refuses a management call that names another userpool than the key's: the caller is mistaken about whose
// users it is about to read or change.
func sameUserpool(p Principal, r *http.Request) error {
	if p.Management == nil {
		return nil
	}
	for _, id := range r.Header.Values("x-authing-userpool-id") {
		if id != "" && id != p.Management.UserpoolID {
			return ErrUserpool
		}
	}
	return nil
}

// first is the first value of a header that is not empty: clients are known to send an empty one beside the real one.
func first(r *http.Request, name string) string { return cmp.Or(r.Header.Values(name)...) }

// claimsManagement tells whether a token says of itself that it is for management. Whether that is true is found out
// later.
func claimsManagement(token string) bool {
	var claims struct {
		ScopedUserpoolID string `json:"scoped_userpool_id"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Unmarshal(payload, &claims) == nil && claims.ScopedUserpoolID != ""
}

// credentials returns what follows the authentication scheme in the Authorization header (RFC 9110 section 11.4).
func credentials(r *http.Request, scheme string) (string, bool) {
	name, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(name, scheme) {
		return "", false
	}
	return strings.TrimSpace(rest), true
}

// rawOrBearer reads a user's token as the official SDKs send it, without a scheme, or as everybody else does.
func rawOrBearer(r *http.Request) string {
	if token, ok := credentials(r, "Bearer"); ok {
		return token
	}
	if raw := strings.TrimSpace(r.Header.Get("Authorization")); !strings.Contains(raw, " ") {
		return raw
	}
	return ""
}
