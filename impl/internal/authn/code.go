package authn

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// Code is what a user repeats as its second factor.
type Code struct {
	Text string
	Kind CodeKind
}

// CodeKind is what a code was sent as.
type CodeKind uint8

// The kinds.
const (
	AnyCode      CodeKind = iota // a field that takes both: the code tells by its form
	TOTPCode                     // of an authenticator
	RecoveryCode                 // one of those for when there is none
)

// ErrNoCode means that a field for the authenticator's code is empty.
var ErrNoCode = apierr.Define(apierr.Error{
	Kind: apierr.Invalid, Code: "auth.no_code", API: 6003,
	EN: "There is no code of the authenticator.", ZH: "缺少动态验证码。",
})
