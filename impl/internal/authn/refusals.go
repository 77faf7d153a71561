package authn

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// What bad credentials are answered.
var (
	ofTokens     = []*apierr.Error{ErrToken, ErrTokenExpired}
	ofSignatures = []*apierr.Error{
		ErrUnauthenticated, ErrAccessKey, ErrSignature, ErrSignatureMethod, ErrSignatureVersion, ErrSignatureDate, ErrSignatureNoDate,
		ErrSignatureSkew, ErrSignatureUsed, ErrUserpool,
	}
)

// Refusals are what authentication answers at an operation with these requirements, so that the contract need not repeat it
// there. Check has passed them.
func (a *Authenticator) Refusals(requirements openapi3.SecurityRequirements) []*apierr.Error {
	optional := len(requirements) == 0 || slices.ContainsFunc(requirements, func(r openapi3.SecurityRequirement) bool { return len(r) == 0 })
	var list []*apierr.Error
	if !optional {
		list = append(list, ErrUnauthenticated)
	}
	for _, requirement := range requirements {
		for name := range requirement {
			s := a.schemes[name]
			if !s.ignorable || !optional {
				list = append(list, s.refusals...)
			}
			if s.scoped && !optional {
				list = append(list, ErrForbidden)
			}
		}
	}
	return list
}
