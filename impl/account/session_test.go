package account

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// tokens signs alice in, whom it makes.
func (r *rig) tokens(scope string) authn.Tokens {
	r.t.Helper()
	r.user("alice")
	return r.again(scope)
}

// again signs alice in.
func (r *rig) again(scope string) authn.Tokens {
	r.t.Helper()
	_, tokens, err := r.SignIn(r.t.Context(), r.app, Credentials{Type: ByUsername, Account: "alice", Password: password}, Wish{Scope: scope})
	r.must(err)
	return tokens
}

// live tells how an access token is taken.
func (r *rig) live(access string) error {
	_, err := r.VerifyAccess(r.t.Context(), access)
	return err
}

// TestTokenOfOneUse: one key signs all tokens, and yet an ID token or a management token is no access token, nor the
// other way round.
func TestTokenOfOneUse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tokens := r.tokens("openid offline_access")
	management, life, err := r.ManagementToken(t.Context(), "key", "key-secret")
	if err != nil || life != 2*time.Hour {
		t.Fatalf("management token for %v, %v", life, err)
	}
	r.want("access token", r.live(tokens.Access), nil)
	for name, token := range map[string]string{"ID": tokens.ID, "management": management, "refresh": tokens.Refresh, "no": "", "bad": tokens.Access + "x"} {
		r.want(name+" token for access", r.live(token), ErrToken)
	}
	var c claims
	r.must(r.ring.Verify(tokens.Access, &c, r.Issuer, r.clock.Now()))
	c.Use = useID // and otherwise says all that an access token does
	another, err := r.ring.Sign(c)
	r.must(err)
	r.want("token of another use for access", r.live(another), ErrToken)
	caller, err := r.VerifyManagement(t.Context(), management)
	if err != nil || caller.UserpoolID != "pool" || caller.KeyID != "key" || !caller.Has(authn.ScopeUserRead) || caller.Has(authn.ScopeUserWrite) {
		t.Errorf("management token of %+v, %v", caller, err)
	}
	for name, token := range map[string]string{"access": tokens.Access, "ID": tokens.ID, "no": ""} {
		_, err := r.VerifyManagement(t.Context(), token)
		r.want(name+" token for management", err, ErrToken)
	}
}

// TestAccessTokenEnds (security, accounts): after 15 minutes by itself, at once with its session or when its user may not
// sign in any more.
func TestAccessTokenEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tokens := r.tokens("")
	r.advance(15*time.Minute - time.Second)
	r.want("before its end", r.live(tokens.Access), nil)
	r.advance(time.Second)
	r.want("at its end", r.live(tokens.Access), ErrTokenExpired)

	signedOut, other := r.again(""), r.again("")
	r.must(r.revoke(signedOut.SessionID))
	r.want("signed out", r.live(signedOut.Access), ErrToken)
	r.want("another session of the user", r.live(other.Access), nil)
	r.execute("UPDATE users SET status = 'Suspended'")
	r.want("user suspended", r.live(other.Access), ErrToken)
	_, _, err := r.Renew(t.Context(), other.Refresh)
	r.want("renew for a suspended user", err, ErrToken)
	r.execute("UPDATE users SET status = 'Activated'")
	_, _, err = r.Renew(t.Context(), other.Refresh)
	r.want("which did not use the refresh token up", err, nil)
}

// TestRenew (security, accounts): a refresh token is good once, and gives the next pair of the same session, until the
// session ends.
func TestRenew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tokens := r.tokens("")
	refresh := tokens.Refresh
	for range 3 {
		r.advance(time.Hour)
		caller, pair, err := r.Renew(t.Context(), refresh)
		r.must(err)
		if caller.SessionID != tokens.SessionID || pair.Refresh == refresh || pair.Refresh == "" {
			t.Errorf("renewed session %s, want %s, with another refresh token", caller.SessionID, tokens.SessionID)
		}
		r.want("the new access token", r.live(pair.Access), nil)
		refresh = pair.Refresh
	}
	for name, token := range map[string]string{"unknown": "unknown", "no": "", "access": tokens.Access, "ID": tokens.ID} {
		_, _, err := r.Renew(t.Context(), token)
		r.want(name+" token for renewal", err, ErrToken)
	}
	r.execute("UPDATE applications SET disabled_at = created_at")
	_, _, err := r.Renew(t.Context(), refresh)
	r.want("for an application that is being disabled", err, ErrToken)
	r.execute("UPDATE applications SET disabled_at = NULL")
	r.advance(717*time.Hour - time.Microsecond) // 720 hours after the sign-in
	_, pair, err := r.Renew(t.Context(), refresh)
	r.want("at the last moment of the session", err, nil)
	r.advance(time.Microsecond)
	_, _, err = r.Renew(t.Context(), pair.Refresh)
	r.want("after it", err, ErrToken)
	r.want("the access token, which dies with the session", r.live(pair.Access), ErrToken)
}

// TestRefreshTokenReuse (RFC 9700 section 4.14.2): used again at once it is only refused, since browsers have two requests
// in flight; used again later, one of the two is a thief, and the session ends for both.
func TestRefreshTokenReuse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.tokens("")
	other := r.again("")
	_, pair, err := r.Renew(t.Context(), first.Refresh)
	r.must(err)
	r.advance(10 * time.Second)
	_, _, err = r.Renew(t.Context(), first.Refresh)
	r.want("again within the grace", err, ErrToken)
	r.want("the session", r.live(pair.Access), nil)
	r.advance(time.Microsecond)
	_, _, err = r.Renew(t.Context(), first.Refresh)
	r.want("again after it", err, ErrToken)
	r.want("the session of both", r.live(pair.Access), ErrToken)
	_, _, err = r.Renew(t.Context(), pair.Refresh)
	r.want("the newest refresh token", err, ErrToken)
	r.want("another session of the user", r.live(other.Access), nil)
	events, err := r.store.Audit().Of(t.Context(), "pool", "session:"+first.SessionID, 10)
	if err != nil || len(events) != 1 || events[0].Action != "session.refresh_reused" || events[0].Outcome != "refused" {
		t.Errorf("audit log %+v, %v", events, err)
	}
}

// TestParallelRenewals: of many requests with one refresh token one gets the next pair, and the session survives.
func TestParallelRenewals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tokens := r.tokens("")
	var (
		all   sync.WaitGroup
		errs  [32]error
		pairs [32]authn.Pair
		start = make(chan struct{})
	)
	for i := range errs {
		all.Go(func() {
			<-start
			_, pairs[i], errs[i] = r.Renew(t.Context(), tokens.Refresh)
		})
	}
	close(start)
	all.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			r.want("the pair of the winner", r.live(pairs[i].Access), nil)
		} else if !errors.Is(err, ErrToken) || pairs[i] != (authn.Pair{}) {
			t.Errorf("a loser was told %v and given %+v", err, pairs[i])
		}
	}
	if won != 1 {
		t.Errorf("%d of 32 renewals won, want 1", won)
	}
}
