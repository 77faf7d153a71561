package captcha

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
)

// charge counts a message under every rule (C7), in the transaction that sends it: what is refused costs nothing, and what
// is sent was counted everywhere. All transactions take the rules in this order, so that no two lock each other out.
func (s *Service) charge(ctx context.Context, q db.Queries, userpoolID string, to target) error {
	limits, now := s.limiter.In(q), s.clock.Now()
	for _, rule := range s.SendsPerTarget {
		if err := tooMany(limits.Take(ctx, rule, userpoolID, s.limitKey(to))); err != nil {
			return err
		}
	}
	if to.channel == message.Phone {
		if err := limits.Take(ctx, s.SMSPerPrefix, userpoolID, to.prefix); limit.Refused(err) {
			return stop{"prefix", to.prefix, apierr.From(err).RetryAfter}
		} else if err != nil {
			return err
		}
	}
	if err := tooMany(limits.Take(ctx, s.SendsPerPool, userpoolID, "")); err != nil {
		return err
	}
	if to.channel != message.Phone {
		return nil
	}
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

// tooMany makes the gate's refusal one of the operation: the limits of a target and of a userpool are part of the business.
func tooMany(err error) error {
	if limit.Refused(err) {
		return ErrTooMany.WithRetryAfter(apierr.From(err).RetryAfter)
	}
	return err
}

// stop is a budget that is used up: a reason to wake somebody.
type stop struct {
	kind  string // day, country or prefix
	scope string // all, the country, the prefix
	wait  time.Duration
}

func (s stop) Error() string { return "the SMS budget is used up: " + s.kind }

// stopped raises the alarm, if a budget is the reason why nothing was sent.
func (s *Service) stopped(ctx context.Context, userpoolID string, err error) error {
	var reason stop
	if !errors.As(err, &reason) {
		return err
	}
	s.alarm.raise(ctx, userpoolID, reason)
	return ErrTooMany.WithRetryAfter(reason.wait)
}

// Log is where the alarm goes.
type Log = *slog.Logger

// alarm tells operators what they want to know at once.
type alarm struct {
	store   *db.DB
	clock   clock.Clock
	metrics *metrics.Metrics
	log     Log
}

// quiet is how long a budget that is used up is not reported again.
const quiet = time.Hour

// raise says that a budget is used up: in the metrics every time, in audit log and log once for as long as it lasts (and for
// an hour at least), by one of the replicas. What goes wrong here does not make the refusal another one.
func (a *alarm) raise(ctx context.Context, userpoolID string, s stop) {
	a.metrics.Budget.WithLabelValues(s.kind).Inc()
	now := a.clock.Now()
	err := a.store.InTx(ctx, func(q db.Queries) error {
		if err := q.Budgets().RaiseAlert(ctx, userpoolID, "sms|"+s.kind+"|"+s.scope, now, now.Add(max(s.wait, quiet))); err != nil {
			return err
		}
		return audit.Write(ctx, q, now, audit.Event{
			UserpoolID: userpoolID, Actor: audit.System, Action: "sms.stopped", Target: s.kind + ":" + s.scope, Outcome: audit.Refused,
		})
	})
	switch {
	case errors.Is(err, db.ErrNotFound): // was raised before
	case err != nil:
		a.log.ErrorContext(ctx, "SMS are stopped, and the alert could not be written down", "budget", s.kind, "error", err)
	default:
		a.log.ErrorContext(ctx, "SMS are stopped: the budget is used up", "userpool", userpoolID, "budget", s.kind, "scope", s.scope, "for", s.wait)
	}
}

// count tells the metrics what became of a request for a code.
func (a *alarm) count(c message.Channel, err error) {
	outcome := "made"
	if err != nil {
		outcome = apierr.From(err).Code
	}
	a.metrics.Sends.WithLabelValues(string(c), outcome).Inc()
}
