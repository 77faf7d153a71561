package otp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// HasAuthenticator tells whether a user has bound an authenticator; for keys that may read users.
func (s *Service) HasAuthenticator(ctx context.Context, caller authn.Management, idType, id string) (bool, error) {
	if err := caller.Need(authn.ScopeUserRead); err != nil {
		return false, err
	}
	u, err := s.users.Find(ctx, caller.UserpoolID, idType, id)
	if err != nil {
		return false, err
	}
	return s.factors.Bound(ctx, s.store.Queries, u.UserpoolID, u.ID)
}

// Item is an authenticator that another system has made.
type Item struct{ UserID, Secret, RecoveryCode string }

// Import gives users the authenticators that they have elsewhere: all of them, or none and the reason with the number of the
// entry. Users are locked in the order of their ids, so that two imports do not wait for each other.
func (s *Service) Import(ctx context.Context, caller authn.Management, items []Item) error {
	if err := s.limiter.Take(ctx, s.LookupsPerKey, caller.UserpoolID, caller.KeyID); err != nil {
		return err
	}
	if err := caller.Need(authn.ScopeOTPSecretWrite); err != nil {
		return s.refuseImport(ctx, caller, err)
	}
	for i, item := range items { // before there is a transaction, which would want a second connection
		if _, err := s.users.Find(ctx, caller.UserpoolID, "user_id", item.UserID); err != nil {
			return s.refuseImport(ctx, caller, entry(i, err))
		}
	}
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(items[a].UserID, items[b].UserID) })
	err := s.store.InTx(ctx, func(q db.Queries) error {
		for _, i := range order {
			if err := s.importOne(ctx, q, caller, items[i]); err != nil {
				return entry(i, err)
			}
		}
		return nil
	})
	if err != nil {
		return s.refuseImport(ctx, caller, err)
	}
	return nil
}

// entry says which of the list a refusal is about.
func entry(i int, err error) error {
	var refusal *apierr.Error
	if errors.As(err, &refusal) {
		return refusal.WithDetail(fmt.Sprintf("list[%d]", i))
	}
	return err
}

func (s *Service) importOne(ctx context.Context, q db.Queries, caller authn.Management, i Item) error {
	isNew, err := s.factors.Import(ctx, q, caller.UserpoolID, i.UserID, audit.Key(caller.KeyID), i.Secret, i.RecoveryCode)
	if err != nil || !isNew {
		return err
	}
	return s.users.Tell(ctx, q, caller.UserpoolID, i.UserID, message.FactorBound)
}

// refuseImport notes a refused import, and hides from keys that may not read users why a user is none for it.
func (s *Service) refuseImport(ctx context.Context, caller authn.Management, refusal error) error {
	err := audit.Write(ctx, s.store.Queries, s.clock.Now(), audit.Event{
		UserpoolID: caller.UserpoolID, Actor: audit.Key(caller.KeyID), Action: "otp.secret.import", Target: audit.User(""),
		Outcome: audit.Refused,
	})
	if err != nil {
		return err
	}
	var e *apierr.Error
	if errors.As(refusal, &e) && (e.Kind == apierr.NotFound || e.Kind == apierr.Conflict) && !caller.Has(authn.ScopeUserRead) {
		return ErrNotImported.WithDetail(e.Detail)
	}
	return refusal
}
