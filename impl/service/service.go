package service

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/clock"
)

// maxSkew is how far our clock and the database's may be apart: further, and time-based codes of different replicas
// would not agree (T8).
const maxSkew = 3 * time.Second

// Service knows whether requests can be served.
type Service struct {
	store    *db.DB
	clock    clock.Clock
	draining atomic.Bool
}

// New returns the service.
func New(store *db.DB, c clock.Clock) *Service { return &Service{store: store, clock: c} }

// Drain makes Ready fail from now on: the process is about to stop, and load balancers should look elsewhere.
func (s *Service) Drain() { s.draining.Store(true) }

// Ready fails with ErrNotReady when requests would.
func (s *Service) Ready(ctx context.Context) error {
	if s.draining.Load() {
		return ErrNotReady.WithDetail("shutting down")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	theirs, err := s.store.Aside().Clock(ctx) // beside the pool: who has much to do is ready all the same
	if err != nil {
		return ErrNotReady.WithDetail("the database does not answer").WithCause(err)
	}
	if skew := s.clock.Now().Sub(theirs).Abs(); skew > maxSkew {
		return ErrNotReady.WithDetail(fmt.Sprintf("the clock differs from the database's by %s", skew.Round(time.Second)))
	}
	return nil
}
