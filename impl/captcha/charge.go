package captcha

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// charge counts a message under every rule (C7, C9), in the transaction that sends it: what is refused costs nothing, and
// what is sent was counted everywhere. All transactions take the rules in this order, from what is one client's to what all
// share, so that no two lock each other out.
func (s *Service) charge(ctx context.Context, q db.Queries, userpoolID string, to target, r Request) error {
	limits := s.limiter.In(q)
	if err := limits.TakeOf(ctx, s.SendsPerIP, userpoolID, client(ctx)); err != nil {
		return err
	}
	switch {
	case r.UserID != "":
		if err := tooMany(limits.TakeOf(ctx, s.SendsPerUser, userpoolID, r.UserID)); err != nil {
			return err
		}
	case r.Image == (Answer{}):
		if err := s.free(ctx, limits, userpoolID, to); err != nil {
			return err
		}
	}
	for _, rule := range s.SendsPerTarget {
		if err := tooMany(limits.TakeOf(ctx, rule, userpoolID, s.limitKey(to))); err != nil {
			return err
		}
	}
	if to.channel == message.Phone {
		if err := stopAt("prefix", to.prefix, limits.TakeOf(ctx, s.SMSPerPrefix, userpoolID, to.prefix)); err != nil {
			return err
		}
	}
	if err := stopAt("userpool", "all", limits.TakeOf(ctx, s.SendsPerPool, userpoolID, "")); err != nil {
		return err
	}
	return s.spend(ctx, q, userpoolID, to)
}

// free counts what is sent without an image captcha to who has not signed in. After the first few it asks for one (C9).
func (s *Service) free(ctx context.Context, limits *limit.Limiter, userpoolID string, to target) error {
	needed := func(err error) error {
		if limit.Refused(err) {
			return ErrImageNeeded
		}
		return err
	}
	for _, rule := range s.FreeSends {
		for _, key := range []string{"ip|" + client(ctx), "account|" + s.limitKey(to)} {
			if err := needed(limits.TakeOf(ctx, rule, userpoolID, key)); err != nil {
				return err
			}
		}
	}
	return needed(limits.TakeOf(ctx, s.FreeSendsPool, userpoolID, ""))
}

// spend takes an SMS from the budget of the day, and from that of the country.
func (s *Service) spend(ctx context.Context, q db.Queries, userpoolID string, to target) error {
	if to.channel != message.Phone {
		return nil
	}
	now := s.clock.Now()
	tomorrow := now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	for _, b := range []struct {
		kind, scope string
		budget      int
	}{{"day", "all", s.SMSBudget}, {"country", to.country, s.SMSCountries[to.country]}} {
		if b.budget == 0 {
			continue
		}
		err := q.Budgets().Spend(ctx, userpoolID, b.scope, b.budget, now)
		if errors.Is(err, db.ErrNotFound) {
			return stop{b.kind, b.scope, tomorrow.Sub(now)}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tooMany makes the gate's refusal one of the operation: the limits of a target and of a user are part of the business.
func tooMany(err error) error {
	if limit.Refused(err) {
		return ErrTooMany.WithRetryAfter(apierr.From(err).RetryAfter)
	}
	return err
}

// stopAt makes the gate's refusal a reason to wake somebody.
func stopAt(kind, scope string, err error) error {
	if limit.Refused(err) {
		return stop{kind, scope, apierr.From(err).RetryAfter}
	}
	return err
}
