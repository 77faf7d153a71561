package account

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// maxIdentityTries is how often a lost race is followed by another look. One is enough: who wins does not lose again.
const maxIdentityTries = 3

// UserOfIdentity returns the user whom an external identity source knows, in the transaction of q. If there is none and create
// says so, it makes a user without name or password: of two that race for the same person, or for two identities of the same
// wider one, one makes the user and the other finds it. Without create it is ErrIdentityUnknown.
//
// The identity itself says more than the wider one; where they name two users, the wider one is left where it is. The user may
// be disabled: Open refuses then.
func (s *Service) UserOfIdentity(ctx context.Context, q db.Queries, userpoolID string, id authn.Identity, create bool) (userID string, isNew bool, err error) {
	for range maxIdentityTries {
		u, err := identified(ctx, q, userpoolID, id)
		if err == nil {
			return u.ID, false, s.bindMissing(ctx, q, u, id)
		}
		if !errors.Is(err, db.ErrNotFound) {
			return "", false, err
		}
		if !create {
			return "", false, ErrIdentityUnknown
		}
		userID, err := s.createIdentified(ctx, q, userpoolID, id)
		if err == nil || !errors.Is(err, db.ErrNotFound) {
			return userID, err == nil, err
		}
	}
	return "", false, ErrIdentityTaken
}

// identified finds the user of an identity: at its source, at a source of the same kind, or by the wider identity.
func identified(ctx context.Context, q db.Queries, userpoolID string, id authn.Identity) (db.User, error) {
	u, err := q.Accounts().UserByIdentity(ctx, userpoolID, id.ExtIdpID, id.UserIDInIdp)
	if errors.Is(err, db.ErrNotFound) {
		u, err = q.Accounts().UserBySyncRelation(ctx, userpoolID, id.Provider, id.UserIDInIdp)
	}
	if errors.Is(err, db.ErrNotFound) && id.Wider != nil {
		u, err = q.Accounts().UserBySyncRelation(ctx, userpoolID, id.Wider.Provider, id.Wider.UserIDInIdp)
	}
	return u, err
}

// bindMissing adds what is not known yet of a user who was found. What another user has stays there.
func (s *Service) bindMissing(ctx context.Context, q db.Queries, u db.User, id authn.Identity) error {
	for _, i := range identities(id) {
		err := s.bindIdentity(ctx, q, u.UserpoolID, u.ID, i, id.ExtIdpID)
		if errors.Is(err, db.ErrNotFound) {
			continue
		}
		if err == nil {
			err = s.noteIdentity(ctx, q, u.UserpoolID, u.ID, id, "user.bind_identity")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// createIdentified makes a user with the identities. db.ErrNotFound means that somebody else was faster with one of them;
// nothing of the user is left then. The user has registered: it came by itself, nobody has synchronised it.
func (s *Service) createIdentified(ctx context.Context, q db.Queries, userpoolID string, id authn.Identity) (string, error) {
	now := s.clock.Now()
	u := db.User{
		UserpoolID: userpoolID, ID: secret.ID(), Status: db.UserStatusActivated, Source: sourceRegister, Gender: "U",
		CreatedAt: now, UpdatedAt: now,
	}
	if err := q.Accounts().InsertUser(ctx, u); err != nil {
		return "", err
	}
	for _, i := range identities(id) {
		if err := s.bindIdentity(ctx, q, userpoolID, u.ID, i, id.ExtIdpID); err != nil {
			if errors.Is(err, db.ErrNotFound) {
				err = errors.Join(err, q.Accounts().DiscardUser(ctx, userpoolID, u.ID))
			}
			return "", err
		}
	}
	return u.ID, s.noteIdentity(ctx, q, userpoolID, u.ID, id, "user.create")
}

// identities are an identity and its wider one. The wider comes first: who races for it waits before holding anything else.
func identities(id authn.Identity) []authn.Identity {
	if id.Wider == nil {
		return []authn.Identity{id}
	}
	return []authn.Identity{*id.Wider, id}
}

// bindIdentity adds an identity of a user who came by a connection. A wider one keeps the connection that told of it first.
func (s *Service) bindIdentity(ctx context.Context, q db.Queries, userpoolID, userID string, i authn.Identity, connectionID string) error {
	return q.Accounts().BindIdentity(ctx, db.Identity{
		UserpoolID: userpoolID, ID: secret.ID(), UserID: userID, ExtIdpID: i.ExtIdpID, Provider: i.Provider, Type: i.Type,
		UserIDInIdp: i.UserIDInIdp, OriginConnIDs: []string{connectionID}, CreatedAt: s.clock.Now(),
	})
}

func (s *Service) noteIdentity(ctx context.Context, q db.Queries, userpoolID, userID string, id authn.Identity, action string) error {
	return audit.Write(ctx, q, s.clock.Now(), audit.Event{
		UserpoolID: userpoolID, Actor: audit.Connection(id.ExtIdpID), Action: action, Target: audit.User(userID), Outcome: audit.Success,
	})
}
