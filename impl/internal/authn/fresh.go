package authn

import (
	"time"

	"github.com/menshen-auth/menshen/impl/internal/apierr"
)

// How long a proof is fresh enough to change by what a user signs in: whoever finds a session must not be able to keep the
// account (ASVS 7.5.1).
const (
	freshFor     = 15 * time.Minute // a sign-in
	steppedUpFor = 5 * time.Minute  // a code of the authenticator
)

// ErrStale means that the sign-in was too long ago.
var ErrStale = apierr.Define(apierr.Error{
	Kind: apierr.Unauthenticated, Code: "auth.stale", API: 2020, Number: 1000007,
	EN: "You signed in too long ago for this; sign in again.", ZH: "登录时间过久，请重新登录后再操作。",
})

// Fresh is ErrStale for a user who signed in more than 15 minutes ago.
func (u User) Fresh(now time.Time) error {
	if now.Sub(u.AuthTime) > freshFor {
		return ErrStale
	}
	return nil
}

// SteppedUp tells whether the session has shown a code of the user's authenticator in the last five minutes.
func (u User) SteppedUp(now time.Time) bool {
	return u.MFAAt != nil && now.Sub(*u.MFAAt) <= steppedUpFor
}
