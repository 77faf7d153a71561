package hook

import (
	"context"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/admission"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/secret"
	"github.com/menshen-auth/menshen/impl/internal/webhook"
)

// deliverFor is how long an event is worth delivering.
const deliverFor = 24 * time.Hour

// Messages takes what hooks are to be told.
type Messages interface {
	// Post takes a message in a transaction; it is delivered if that is committed.
	Post(ctx context.Context, q db.Queries, m message.Message) error
}

// Service is the rules about hooks.
type Service struct {
	*Sender
	messages Messages
	crowd    crowd
}

// New returns the service.
func New(s *Sender, m Messages) *Service { return &Service{Sender: s, messages: m, crowd: newCrowd()} }

// Before asks the pre hooks of the application whether an attempt may lead to a session. A denial is ErrRefused, and a hook
// that gives no answer ErrUnanswered, unless it is to fail open. It may take seconds: there must be no transaction.
func (s *Service) Before(ctx context.Context, a authn.Attempt) error {
	hooks, err := s.store.Hooks().Enabled(ctx, a.UserpoolID, a.AppID, db.HookPre)
	if err != nil || len(hooks) == 0 {
		return err
	}
	body, err := about(a, nil, s.clock.Now())
	if err != nil {
		return err
	}
	for _, h := range hooks {
		if err := s.ask(ctx, h, a.UserID, body); err != nil {
			return err
		}
	}
	return nil
}

// ask asks one hook about a user. A hook that is let fail open is one that has failed by itself: who finds it too busy, or has
// kept it busy by asking several times at once, is refused whatever the policy. Otherwise whom it denies would get in that way.
func (s *Service) ask(ctx context.Context, h db.Hook, userID string, body []byte) error {
	place, ok := s.crowd.enter(h.ID, userID)
	if !ok {
		s.metrics.Hooks.WithLabelValues(h.Stage, "busy").Inc()
		return ErrUnanswered
	}
	defer s.crowd.leave(place)
	answer, err := func() (webhook.Answer, error) {
		defer admission.Outside(ctx)()
		return s.send(ctx, h, secret.ID(), body, maxAnswer)
	}()
	var d decision
	if err == nil {
		d, err = decide(answer)
	}
	log, outcome := s.log.With("hook", h.ID, "stage", h.Stage), "allowed"
	defer func() { s.metrics.Hooks.WithLabelValues(h.Stage, outcome).Inc() }()
	switch {
	case err == nil && !d.deny:
		return nil
	case err == nil:
		outcome = "denied"
		if d.message != "" {
			return ErrRefused.WithMessage(d.message)
		}
		return ErrRefused
	case h.FailOpen && ctx.Err() == nil && !s.crowd.pushed(place):
		outcome = "failed_open"
		log.WarnContext(ctx, "hook has failed, and the sign-in goes on", "error", err)
		return audit.Write(ctx, s.store.Queries, s.clock.Now(), audit.Event{
			UserpoolID: h.UserpoolID, Actor: audit.User(userID), Action: "hook.failed_open", Target: audit.Hook(h.ID), Outcome: audit.Success,
		})
	}
	outcome = "failed_closed"
	log.WarnContext(ctx, "hook has failed, and the sign-in is refused", "error", err)
	return ErrUnanswered.WithCause(err)
}

// After tells the post hooks of the application of a session, if the transaction of q is committed.
func (s *Service) After(ctx context.Context, q db.Queries, a authn.Attempt, o authn.Opened) error {
	hooks, err := q.Hooks().Enabled(ctx, a.UserpoolID, a.AppID, db.HookPost)
	if err != nil || len(hooks) == 0 {
		return err
	}
	body, err := about(a, &o, o.At)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		err := s.messages.Post(ctx, q, message.Message{
			UserpoolID: a.UserpoolID, Channel: message.Hook, To: h.ID, Template: message.Event, Body: string(body),
			ExpiresAt: o.At.Add(deliverFor),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
