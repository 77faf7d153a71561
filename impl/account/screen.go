package account

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// Screen asks the hooks of the application about a user whom something vouches for. What it returns goes into the grant. A
// refusal is noted in the audit log. It may take seconds: there must be no transaction.
func (s *Service) Screen(ctx context.Context, a authn.Attempt) (authn.Screened, error) {
	u, err := s.store.Accounts().UserByID(ctx, a.UserpoolID, a.UserID)
	if errors.Is(err, db.ErrNotFound) {
		return authn.Screened{}, ErrDisabled
	}
	if err != nil {
		return authn.Screened{}, err
	}
	if u.Status != db.UserStatusActivated {
		return authn.Screened{}, s.refuse(ctx, a.UserpoolID, a.UserID, ErrDisabled)
	}
	screened, err := s.screen(ctx, a, u)
	if err != nil {
		return screened, s.refuse(ctx, a.UserpoolID, a.UserID, err)
	}
	return screened, nil
}

func (s *Service) screen(ctx context.Context, a authn.Attempt, u db.User) (authn.Screened, error) {
	return authn.Screen(ctx, introduce(ctx, a, u), s.hooks.Before)
}

// introduce fills in whom an attempt is about, and who is going to use the session: the caller, unless that is a backend.
func introduce(ctx context.Context, a authn.Attempt, u db.User) authn.Attempt {
	if a.IP == "" {
		info := reqinfo.From(ctx)
		a.IP, a.UserAgent = info.IP, info.UserAgent
	}
	a.UserpoolID, a.UserID, a.Username, a.DisplayName = u.UserpoolID, u.ID, optional.Value(u.Username), displayName(u)
	return a
}
