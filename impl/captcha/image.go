package captcha

import (
	"context"
	"crypto/hmac"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// typeImage is the type of images, as the contract names it.
const typeImage = "image"

// Image is a captcha to be shown, or played.
type Image struct {
	ID  string
	URL string // data URI
}

// Draw makes an image captcha of the userpool's kind, or with audio one to listen to. It is drawn when it has been charged
// for: of all that an anonymous caller may ask for it is among the dearest.
func (s *Service) Draw(ctx context.Context, userpoolID, use string, audio bool) (Image, error) {
	kind := s.Kind.Of(userpoolID)
	if audio {
		kind = puzzle.Audio
	}
	p, err := puzzle.Make(kind, s.random)
	if err != nil {
		return Image{}, err
	}
	info, id, now := reqinfo.From(ctx), secret.Alphanumeric(idLength), s.clock.Now()
	c := db.Captcha{
		UserpoolID: userpoolID, ID: id, Type: typeImage, Use: use, AnswerHash: s.hash(id, "", p.Answer), CreatedAt: now,
		ExpiresAt: now.Add(s.ImageTTL),
	}
	err = s.limiter.TakeOfWith(ctx, s.ImagesPerIP, userpoolID, limit.IPKey(info.IP), func(charge *db.Quota) error {
		if charge == nil {
			return s.store.Captchas().Insert(ctx, c)
		}
		return s.store.Captchas().InsertCharged(ctx, c, *charge)
	})
	if err != nil {
		return Image{}, err
	}
	url, err := p.Show(info.Lang)
	return Image{id, url}, err
}

// CheckImage uses an image captcha up and tells whether the answer was right. If it was not, it is ErrWrong; if there is no
// answer at all, ErrImageNeeded.
func (s *Service) CheckImage(ctx context.Context, userpoolID, use, id, answer string) error {
	if id == "" && answer == "" {
		return ErrImageNeeded
	}
	c, err := s.store.Captchas().Consume(ctx, userpoolID, id)
	if errors.Is(err, db.ErrNotFound) {
		return ErrWrong
	}
	if err != nil {
		return err
	}
	right := hmac.Equal(c.AnswerHash, s.hash(c.ID, c.Account, answer))
	if !right || c.Type != typeImage || c.Use != use || !s.clock.Now().Before(c.ExpiresAt) {
		return ErrWrong
	}
	return nil
}
