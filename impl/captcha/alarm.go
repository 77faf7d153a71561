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
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
)

// stop is a budget, or a limit that many share, that is used up: a reason to wake somebody.
type stop struct {
	kind  string // day, country, prefix or userpool
	scope string // all, the country, or the prefix: what ten thousand numbers share, and so no secret
	wait  time.Duration
}

func (s stop) Error() string { return "used up: " + s.kind }

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

// alarmTimeout is how long it may take to note an alert.
const alarmTimeout = 2 * time.Second

// quiet is how long a budget that is used up is not reported again.
const quiet = time.Hour

// raise says that a budget is used up: in the metrics every time, in audit log and log once for as long as it lasts (and for
// an hour at least), by one of the replicas. What goes wrong here does not make the refusal another one.
func (a *alarm) raise(ctx context.Context, userpoolID string, s stop) {
	a.metrics.Budget.WithLabelValues(s.kind).Inc()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), alarmTimeout) // also when the client has gone
	defer cancel()
	now := a.clock.Now()
	err := a.store.InTx(ctx, func(q db.Queries) error {
		if err := q.Budgets().RaiseAlert(ctx, userpoolID, "sends|"+s.kind+"|"+s.scope+"|"+now.UTC().Format(time.DateOnly), now, now.Add(max(s.wait, quiet))); err != nil {
			return err
		}
		return audit.Write(ctx, q, now, audit.Event{
			UserpoolID: userpoolID, Actor: audit.System, Action: "sends.stopped", Target: s.kind + ":" + s.scope, Outcome: audit.Refused,
		})
	})
	switch {
	case errors.Is(err, db.ErrNotFound): // was raised before
	case err != nil:
		a.log.ErrorContext(ctx, "codes are no longer sent, and the alert could not be written down", "budget", s.kind, "error", err)
	default:
		a.log.ErrorContext(ctx, "codes are no longer sent: a budget is used up", "userpool", userpoolID, "budget", s.kind, "scope", s.scope, "for", s.wait)
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
