package wechat

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
)

const (
	// renewBefore is when a token is replaced: WeChat hands out the next one from five minutes before the end on, and takes
	// both for as long.
	renewBefore = 4 * time.Minute
	// leaseFor is longer than two calls may take, and so than anybody works on a new token.
	leaseFor  = 3 * callTimeout
	tokenPoll = 50 * time.Millisecond
)

// tokenAAD ties a token to its row.
func tokenAAD(c db.Connection) []string { return []string{"wechat_tokens", c.UserpoolID, c.ID} }

// withToken makes a call with the access token of a connection. If WeChat does not take the token any more it is voided, by
// whoever comes first, and the call made once more with the next one.
func withToken[T any](ctx context.Context, s *Service, c db.Connection, call func(token string) (T, error)) (T, error) {
	var none T
	for tried := false; ; tried = true {
		token, version, err := s.token(ctx, c)
		if err != nil {
			return none, err
		}
		result, err := call(token)
		if err == nil {
			return result, nil
		}
		if tried || !failed(err, codeNotLatest, codeBadToken, codeExpired) {
			return none, err
		}
		err = s.store.Wechat().VoidToken(ctx, c.UserpoolID, c.ID, version)
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return none, err
		}
	}
}

// token returns the access token of a connection, and its version. Of all replicas one fetches the next (Q10); the others
// go on with the old one while it lives, or wait.
func (s *Service) token(ctx context.Context, c db.Connection) (string, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.waits.token+2*s.client.timeout)
	defer cancel()
	var waited time.Duration
	for {
		row, err := s.store.Wechat().Token(ctx, c.UserpoolID, c.ID)
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return "", 0, err
		}
		now := s.clock.Now()
		usable := row.TokenSealed != nil && !row.Voided && now.Before(row.GoodUntil)
		if usable && now.Before(row.GoodUntil.Add(-renewBefore)) {
			return s.opened(c, row)
		}
		until := now.Add(leaseFor)
		err = s.store.Wechat().LeaseToken(ctx, c.UserpoolID, c.ID, row.Version, until, now)
		if err == nil {
			token, err := s.fetch(ctx, c, row, until)
			if err != nil && usable {
				s.log.WarnContext(ctx, "the next access token cannot be fetched yet", "connection", c.ID, "reason", err.Error())
				return s.opened(c, row)
			}
			return token, row.Version + 1, err
		}
		switch {
		case !errors.Is(err, db.ErrNotFound):
			return "", 0, err
		case usable:
			return s.opened(c, row)
		case waited >= s.waits.token:
			return "", 0, ErrUnavailable.WithCause(errors.New("somebody else is fetching the access token"))
		}
		select {
		case <-ctx.Done():
			return "", 0, ErrUnavailable.WithCause(ctx.Err())
		case <-time.After(tokenPoll):
			waited += tokenPoll
		}
	}
}

func (s *Service) opened(c db.Connection, row db.WechatToken) (string, int64, error) {
	token, err := s.ring.Unseal(row.TokenSealed, tokenAAD(c)...)
	return string(token), row.Version, err
}

// fetch gets the token that follows row, and stores it. Whoever has lost the lease meanwhile has a token all the same, which
// WeChat has given to both.
func (s *Service) fetch(ctx context.Context, c db.Connection, row db.WechatToken, until time.Time) (string, error) {
	token, life, err := s.fresh(ctx, c, row)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.waits.settle)
	defer cancel()
	if err != nil {
		_ = s.store.Wechat().ReleaseToken(last, c.UserpoolID, c.ID, row.Version, until) // it ends by itself, later
		return "", err
	}
	sealed := s.ring.Seal([]byte(token), tokenAAD(c)...)
	err = s.store.Wechat().StoreToken(last, c.UserpoolID, c.ID, row.Version, until, sealed, s.clock.Now().Add(life))
	if errors.Is(err, db.ErrNotFound) {
		err = nil
	}
	return token, err
}

// fresh asks WeChat for a token. It is told to make a new one only if it hands out again what it did not take before.
func (s *Service) fresh(ctx context.Context, c db.Connection, row db.WechatToken) (string, time.Duration, error) {
	secret, err := s.secret(ctx, c, db.ConnectionAppSecret)
	if err != nil {
		return "", 0, err
	}
	token, life, err := s.client.Token(ctx, c.WechatAppID, secret, false)
	if err != nil || !row.Voided {
		return token, life, err
	}
	old, _, err := s.opened(c, row)
	if err != nil || token != old {
		return token, life, err
	}
	return s.client.Token(ctx, c.WechatAppID, secret, true)
}
