package qrlogin

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Exchange uses a ticket up and opens the session it stands for, with the assurance of the session that confirmed. A
// ticket that cannot be used is ErrTicket, whatever the reason.
func (s *Service) Exchange(ctx context.Context, app authn.Application, ticket string) (authn.Tokens, error) {
	var (
		tokens authn.Tokens
		v      db.Vouched
	)
	seen, err := s.store.QRLogins().Exchangeable(ctx, s.ticketHash(ticket), app.ID, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) {
		return authn.Tokens{}, s.refuseTicket(ctx, app, ticket)
	}
	if err != nil {
		return authn.Tokens{}, err
	}
	screened, err := s.accounts.Screen(ctx, authn.Attempt{
		UserpoolID: seen.UserpoolID, AppID: seen.AppID, UserID: seen.UserID, Method: authn.MethodQRCode,
	})
	if err != nil {
		return authn.Tokens{}, err
	}
	sessionID := secret.ID()
	err = s.store.InTx(ctx, func(q db.Queries) (err error) {
		v, err = q.QRLogins().ConsumeTicket(ctx, s.ticketHash(ticket), app.ID, sessionID, s.clock.Now())
		if err != nil {
			return err
		}
		tokens, err = s.accounts.Open(ctx, q, authn.Grant{
			UserpoolID: v.UserpoolID, UserID: v.UserID, AppID: v.AppID, SessionID: sessionID, VouchedBy: v.SessionID,
			Screened: screened,
		})
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return authn.Tokens{}, s.refuseTicket(ctx, app, ticket)
	}
	if err != nil {
		return authn.Tokens{}, s.accounts.Refused(ctx, v.UserpoolID, v.UserID, err)
	}
	return tokens, nil
}

// refuseTicket ends the session that a used ticket had opened: one of the two who had the ticket should not have had it.
func (s *Service) refuseTicket(ctx context.Context, app authn.Application, ticket string) error {
	l, err := s.store.QRLogins().ByTicketHash(ctx, s.ticketHash(ticket))
	if errors.Is(err, db.ErrNotFound) {
		return ErrTicket
	}
	if err != nil {
		return err
	}
	if l.OpenedSessionID == nil {
		return ErrTicket
	}
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if err := s.accounts.Revoke(ctx, q, l.UserpoolID, *l.OpenedSessionID); err != nil {
			return err
		}
		return audit.Write(ctx, q, s.clock.Now(), audit.Event{
			UserpoolID: l.UserpoolID, Actor: audit.Application(app.ID), Action: "qrlogin.ticket_reused",
			Target: audit.Session(*l.OpenedSessionID), Outcome: audit.Refused,
		})
	})
	if err != nil {
		return err
	}
	return ErrTicket
}
