package qrlogin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// Scan pins a signed-in user and the user's session to a QR code, and returns what the user must see before deciding: nobody
// else may decide now. The same session may scan again, since a phone that lost the answer does.
func (s *Service) Scan(ctx context.Context, u authn.User, id string) (Request, error) {
	if err := s.limiter.Take(ctx, s.ScansPerID, u.UserpoolID, u.ID); err != nil {
		return Request{}, err
	}
	l, err := s.scanned(ctx, u, id)
	if err != nil {
		return Request{}, err
	}
	step := db.QRScan{Pin: pin(u), UserID: &u.ID}
	return s.scan(ctx, audit.User(u.ID), l, step, func(q db.Queries) error { return s.accounts.Vouches(ctx, q, u) })
}

// scan pins who may decide, if vouch allows it. Who is pinned already gets the same answer, also if it was pinned a moment ago: a
// phone that is tapped twice asks twice at once.
func (s *Service) scan(ctx context.Context, actor string, l db.QRLogin, step db.QRScan, vouch func(db.Queries) error) (Request, error) {
	app, err := s.application(ctx, l.AppID)
	if err != nil {
		return Request{}, err
	}
	if pinned(l, step.Pin) {
		return request(app, l), nil
	}
	asked := l
	if app.NumberMatching {
		shown, choices := matchNumbers()
		step.Number, step.Numbers, asked.MatchNumbers = &shown, choices, choices
	}
	err = s.edge(ctx, actor, l, func(q db.Queries) (audited, error) {
		if err := vouch(q); err != nil {
			return audited{}, err
		}
		return audited{"qrlogin.scan", audit.Success}, q.QRLogins().Scan(ctx, l.UserpoolID, l.ID, step, s.clock.Now())
	})
	if errors.Is(err, ErrState) {
		first, errAgain := s.store.QRLogins().ByScanHash(ctx, l.ScanHash)
		if errAgain == nil && pinned(first, step.Pin) {
			return request(app, first), nil
		}
	}
	return request(app, asked), err
}

// pinned tells whether a QR code waits for the decision of somebody. Who scanned at WeChat may have decided: WeChat tells of an
// event until it is answered.
func pinned(l db.QRLogin, p db.QRPin) bool {
	if p.PersonHash != nil {
		return (l.State == db.QRScanned || l.State == db.QRAuthorized) && slices.Equal(l.PersonHash, p.PersonHash)
	}
	return l.State == db.QRScanned && l.SessionID != nil && *l.SessionID == *p.SessionID
}

func pin(u authn.User) db.QRPin { return db.QRPin{SessionID: &u.SessionID} }

// Confirm lets the page in. The custom data that the page asked for is the user's from here on. With number matching, number
// is the one that was picked; a wrong one cancels the login and is ErrNumber, none is ErrNoNumber and changes nothing.
func (s *Service) Confirm(ctx context.Context, u authn.User, id string, number int) error {
	l, err := s.scanned(ctx, u, id)
	if err != nil {
		return err
	}
	if l.State == db.QRScanned && l.MatchNumber != nil && number == 0 {
		return ErrNoNumber
	}
	app, err := s.application(ctx, l.AppID)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	decision := db.QRConfirmation{Pin: pin(u), UserID: u.ID, Number: number, TicketExpiresAt: now.Add(db.Life(app.TicketSeconds, s.TicketTTL))}
	return s.decide(ctx, audit.User(u.ID), l, func(q db.Queries) (refusal, err error) {
		if err := s.accounts.Vouches(ctx, q, u); err != nil {
			return nil, err
		}
		if refusal, err = s.confirm(ctx, q, l, decision); refusal != nil || err != nil {
			return refusal, err
		}
		return nil, s.accounts.MergeCustomData(ctx, q, u.UserpoolID, u.ID, json.RawMessage(l.CustomData))
	})
}

// confirm takes the edge of a confirmation. A wrong number is the refusal ErrNumber, and cancels the login.
func (s *Service) confirm(ctx context.Context, q db.Queries, l db.QRLogin, c db.QRConfirmation) (refusal, err error) {
	state, err := q.QRLogins().Confirm(ctx, l.UserpoolID, l.ID, c, s.clock.Now())
	if err == nil && state != db.QRAuthorized {
		refusal = ErrNumber
	}
	return refusal, err
}

// decide takes the edge of a decision in a transaction. With an error nothing has changed; a refusal has ended the login, and is
// what the person is told.
func (s *Service) decide(ctx context.Context, actor string, l db.QRLogin, step func(db.Queries) (refusal, err error)) error {
	var refusal error
	err := s.edge(ctx, actor, l, func(q db.Queries) (note audited, err error) {
		refusal, err = step(q)
		switch {
		case refusal == nil:
			return audited{"qrlogin.confirm", audit.Success}, err
		case errors.Is(refusal, ErrNumber):
			return audited{"qrlogin.number", audit.Refused}, err
		}
		return audited{"qrlogin.confirm", audit.Refused}, err
	})
	return cmp.Or(err, refusal)
}

// Cancel turns the page away.
func (s *Service) Cancel(ctx context.Context, u authn.User, id string) error {
	l, err := s.scanned(ctx, u, id)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	return s.edge(ctx, audit.User(u.ID), l, func(q db.Queries) (audited, error) {
		return audited{"qrlogin.cancel", audit.Success}, q.QRLogins().Cancel(ctx, l.UserpoolID, l.ID, pin(u), now)
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
	case errors.Is(err, db.ErrNotFound), err == nil && (l.UserpoolID != u.UserpoolID || l.Type != db.QRMobileApp):
		return l, ErrUnknown
	case err == nil && state(l, s.clock.Now()) == StatusExpired:
		return l, ErrExpired
	}
	return l, err
}

// audited is what the audit log is to say of a step.
type audited struct{ action, outcome string }

// edge takes a guarded step and notes it in the audit log, in one transaction. A guard that does not hold is ErrState.
func (s *Service) edge(ctx context.Context, actor string, l db.QRLogin, step func(db.Queries) (audited, error)) error {
	err := s.store.InTx(ctx, func(q db.Queries) error {
		note, err := step(q)
		if err != nil {
			return err
		}
		return audit.Write(ctx, q, s.clock.Now(), audit.Event{
			UserpoolID: l.UserpoolID, Actor: actor, Action: note.action, Target: audit.Application(l.AppID), Outcome: note.outcome,
		})
	})
	if errors.Is(err, db.ErrNotFound) {
		return ErrState
	}
	return err
}
