package wechat

import (
	"context"
	"errors"
	"fmt"
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
	leave, err := s.enter(ctx)
	if err != nil {
		return none, err
	}
	defer leave()
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
	row, err := s.tokenRow(ctx, c)
	if err != nil {
		return "", 0, err
	}
	switch now := s.clock.Now(); {
	case row.fresh(now):
		return s.opened(c, row)
	case !row.usable(now):
		return s.awaited(ctx, c, row)
	case row.LeasedUntil.After(now):
		return s.opened(c, row)
	}
	token, version, err := s.next(ctx, c, row)
	if err != nil {
		if !errors.Is(err, errLeased) {
			s.log.WarnContext(ctx, "the next access token cannot be fetched yet", "connection", c.ID, "reason", err.Error())
		}
		return s.opened(c, row)
	}
	return token, version, nil
}

// tokenRow is the token of a connection as all replicas know it.
type tokenRow struct{ db.WechatToken }

func (t tokenRow) usable(now time.Time) bool {
	return t.TokenSealed != nil && !t.Voided && now.Before(t.GoodUntil)
}

func (t tokenRow) fresh(now time.Time) bool {
	return t.usable(now.Add(renewBefore))
}

func (s *Service) tokenRow(ctx context.Context, c db.Connection) (tokenRow, error) {
	row, err := s.store.Wechat().Token(ctx, c.UserpoolID, c.ID)
	if errors.Is(err, db.ErrNotFound) {
		err = nil // nobody has asked for one yet
	}
	return tokenRow{row}, err
}

// awaited returns the token that follows one that is of no use. All requests of a process wait for the same outcome, good or
// bad: they ask neither the database nor WeChat each for themselves. Those that know of different tokens do not wait together:
// who has voided a token does not get it from somebody who had read it before.
func (s *Service) awaited(ctx context.Context, c db.Connection, row tokenRow) (string, int64, error) {
	type outcome struct {
		token   string
		version int64
	}
	key := fmt.Sprint(c.UserpoolID, " ", c.ID, " ", row.Version, " ", row.Voided)
	flight := s.flights.DoChan(key, func() (landed any, err error) {
		defer func() {
			if panicked := recover(); panicked != nil { // on a goroutine of its own it would end the process
				landed, err = outcome{}, fmt.Errorf("panic: %v", panicked)
			}
		}()
		// Whoever came first may go; the others still wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.waits.token+2*s.client.timeout)
		defer cancel()
		token, version, err := s.await(ctx, c)
		return outcome{token, version}, err
	})
	select {
	case <-ctx.Done():
		return "", 0, ErrUnavailable.WithCause(ctx.Err())
	case landed := <-flight:
		o := landed.Val.(outcome)
		return o.token, o.version, landed.Err
	}
}

// await fetches a token, or waits for the one that another replica is fetching.
func (s *Service) await(ctx context.Context, c db.Connection) (string, int64, error) {
	for waited := time.Duration(0); ; waited += tokenPoll {
		row, err := s.tokenRow(ctx, c)
		if err != nil {
			return "", 0, err
		}
		now := s.clock.Now()
		if row.usable(now) {
			return s.opened(c, row)
		}
		if !row.LeasedUntil.After(now) {
			token, version, err := s.next(ctx, c, row)
			if !errors.Is(err, errLeased) {
				return token, version, err
			}
		}
		if waited >= s.waits.token {
			return "", 0, ErrUnavailable.WithCause(errLeased)
		}
		select {
		case <-ctx.Done():
			return "", 0, ErrUnavailable.WithCause(ctx.Err())
		case <-time.After(tokenPoll):
		}
	}
}

var errLeased = errors.New("somebody else is fetching the access token")

// next fetches the token that follows row, unless somebody else does: then it is errLeased.
func (s *Service) next(ctx context.Context, c db.Connection, row tokenRow) (string, int64, error) {
	now := s.clock.Now()
	until := now.Add(leaseFor)
	err := s.store.Wechat().LeaseToken(ctx, c.UserpoolID, c.ID, row.Version, until, now)
	if errors.Is(err, db.ErrNotFound) {
		return "", 0, errLeased
	}
	if err != nil {
		return "", 0, err
	}
	token, err := s.fetch(ctx, c, row, until)
	return token, row.Version + 1, err
}

func (s *Service) opened(c db.Connection, row tokenRow) (string, int64, error) {
	token, err := s.ring.Unseal(row.TokenSealed, tokenAAD(c)...)
	return string(token), row.Version, err
}

// fetch gets the token that follows row, and stores it. Whoever has lost the lease meanwhile has a token all the same, which
// WeChat has given to both.
func (s *Service) fetch(ctx context.Context, c db.Connection, row tokenRow, until time.Time) (string, error) {
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
func (s *Service) fresh(ctx context.Context, c db.Connection, row tokenRow) (string, time.Duration, error) {
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
