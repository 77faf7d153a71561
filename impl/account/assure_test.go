package account

import (
	"slices"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// opened opens the session of a grant.
func (r *rig) opened(g authn.Grant) (db.Session, error) {
	r.t.Helper()
	var tokens authn.Tokens
	err := r.store.InTx(r.t.Context(), func(q db.Queries) (err error) {
		tokens, err = r.Open(r.t.Context(), q, screened(g))
		return err
	})
	if err != nil {
		return db.Session{}, err
	}
	return r.store.Sessions().Live(r.t.Context(), g.UserpoolID, tokens.SessionID, r.clock.now)
}

// TestOpenNeedsTheCode: the only way to a session asks for the code of who has an authenticator, so that no door can forget
// it, whatever it says of how the user proved itself; in another userpool it is another user.
func TestOpenNeedsTheCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	grant := authn.Grant{UserpoolID: "pool", UserID: alice.ID, AppID: "app", AMR: []string{"pwd", "otp", "mfa"}, Password: alice.PasswordHash}
	s, err := r.opened(grant)
	if err != nil || s.MFAAt != nil || !s.AuthTime.Equal(r.clock.now) {
		t.Errorf("without an authenticator: %+v, %v", s, err)
	}
	r.bind(alice)
	_, err = r.opened(grant)
	r.want("with one", err, ErrCodeRequired)
	r.execute("UPDATE mfa_factors SET failures = 100")
	_, err = r.opened(grant)
	r.want("with one that is disabled", err, ErrCodeRequired)
	grant.MFA = true
	s, err = r.opened(grant)
	if err != nil || s.MFAAt == nil || !s.MFAAt.Equal(r.clock.now) {
		t.Errorf("with its code: %+v, %v", s, err)
	}
}

// TestBoundMeanwhile: an authenticator that is bound between the look and the session still asks for its code: nobody slips
// in beside it, and the login is not counted.
func TestBoundMeanwhile(t *testing.T) {
	t.Parallel()
	for _, fieldless := range []bool{false, true} {
		r := newRig(t)
		alice := r.user("alice")
		r.factors.meanwhile = func() { r.bind(alice) }
		_, tokens, err := r.SignIn(t.Context(), r.app, Credentials{Type: ByUsername, Account: "alice", Password: password, Fieldless: fieldless}, wish)
		r.want("sign in", err, ErrCodeRequired)
		if now := r.reload(alice); tokens != (authn.Tokens{}) || r.sessions() != 0 || now.LoginsCount != 0 || string(now.CustomData) != "{}" {
			t.Errorf("tokens for %q, %d sessions, %+v", tokens.SessionID, r.sessions(), now)
		}
	}
}

// TestVouchedInheritsAssurance (Q4, Q7): a session that another one vouches for has proved what that one has, when that
// one did, and never more: not what the door says, not by being younger, and not by the other's step-up later. It lives no
// longer than that one.
func TestVouchedInheritsAssurance(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	voucher, err := r.opened(authn.Grant{UserpoolID: "pool", UserID: alice.ID, AppID: "app", AMR: []string{"pwd"}})
	r.must(err)
	signedIn := r.clock.now
	r.advance(10 * time.Minute)
	vouched := authn.Grant{
		UserpoolID: "pool", UserID: alice.ID, AppID: "app", VouchedBy: voucher.ID, AMR: []string{"pwd", "otp", "mfa", "hwk"}, MFA: true,
	}
	first, err := r.opened(vouched)
	if err != nil || !slices.Equal(first.AMR, []string{"pwd"}) || first.MFAAt != nil || !first.AuthTime.Equal(signedIn) ||
		!first.CreatedAt.Equal(r.clock.now) || !first.ExpiresAt.Equal(voucher.ExpiresAt) {
		t.Errorf("vouched for: %+v, %v", first, err)
	}
	steppedUp := r.clock.now
	r.must(r.store.Sessions().StepUp(t.Context(), "pool", voucher.ID, []string{"otp", "mfa"}, steppedUp))
	r.advance(10 * time.Minute)
	second, err := r.opened(vouched)
	if err != nil || !slices.Equal(second.AMR, []string{"pwd", "otp", "mfa"}) || second.MFAAt == nil || !second.MFAAt.Equal(steppedUp) || !second.AuthTime.Equal(signedIn) {
		t.Errorf("vouched for after a step-up: %+v, %v", second, err)
	}
	vouched.VouchedBy = first.ID
	third, err := r.opened(vouched)
	if err != nil || third.MFAAt != nil || !slices.Equal(third.AMR, []string{"pwd"}) || !third.AuthTime.Equal(signedIn) {
		t.Errorf("vouched for by one that was: %+v, %v", third, err)
	}
	caller, err := r.callerOf(third)
	if err != nil || caller.MFAAt != nil || !caller.AuthTime.Equal(signedIn) {
		t.Errorf("the caller is %+v, %v", caller, err)
	}
	r.want("to change what one signs in by", caller.Fresh(r.clock.now), authn.ErrStale)
}

// TestVouchingAfterTheBinding (Q4, Q7): once an authenticator is bound, a session that never showed its code vouches for no
// new one, be it that somebody has found it; one that has shown it does.
func TestVouchingAfterTheBinding(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	before, err := r.opened(authn.Grant{UserpoolID: "pool", UserID: alice.ID, AppID: "app", AMR: []string{"pwd"}})
	r.must(err)
	r.bind(alice)
	vouched := authn.Grant{UserpoolID: "pool", UserID: alice.ID, AppID: "app", VouchedBy: before.ID, MFA: true}
	_, err = r.opened(vouched)
	r.want("of before", err, ErrCodeRequired)
	r.must(r.store.Sessions().StepUp(t.Context(), "pool", before.ID, []string{"otp", "mfa"}, r.clock.now))
	r.advance(time.Hour)
	_, err = r.opened(vouched)
	r.want("that has shown a code, however long ago", err, nil)
	r.must(r.store.Sessions().StepDown(t.Context(), "pool", alice.ID, ""))
	_, err = r.opened(vouched)
	r.want("whose code was of an authenticator that is gone", err, ErrCodeRequired)
	vouched.VouchedBy = "none"
	_, err = r.opened(vouched)
	r.want("of nobody", err, ErrToken)
}

// callerOf is who calls with an access token of a session.
func (r *rig) callerOf(s db.Session) (authn.User, error) {
	u, err := r.store.Accounts().UserByID(r.t.Context(), s.UserpoolID, s.UserID)
	r.must(err)
	tokens, err := r.Service.tokens(r.t.Context(), r.store.Queries, r.app, s, u, s.Scope)
	r.must(err)
	return r.VerifyAccess(r.t.Context(), tokens.Access)
}

// TestCallerKnowsItsProofs (T11): when the user proved itself and when it showed a code is known of every caller, also after
// a renewal, which proves nothing anew.
func TestCallerKnowsItsProofs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	r.bind(alice)
	signedIn := r.clock.now
	_, tokens, err := r.SignIn(t.Context(), r.app, Credentials{Type: ByUsername, Account: "alice", Password: password, Code: factorCode}, Wish{})
	r.must(err)
	r.advance(10 * time.Minute)
	caller, err := r.VerifyAccess(t.Context(), tokens.Access)
	renewed, _, errRenew := r.Renew(t.Context(), tokens.Refresh)
	for _, c := range []authn.User{caller, renewed} {
		if !c.AuthTime.Equal(signedIn) || c.MFAAt == nil || !c.MFAAt.Equal(signedIn) || err != nil || errRenew != nil {
			t.Errorf("%+v, %v, %v", c, err, errRenew)
		}
	}
}

// TestCreateUserWithOTP: a user who is moved in brings its authenticator: both or neither.
func TestCreateUserWithOTP(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, err := r.CreateUser(t.Context(), "pool", "key", NewUser{Username: "alice", OTP: "SECRET", RecoveryCode: "CODE"})
	r.must(err)
	if want := []string{"pool " + u.ID + " key:key SECRET CODE"}; !slices.Equal(r.factors.imports, want) {
		t.Errorf("imported %q, want %q", r.factors.imports, want)
	}
	_, err = r.CreateUser(t.Context(), "pool", "key", NewUser{Username: "bob"})
	r.must(err)
	if len(r.factors.imports) != 1 {
		t.Errorf("imported %q for who has none", r.factors.imports)
	}
	r.factors.refuseImport = apierr.ErrRequest
	_, err = r.CreateUser(t.Context(), "pool", "key", NewUser{Username: "carol", OTP: "SECRET"})
	r.want("one that is refused", err, apierr.ErrRequest)
	_, err = r.Find(t.Context(), "pool", ByUsername, "carol")
	r.want("the user", err, ErrUserNotFound)
}

// TestTell: a notice goes to the user's e-mail address, in the transaction of what it is about.
func TestTell(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	alice := r.user("alice")
	r.must(r.store.InTx(t.Context(), func(q db.Queries) error { return r.Service.Tell(t.Context(), q, "pool", alice.ID, "factor_bound") }))
	_ = r.store.InTx(t.Context(), func(q db.Queries) error {
		r.must(r.Service.Tell(t.Context(), q, "pool", alice.ID, "factor_removed"))
		return apierr.ErrRequest
	})
	r.wantTold("told", "factor_bound to alice@example.com")
	r.want("nobody", r.Service.Tell(t.Context(), r.store.Queries, "pool", "nobody", "factor_bound"), db.ErrNotFound)
}
