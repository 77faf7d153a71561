package qrlogin

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

// drawn asks WeChat for the code of a login, whose scene is the scan id, and returns the address of the logo that the page may
// lay over it.
func (s *Service) drawn(ctx context.Context, app db.Application, a Asked, scanID string, life time.Duration, l *db.QRLogin) (logo string, err error) {
	c, err := s.codes.Connection(ctx, app, a.Type, a.ConnectionID)
	if err != nil {
		return "", err
	}
	merge := a.MergeLogo && a.Type == db.QRWechatMiniprogram
	code, err := s.codes.Code(ctx, c, scanID, life, merge)
	if err != nil {
		return "", err
	}
	l.ConnectionID, l.Context, l.Picture = &c.ID, db.JSON(a.Context), code.Picture
	if code.Content != "" {
		l.Content = &code.Content
	}
	if a.Type == db.QRWechatMiniprogram && !merge {
		logo = c.LogoURL
	}
	return logo, nil
}

// person is under which name somebody at WeChat is pinned.
func (s *Service) person(connectionID string, p wechatid.Person) []byte {
	return s.ring.MAC("qrlogins.person", connectionID, p.OpenID)
}

// WechatScan notes that a person has scanned the code with the scene, and returns what the person must see before deciding:
// nobody else may decide now. The same person may scan again.
func (s *Service) WechatScan(ctx context.Context, connectionID, scene string, p wechatid.Person) (wechatid.Details, error) {
	l, err := s.scene(ctx, connectionID, scene)
	if err != nil {
		return wechatid.Details{}, err
	}
	person := s.person(connectionID, p)
	if err := s.limiter.Take(ctx, s.ScansPerID, l.UserpoolID, hex.EncodeToString(person)); err != nil {
		return wechatid.Details{}, err
	}
	step := db.QRScan{Pin: db.QRPin{PersonHash: person}}
	shown, err := s.scan(ctx, audit.Connection(connectionID), l, step, func(db.Queries) error { return nil })
	return details(shown), err
}

// WechatConfirm lets the page in, for the person who has scanned, as the user whom the connection knows; it makes one if the
// connection says so. number is as of Confirm.
func (s *Service) WechatConfirm(ctx context.Context, connectionID, scene string, p wechatid.Person, number int) error {
	l, err := s.scene(ctx, connectionID, scene)
	if err != nil {
		return err
	}
	person := s.person(connectionID, p)
	matches := l.MatchNumber == nil || *l.MatchNumber == number
	switch {
	case !pinned(l, db.QRPin{PersonHash: person}):
		return ErrState
	case l.State == db.QRAuthorized && matches:
		return nil // told again
	case l.State == db.QRAuthorized:
		return ErrState
	case !matches && number == 0:
		return ErrNoNumber
	}
	app, err := s.application(ctx, l.AppID)
	if err != nil {
		return err
	}
	c, err := s.store.Connections().Get(ctx, connectionID)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	decision := db.QRConfirmation{
		Pin: db.QRPin{PersonHash: person}, Number: number, TicketExpiresAt: now.Add(db.Life(app.TicketSeconds, s.TicketTTL)),
	}
	return s.decide(ctx, audit.Connection(connectionID), l, func(q db.Queries) (refusal, err error) {
		if matches { // a wrong one makes no user
			decision.UserID, _, err = s.accounts.UserOfIdentity(ctx, q, l.UserpoolID, p.Identity(connectionID), c.CreateUsers && !p.Partial)
			switch unknown := isRefusal(err); {
			case unknown && p.Partial:
				return nil, ErrPartial
			case unknown: // the page need not wait any longer
				return err, q.QRLogins().Cancel(ctx, l.UserpoolID, l.ID, decision.Pin, now)
			case err != nil:
				return nil, err
			}
		}
		return s.confirm(ctx, q, l, decision)
	})
}

func isRefusal(err error) bool {
	var refusal *apierr.Error
	return errors.As(err, &refusal) && refusal.Kind == apierr.Forbidden
}

// WechatCancel turns the page away, for the person who has scanned.
func (s *Service) WechatCancel(ctx context.Context, connectionID, scene string, p wechatid.Person) error {
	l, err := s.scene(ctx, connectionID, scene)
	if err != nil {
		return err
	}
	pin := db.QRPin{PersonHash: s.person(connectionID, p)}
	return s.edge(ctx, audit.Connection(connectionID), l, func(q db.Queries) (audited, error) {
		return audited{"qrlogin.cancel", audit.Success}, q.QRLogins().Cancel(ctx, l.UserpoolID, l.ID, pin, s.clock.Now())
	})
}

// scene finds the QR code of a connection by its scene, which is the scan id.
func (s *Service) scene(ctx context.Context, connectionID, scene string) (db.QRLogin, error) {
	l, err := s.store.QRLogins().ByScanHash(ctx, s.scanHash(scene))
	switch {
	case errors.Is(err, db.ErrNotFound), err == nil && (l.ConnectionID == nil || *l.ConnectionID != connectionID):
		return l, ErrUnknown
	case err == nil && state(l, s.clock.Now()) == StatusExpired:
		return l, ErrExpired
	}
	return l, err
}

func details(r Request) wechatid.Details {
	return wechatid.Details{
		AppID: r.App.ID, AppName: r.App.Name, AppLogo: r.App.Logo, Browser: r.Browser, OS: r.OS, IP: r.IP,
		CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, Numbers: r.Numbers,
	}
}

// amrWechat says that WeChat knows the user; RFC 8176 has no value for identity sources.
const amrWechat = "wechat"

// methodOf is how a session of a WeChat type begins, for the hooks.
func methodOf(qrType string) authn.Method {
	if qrType == db.QRWechatMiniprogram {
		return authn.MethodMiniProgram
	}
	return authn.MethodOfficialAccount
}
