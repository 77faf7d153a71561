package fastpass

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// States of a fastpass, under the names that those of a login QR code have.
const (
	Pending    = "PENDING"
	Scanned    = "SCANNED"
	Authorized = "AUTHORIZED" // redeemed
	Cancelled  = "CANCELLED"  // the web session has ended
	Expired    = "EXPIRED"
)

// PollInterval is how often a page may ask for the status.
const PollInterval = time.Second

// Status is what the page that shows a fastpass is told. Everybody who sees the picture can ask for it, so it says nothing that
// is not in the picture.
type Status struct {
	State string
	User  authn.Brief
}

// Open tells whether something may still change.
func (s Status) Open() bool { return s.State == Pending || s.State == Scanned }

// Status tells what has become of a fastpass. One that there is not is ErrUnknown.
func (s *Service) Status(ctx context.Context, code string) (Status, error) {
	pass, err := s.store.Fastpasses().ByHash(ctx, s.hash(code))
	if errors.Is(err, db.ErrNotFound) {
		return Status{}, ErrUnknown
	}
	if err != nil {
		return Status{}, err
	}
	user, err := s.accounts.Brief(ctx, pass.UserpoolID, pass.UserID)
	return Status{State: state(pass, s.clock.Now()), User: user}, err
}

// state is what a row means in the light of the clock. What was redeemed stays so when the web signs out.
func state(f db.Fastpass, now time.Time) string {
	switch {
	case f.RedeemedAt != nil:
		return Authorized
	case f.SessionEnds != nil && !now.Before(*f.SessionEnds):
		return Cancelled
	case !now.Before(f.ExpiresAt):
		return Expired
	case f.ScannedAt != nil:
		return Scanned
	}
	return Pending
}

// Apps returns the applications that a fastpass can sign in to, for a phone that has scanned it, and lets the page know of the
// scan. appID is what the picture says; with another one it is no fastpass that was scanned.
func (s *Service) Apps(ctx context.Context, code, appID string) ([]db.Application, error) {
	pass, err := s.usable(ctx, code)
	if err != nil {
		return nil, err
	}
	apps, err := s.store.Tenancy().EnabledApplications(ctx, pass.UserpoolID)
	if err != nil {
		return nil, err
	}
	if !contains(apps, appID) {
		return nil, ErrNotRedeemable
	}
	err = s.store.Fastpasses().Scan(ctx, pass.UserpoolID, pass.ID, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) { // a phone asks again
		err = nil
	}
	return apps, err
}

func contains(apps []db.Application, id string) bool {
	for _, app := range apps {
		if app.ID == id {
			return true
		}
	}
	return false
}
