package account

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// maxSessions is how many of its sessions a user is shown.
const maxSessions = 100

// Sessions returns where a user is signed in, the session that asks first, then the newest, at most 100.
func (s *Service) Sessions(ctx context.Context, u authn.User) ([]db.UserSession, error) {
	return s.store.Sessions().LiveOf(ctx, u.UserpoolID, u.ID, u.SessionID, s.clock.Now(), maxSessions)
}

// RevokeOwn ends a session of the user. One that has ended, or is somebody else's, is ErrSessionUnknown.
func (s *Service) RevokeOwn(ctx context.Context, u authn.User, sessionID string) error {
	if !isText(sessionID) {
		return ErrSessionUnknown
	}
	err := s.store.InTx(ctx, func(q db.Queries) error {
		now := s.clock.Now()
		if err := q.Sessions().RevokeOf(ctx, u.UserpoolID, u.ID, sessionID, now); err != nil {
			return err
		}
		return audit.Write(ctx, q, now, audit.Event{
			UserpoolID: u.UserpoolID, Actor: audit.User(u.ID), Action: "session.revoke", Target: audit.Session(sessionID),
			Outcome: audit.Success,
		})
	})
	if errors.Is(err, db.ErrNotFound) {
		return ErrSessionUnknown
	}
	return err
}

// Activity returns what the audit log says about a user and what the user did, the newest first, at most limit.
func (s *Service) Activity(ctx context.Context, u authn.User, limit int) ([]db.AuditEvent, error) {
	return s.store.Audit().About(ctx, u.UserpoolID, audit.User(u.ID), limit)
}
