package qrlogin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Exchange uses a ticket up and opens the session it stands for: with the assurance of the session that confirmed, or, of who
// confirmed at WeChat, as any door does. A ticket that cannot be used is ErrTicket, whatever the reason.
func (s *Service) Exchange(ctx context.Context, app authn.Application, ticket string) (tokens authn.Tokens, err error) {
	hash := s.ticketHash(ticket)
	seen, err := s.store.QRLogins().Exchangeable(ctx, hash, app.ID, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) {
		return tokens, s.refuseTicket(ctx, app, hash)
	}
	if err != nil {
		return tokens, err
	}
	if err := s.limiter.Take(ctx, s.TriesPerTicket, seen.UserpoolID, hex.EncodeToString(hash)); err != nil {
		return tokens, err // hooks are asked for every try, and a denial does not use the ticket up
	}
	sessionID := secret.ID()
	spend := func(ctx context.Context, q db.Queries) error {
		_, err := q.QRLogins().ConsumeTicket(ctx, hash, app.ID, sessionID, s.clock.Now())
		if errors.Is(err, db.ErrNotFound) {
			err = ErrTicket
		}
		return err
	}
	if seen.Type == db.QRMobileApp {
		tokens, err = s.vouched(ctx, seen, sessionID, spend)
	} else {
		tokens, err = s.accounts.Enter(ctx, authn.Entry{
			UserpoolID: seen.UserpoolID, UserID: seen.UserID, AppID: seen.AppID, SessionID: sessionID,
			Method: methodOf(seen.Type), AMR: amrWechat, IP: seen.IP, UserAgent: seen.UserAgent, Context: json.RawMessage(seen.Context),
		}, spend)
	}
	if errors.Is(err, ErrTicket) {
		err = s.refuseTicket(ctx, app, hash)
	}
	return tokens, err
}

// vouched opens the session that the phone's stands for.
func (s *Service) vouched(ctx context.Context, v db.Vouched, sessionID string, spend func(context.Context, db.Queries) error) (tokens authn.Tokens, err error) {
	screened, err := s.accounts.Screen(ctx, authn.Attempt{
		UserpoolID: v.UserpoolID, AppID: v.AppID, UserID: v.UserID, Method: authn.MethodQRCode, IP: v.IP, UserAgent: v.UserAgent,
	})
	if err != nil {
		return tokens, err
	}
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if err := spend(ctx, q); err != nil {
			return err
		}
		tokens, err = s.accounts.Open(ctx, q, authn.Grant{
			UserpoolID: v.UserpoolID, UserID: v.UserID, AppID: v.AppID, SessionID: sessionID, VouchedBy: v.SessionID, Screened: screened,
		})
		return err
	})
	if err != nil && !errors.Is(err, ErrTicket) {
		return authn.Tokens{}, s.accounts.Refused(ctx, v.UserpoolID, v.UserID, err)
	}
	return tokens, err
}

// refuseTicket ends the session that a used ticket had opened, or the sign-in that waits to: one of the two who had the ticket
// should not have had it. Another application than the ticket's cannot end anything by it.
func (s *Service) refuseTicket(ctx context.Context, app authn.Application, hash []byte) error {
	l, err := s.store.QRLogins().ByTicketHash(ctx, hash)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	if err != nil || l.AppID != app.ID || l.OpenedSessionID == nil {
		return ErrTicket
	}
	err = s.store.InTx(ctx, func(q db.Queries) error {
		ended, err := s.accounts.Revoke(ctx, q, l.UserpoolID, *l.OpenedSessionID)
		if err != nil || !ended {
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
