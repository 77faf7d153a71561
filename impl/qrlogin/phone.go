package qrlogin

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// Scan pins a signed-in user and the user's session to a QR code: nobody else may decide now. The same session may scan
// again, since a phone that lost the answer does.
func (s *Service) Scan(ctx context.Context, u authn.User, id string) error {
	if err := s.limiter.Take(ctx, s.ScansPerID, u.UserpoolID, u.ID); err != nil {
		return err
	}
	l, err := s.scanned(ctx, u, id)
	if err != nil {
		return err
	}
	if l.State == db.QRScanned && *l.SessionID == u.SessionID {
		return nil
	}
	now := s.clock.Now()
	return s.edge(ctx, u, l, "qrlogin.scan", func(q db.Queries) error {
		if err := s.accounts.Vouches(ctx, q, u); err != nil {
			return err
		}
		return q.QRLogins().Scan(ctx, l.UserpoolID, l.ID, u.ID, u.SessionID, now)
	})
}

// Confirm lets the page in. The custom data that the page asked for is the user's from here on.
func (s *Service) Confirm(ctx context.Context, u authn.User, id string) error {
	l, err := s.scanned(ctx, u, id)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	return s.edge(ctx, u, l, "qrlogin.confirm", func(q db.Queries) error {
		if err := s.accounts.Vouches(ctx, q, u); err != nil {
			return err
		}
		if err := q.QRLogins().Confirm(ctx, l.UserpoolID, l.ID, u.SessionID, now.Add(s.TicketTTL), now); err != nil {
			return err
		}
		return s.accounts.MergeCustomData(ctx, q, u.UserpoolID, u.ID, json.RawMessage(l.CustomData))
	})
}

// Cancel turns the page away.
func (s *Service) Cancel(ctx context.Context, u authn.User, id string) error {
	l, err := s.scanned(ctx, u, id)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	return s.edge(ctx, u, l, "qrlogin.cancel", func(q db.Queries) error {
		return q.QRLogins().Cancel(ctx, l.UserpoolID, l.ID, u.SessionID, now)
	})
}

// scanned finds a QR code of the user's userpool by the id in its picture. The creator's id is taken too, for clients
// that pass that on to the phone.
func (s *Service) scanned(ctx context.Context, u authn.User, id string) (db.QRLogin, error) {
	l, err := s.store.QRLogins().ByScanHash(ctx, s.scanHash(id))
	if errors.Is(err, db.ErrNotFound) {
		l, err = s.store.QRLogins().ByPollHash(ctx, s.pollHash(id))
	}
	switch {
	case errors.Is(err, db.ErrNotFound), err == nil && l.UserpoolID != u.UserpoolID:
		return l, ErrUnknown
	case err == nil && state(l, s.clock.Now()) == StatusExpired:
		return l, ErrExpired
	}
	return l, err
}

// edge takes a guarded step and notes it in the audit log, in one transaction. A guard that does not hold is ErrState.
func (s *Service) edge(ctx context.Context, u authn.User, l db.QRLogin, action string, step func(db.Queries) error) error {
	err := s.store.InTx(ctx, func(q db.Queries) error {
		if err := step(q); err != nil {
			return err
		}
		return audit.Write(ctx, q, s.clock.Now(), audit.Event{
			UserpoolID: u.UserpoolID, Actor: audit.User(u.ID), Action: action, Target: audit.Application(l.AppID),
			Outcome: audit.Success,
		})
	})
	if errors.Is(err, db.ErrNotFound) {
		return ErrState
	}
	return err
}
