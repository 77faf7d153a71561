package captcha

import (
	"context"
	"crypto/hmac"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// CheckSent evaluates a code that was sent, after a try was charged for it (C4). If it is right, spend is to be run in the
// transaction that it allows, and is ErrWrong if another request was first. Unknown, expired, of another use or address,
// tries used up, wrong: all are ErrWrong (C8).
func (s *Service) CheckSent(ctx context.Context, userpoolID string, c message.Channel, use, account, id, answer string) (spend func(context.Context, db.Queries) error, err error) {
	to, err := s.target(c, account)
	if err != nil {
		return nil, ErrWrong
	}
	key := s.key(userpoolID, use, to)
	code, err := s.store.SentCodes().Charge(ctx, key, id, s.Attempts, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) {
		return nil, ErrWrong
	}
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(code.AnswerHash, s.hash(code.ID, string(key.AccountHash), answer)) {
		return nil, ErrWrong
	}
	// A right code is no guess: it is still good when what it was to allow is refused, as for a weak password.
	if err := s.store.SentCodes().Refund(ctx, key, code.ID); err != nil {
		return nil, err
	}
	return func(ctx context.Context, q db.Queries) error {
		err := q.SentCodes().Spend(ctx, key, code.ID)
		if errors.Is(err, db.ErrNotFound) {
			return ErrWrong
		}
		return err
	}, nil
}

// key is what a code is bound to (C3). The address itself is not kept.
func (s *Service) key(userpoolID, use string, to target) db.SentCodeKey {
	return db.SentCodeKey{
		UserpoolID: userpoolID, Channel: string(to.channel), Use: use,
		AccountHash: s.ring.MAC("sent_codes", userpoolID, string(to.channel), to.key),
	}
}
