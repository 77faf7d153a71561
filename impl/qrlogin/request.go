package qrlogin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/device"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Request is what who scanned must see before deciding (Q5).
type Request struct {
	App         db.Application
	Browser, OS string // as the page says itself; empty when unknown
	IP          string
	CreatedAt   time.Time
	ExpiresAt   time.Time
	Numbers     []int // to choose from; nil without number matching
}

func request(app db.Application, l db.QRLogin) Request {
	r := Request{App: app, IP: l.IP, CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt}
	r.Browser, r.OS = device.Name(l.UserAgent)
	for _, n := range l.MatchNumbers {
		r.Numbers = append(r.Numbers, int(n))
	}
	return r
}

// matchChoices is how many numbers the phone shows.
const matchChoices = 3

// matchNumbers draws numbers of two digits, no two alike, in the order in which they are shown, and says which one the page
// shows. They are not secret but fresh: who lures somebody into scanning has to learn the answer from the victim, who has no
// page to read it from.
func matchNumbers() (shown int, choices []int64) {
	for len(choices) < matchChoices {
		if n := int64(10 + secret.Pick(90)); !slices.Contains(choices, n) {
			choices = append(choices, n)
		}
	}
	return int(choices[secret.Pick(matchChoices)]), choices
}

// application is the one that asks. A QR code outlives one that was disabled meanwhile, but is good for nothing then.
func (s *Service) application(ctx context.Context, id string) (db.Application, error) {
	app, err := s.store.Tenancy().Application(ctx, id)
	if errors.Is(err, db.ErrNotFound) {
		err = ErrUnknown
	}
	return app, err
}
