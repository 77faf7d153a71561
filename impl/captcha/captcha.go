package captcha

import (
	"context"
	"crypto/hmac"
	"errors"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// typeImage is the type of images, as the contract names it.
const typeImage = "image"

// idLength is the length of a codeID, in characters, as the document has it.
const idLength = 20

// Settings of the service.
type Settings struct {
	TTL         time.Duration // life of an image (C2: 180 s)
	ImagesPerIP limit.Rule    // C8
}

// Service is the rules about verification codes.
type Service struct {
	Settings
	store   *db.DB
	ring    *keyring.Ring
	clock   clock.Clock
	limiter *limit.Limiter
	digits  func(n int) string
}

// New returns the service. digits makes the answers: n decimal digits, uniform and unpredictable (C1).
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, l *limit.Limiter, digits func(n int) string) *Service {
	return &Service{s, store, ring, c, l, digits}
}

// Image is a captcha to be shown.
type Image struct {
	ID  string
	URL string // data URI
}

// Create makes a code of a type for a use. An image needs no account; the other types need one to send to and a channel
// to send by, and there is no channel yet.
func (s *Service) Create(ctx context.Context, userpoolID, codeType, use, account string) (Image, error) {
	switch {
	case codeType == typeImage:
		return s.createImage(ctx, userpoolID, use)
	case account == "":
		return Image{}, ErrAccountNeeded
	}
	return Image{}, ErrChannel
}

func (s *Service) createImage(ctx context.Context, userpoolID, use string) (Image, error) {
	if err := s.limiter.Take(ctx, s.ImagesPerIP, userpoolID, limit.IPKey(reqinfo.From(ctx).IP)); err != nil {
		return Image{}, err
	}
	id, digits := secret.Alphanumeric(idLength), s.digits(imageDigits)
	url, err := draw(digits)
	if err != nil {
		return Image{}, err
	}
	now := s.clock.Now()
	return Image{ID: id, URL: url}, s.store.Captchas().Insert(ctx, db.Captcha{
		UserpoolID: userpoolID, ID: id, Type: typeImage, Use: use, AnswerHash: s.hash(id, "", digits), CreatedAt: now,
		ExpiresAt: now.Add(s.TTL),
	})
}

// CheckImage uses an image captcha up and tells whether the answer was right; if not, ErrWrong.
func (s *Service) CheckImage(ctx context.Context, userpoolID, use, id, answer string) error {
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

func (s *Service) hash(id, account, answer string) []byte {
	return s.ring.MAC("captchas", id, account, answer)
}
