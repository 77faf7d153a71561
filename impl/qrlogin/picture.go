package qrlogin

import (
	"context"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/qr"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// Picture draws the QR code with the scan id, side pixels wide, or as wide as suits it for 0, and tells how long it will live.
// After its end it is ErrGone.
func (s *Service) Picture(ctx context.Context, scanID string, side int) (png []byte, life time.Duration, err error) {
	l, err := s.store.QRLogins().Drawn(ctx, s.scanHash(scanID))
	if errors.Is(err, db.ErrNotFound) {
		return nil, 0, ErrGone
	}
	if err != nil {
		return nil, 0, err
	}
	now := s.clock.Now()
	if state := state(l, now); state != db.QRPending && state != db.QRScanned {
		return nil, 0, ErrGone
	}
	if err := s.limiter.Take(ctx, s.PicturesPerIP, l.UserpoolID, limit.IPKey(reqinfo.From(ctx).IP)); err != nil {
		return nil, 0, err
	}
	png, err = draw(l, scanID, side)
	return png, l.ExpiresAt.Sub(now), err
}

func draw(l db.QRLogin, scanID string, side int) ([]byte, error) {
	if l.Picture != nil {
		return l.Picture, nil
	}
	text, err := payloadText(scanID, l.UserpoolID, l.CreatedAt, l.ExpiresAt)
	if l.Content != nil {
		text = *l.Content
	}
	switch {
	case err != nil:
		return nil, err
	case side == 0:
		return qr.PNG(text)
	}
	return qr.Sized(text, side)
}
