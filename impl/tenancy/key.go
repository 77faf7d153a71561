package tenancy

import (
	"context"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// AccessKeys returns those of a userpool, the default one for "", disabled or not, the oldest first.
func (s *Service) AccessKeys(ctx context.Context, userpoolID string) ([]db.AccessKey, error) {
	pool, err := userpool(ctx, s.store.Queries, userpoolID)
	if err != nil {
		return nil, err
	}
	return s.store.Tenancy().AccessKeys(ctx, pool.ID)
}

// CreateAccessKey makes an access key for a userpool, the default one for "", with the scopes, all for nil. It is there when
// show, which is given its secret, has returned nil.
func (s *Service) CreateAccessKey(ctx context.Context, userpoolID string, scopes []string, show func(db.AccessKey, string) error) error {
	if scopes == nil {
		scopes = authn.Scopes
	}
	chosen, err := scopesOf(scopes)
	if err != nil {
		return err
	}
	return s.store.InTx(ctx, func(q db.Queries) error {
		pool, err := userpool(ctx, q, userpoolID)
		if err != nil {
			return err
		}
		made := secret.Token()
		key := db.AccessKey{UserpoolID: pool.ID, ID: secret.ID(), Scopes: chosen, CreatedAt: s.clock.Now()}
		key.SecretSealed = s.ring.Seal([]byte(made), credential.AccessKeyAAD(pool.ID, key.ID)...)
		if err := q.Tenancy().InsertAccessKey(ctx, key); err != nil {
			return err
		}
		if err := s.note(ctx, q, pool.ID, "key.create", audit.Key(key.ID)); err != nil {
			return err
		}
		return show(key, made)
	})
}

// SetScopes changes what an access key may do, also with the tokens that it has.
func (s *Service) SetScopes(ctx context.Context, id string, scopes []string) (db.AccessKey, error) {
	chosen, err := scopesOf(scopes)
	if err != nil {
		return db.AccessKey{}, err
	}
	return s.changeKey(ctx, "key.scopes", func(q db.TenancyQueries) (db.AccessKey, error) { return q.SetScopes(ctx, id, chosen) })
}

// DisableAccessKey stops an access key, with the tokens that it has.
func (s *Service) DisableAccessKey(ctx context.Context, id string) (db.AccessKey, error) {
	return s.changeKey(ctx, "key.disable", func(q db.TenancyQueries) (db.AccessKey, error) {
		return q.DisableAccessKey(ctx, id, s.clock.Now())
	})
}

// EnableAccessKey ends a DisableAccessKey. Tokens that have not expired work again.
func (s *Service) EnableAccessKey(ctx context.Context, id string) (db.AccessKey, error) {
	return s.changeKey(ctx, "key.enable", func(q db.TenancyQueries) (db.AccessKey, error) { return q.EnableAccessKey(ctx, id) })
}

func (s *Service) changeKey(ctx context.Context, action string, change func(db.TenancyQueries) (db.AccessKey, error)) (key db.AccessKey, err error) {
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if key, err = change(q.Tenancy()); err != nil {
			return unless(err, ErrAccessKey)
		}
		return s.note(ctx, q, key.UserpoolID, action, audit.Key(key.ID))
	})
	return key, err
}
