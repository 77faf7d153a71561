package qrlogin

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// StatusExpired is the state that follows from the clock.
const StatusExpired = "EXPIRED"

// Status is what the creator of a QR code is told.
type Status struct {
	State  string
	Ticket string       // only while AUTHORIZED and not exchanged
	User   *authn.Brief // from SCANNED on, once known
	Number int          // only while SCANNED, with number matching: to be picked on the phone (Q5)
}

// Open tells whether something may still change.
func (s Status) Open() bool { return s.State == db.QRPending || s.State == db.QRScanned }

// Status tells how far a login has come. An id that is not a poll secret is ErrUnknown.
func (s *Service) Status(ctx context.Context, pollID string) (Status, error) {
	l, err := s.polled(ctx, pollID)
	if err != nil {
		return Status{}, err
	}
	return s.status(ctx, l, pollID, s.clock.Now())
}

func (s *Service) polled(ctx context.Context, pollID string) (db.QRLogin, error) {
	l, err := s.store.QRLogins().ProgressOf(ctx, s.pollHash(pollID))
	if errors.Is(err, db.ErrNotFound) {
		err = ErrUnknown
	}
	return l, err
}

func (s *Service) status(ctx context.Context, l db.QRLogin, pollID string, now time.Time) (Status, error) {
	status := Status{State: state(l, now)}
	if status.State == db.QRAuthorized && l.ConsumedAt == nil {
		status.Ticket = s.ticket(pollID)
	}
	if status.State == db.QRScanned && l.MatchNumber != nil {
		status.Number = *l.MatchNumber
	}
	if l.UserID != nil && status.State != StatusExpired {
		brief, err := s.accounts.Brief(ctx, l.UserpoolID, *l.UserID)
		if err != nil {
			return Status{}, err
		}
		status.User = &brief
	}
	return status, nil
}

// state is the stored state in the light of the clock.
func state(l db.QRLogin, now time.Time) string {
	switch l.State {
	case db.QRPending, db.QRScanned:
		if !now.Before(l.ExpiresAt) {
			return StatusExpired
		}
	case db.QRAuthorized:
		if l.ConsumedAt == nil && !now.Before(*l.TicketExpiresAt) {
			return StatusExpired
		}
	}
	return l.State
}
