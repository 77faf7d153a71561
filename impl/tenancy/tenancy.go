package tenancy

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Service keeps userpools, applications and access keys for an operator.
type Service struct {
	store *db.DB
	ring  *keyring.Ring
	clock clock.Clock
}

// New makes a Service.
func New(store *db.DB, ring *keyring.Ring, c clock.Clock) *Service { return &Service{store, ring, c} }

// Userpools returns all userpools, the oldest first.
func (s *Service) Userpools(ctx context.Context) ([]db.Userpool, error) {
	return s.store.Tenancy().Userpools(ctx)
}

// CreateUserpool makes a userpool and its default application, both of the label, which must have a name. They are there when
// show, which is given the application's secret, has returned nil.
func (s *Service) CreateUserpool(ctx context.Context, l Label, show func(db.Userpool, db.Application, string) error) error {
	pool := db.Userpool{ID: secret.ID(), CreatedAt: s.clock.Now()}
	app := db.Application{UserpoolID: pool.ID, IsDefault: true}
	if err := (Settings{Label: l}).begin(&app); err != nil {
		return err
	}
	pool.Name, pool.Logo = app.Name, app.Logo
	return s.store.InTx(ctx, func(q db.Queries) error {
		if err := q.Tenancy().InsertUserpool(ctx, pool); err != nil {
			return err
		}
		if err := s.note(ctx, q, pool.ID, "userpool.create", audit.Userpool(pool.ID)); err != nil {
			return err
		}
		return s.insert(ctx, q, app, func(app db.Application, secret string) error { return show(pool, app, secret) })
	})
}

// SetUserpool changes the label of a userpool.
func (s *Service) SetUserpool(ctx context.Context, id string, l Label) (pool db.Userpool, err error) {
	if l == (Label{}) {
		return pool, ErrNoChange.WithDetail("--name or --logo")
	}
	if err := l.check(); err != nil {
		return pool, err
	}
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if pool, err = q.Tenancy().SetUserpool(ctx, id, l.Name, l.Logo); err != nil {
			return unless(err, ErrUserpool)
		}
		return s.note(ctx, q, id, "userpool.set", audit.Userpool(id))
	})
	return pool, err
}

// Applications returns those of a userpool, the default one for "", disabled or not, the oldest first.
func (s *Service) Applications(ctx context.Context, userpoolID string) ([]db.Application, error) {
	pool, err := userpool(ctx, s.store.Queries, userpoolID)
	if err != nil {
		return nil, err
	}
	return s.store.Tenancy().Applications(ctx, pool.ID)
}

// Application returns an application, disabled or not.
func (s *Service) Application(ctx context.Context, id string) (db.Application, error) {
	app, err := s.store.Tenancy().AnyApplication(ctx, id)
	return app, unless(err, ErrApplication)
}

// CreateApplication makes an application of a userpool, the default one for "", with settings, which must have a name. It is
// there when show, which is given its secret, has returned nil.
func (s *Service) CreateApplication(
	ctx context.Context, userpoolID string, settings Settings, show func(db.Application, string) error,
) error {
	var app db.Application
	if err := settings.begin(&app); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(q db.Queries) error {
		pool, err := userpool(ctx, q, userpoolID)
		if err != nil {
			return err
		}
		app.UserpoolID = pool.ID
		return s.insert(ctx, q, app, show)
	})
}

// insert gives an application its id and its secret.
func (s *Service) insert(ctx context.Context, q db.Queries, app db.Application, show func(db.Application, string) error) error {
	made := secret.Token()
	app.ID, app.CreatedAt = secret.ID(), s.clock.Now()
	app.SecretHash = credential.ApplicationSecretHash(s.ring, app.ID, made)
	if err := q.Tenancy().InsertApplication(ctx, app); err != nil {
		return err
	}
	if err := s.note(ctx, q, app.UserpoolID, "app.create", audit.Application(app.ID)); err != nil {
		return err
	}
	return show(app, made)
}

// SetApplication changes settings of an application, and makes it the default one of its userpool if asked to.
func (s *Service) SetApplication(ctx context.Context, id string, settings Settings, makeDefault bool) (app db.Application, err error) {
	err = s.change(ctx, id, func(q db.Queries, a *db.Application) error {
		given, err := settings.apply(a)
		if err != nil {
			return err
		}
		if len(given) == 0 && !makeDefault {
			return ErrNoChange.WithDetail("one or more of the flags that --help lists")
		}
		if err := q.Tenancy().SetApplication(ctx, *a); err != nil {
			return err
		}
		for _, name := range given {
			if err := s.note(ctx, q, a.UserpoolID, "app.set."+name, audit.Application(id)); err != nil {
				return err
			}
		}
		if makeDefault {
			err = s.makeDefault(ctx, q, a)
		}
		app = *a
		return err
	})
	return app, err
}

func (s *Service) makeDefault(ctx context.Context, q db.Queries, a *db.Application) error {
	if err := q.Tenancy().MakeDefault(ctx, a.UserpoolID, a.ID); err != nil {
		return unless(err, ErrDisabled)
	}
	a.IsDefault = true
	return s.note(ctx, q, a.UserpoolID, "app.default", audit.Application(a.ID))
}

// RotateSecret gives an application another secret. The old one stops when show, which is given the new one, has returned nil.
func (s *Service) RotateSecret(ctx context.Context, id string, show func(db.Application, string) error) error {
	return s.change(ctx, id, func(q db.Queries, a *db.Application) error {
		made := secret.Token()
		hash := credential.ApplicationSecretHash(s.ring, id, made)
		if err := q.Tenancy().SetApplicationSecret(ctx, a.UserpoolID, id, hash); err != nil {
			return err
		}
		if err := s.note(ctx, q, a.UserpoolID, "app.secret", audit.Application(id)); err != nil {
			return err
		}
		return show(*a, made)
	})
}

// DisableApplication ends all sessions of an application, and keeps it from opening others. It returns how many it has ended.
func (s *Service) DisableApplication(ctx context.Context, id string) (app db.Application, ended int64, err error) {
	err = s.change(ctx, id, func(q db.Queries, a *db.Application) error {
		now := s.clock.Now()
		if err := q.Tenancy().DisableApplication(ctx, a.UserpoolID, id, now); err != nil {
			return unless(err, ErrDefault)
		}
		if a.DisabledAt == nil {
			a.DisabledAt = &now
		}
		if ended, err = q.Sessions().RevokeAllOf(ctx, a.UserpoolID, id, now); err != nil {
			return err
		}
		// Sign-ins that have seen it enabled are finished by now and their sessions known; others will see it disabled. They are
		// kept waiting for the second sweep only, which finds few.
		if err := q.Tenancy().DrainApplication(ctx, id); err != nil {
			return err
		}
		late, err := q.Sessions().RevokeAllOf(ctx, a.UserpoolID, id, now)
		if err != nil {
			return err
		}
		app, ended = *a, ended+late
		return s.note(ctx, q, a.UserpoolID, "app.disable", audit.Application(id))
	})
	return app, ended, err
}

// EnableApplication ends a DisableApplication. The sessions that it had are not brought back.
func (s *Service) EnableApplication(ctx context.Context, id string) (app db.Application, err error) {
	err = s.change(ctx, id, func(q db.Queries, a *db.Application) error {
		if err := q.Tenancy().EnableApplication(ctx, a.UserpoolID, id); err != nil {
			return err
		}
		a.DisabledAt = nil
		app = *a
		return s.note(ctx, q, a.UserpoolID, "app.enable", audit.Application(id))
	})
	return app, err
}

// change lets f change an application that nobody else changes meanwhile.
func (s *Service) change(ctx context.Context, id string, f func(db.Queries, *db.Application) error) error {
	return s.store.InTx(ctx, func(q db.Queries) error {
		app, err := q.Tenancy().LockApplication(ctx, id)
		if err != nil {
			return unless(err, ErrApplication)
		}
		return f(q, &app)
	})
}

// userpool returns a userpool, the default one for "".
func userpool(ctx context.Context, q db.Queries, id string) (db.Userpool, error) {
	if id == "" {
		pool, err := q.Tenancy().DefaultUserpool(ctx)
		return pool, unless(err, ErrUserpool.WithDetail("`menshen serve` makes the default one at its first start"))
	}
	pool, err := q.Tenancy().Userpool(ctx, id)
	return pool, unless(err, ErrUserpool.WithDetail("--pool"))
}

// unless is err, or what it means that there is no such row.
func unless(err, missing error) error {
	if errors.Is(err, db.ErrNotFound) {
		return missing
	}
	return err
}

// note writes what the operator does into the audit log of a userpool.
func (s *Service) note(ctx context.Context, q db.Queries, userpoolID, action, target string) error {
	return audit.Write(ctx, q, s.clock.Now(), audit.Event{
		UserpoolID: userpoolID, Actor: audit.Operator, Action: action, Target: target, Outcome: audit.Success,
	})
}
