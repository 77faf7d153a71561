package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
	"github.com/menshen-auth/menshen/impl/internal/webhook"
)

// How long a post hook that fails is paused.
const (
	minPause = time.Second
	maxPause = 10 * time.Minute
)

// noteTimeout is how long it may take to write down what became of a delivery.
const noteTimeout = 2 * time.Second

// ErrGone means that a hook wants no more events, or is no more.
var ErrGone = errors.New("the hook is gone")

// Sender calls hooks.
type Sender struct {
	store   *db.DB
	ring    *keyring.Ring
	clock   clock.Clock
	log     *slog.Logger
	metrics *metrics.Metrics
}

// NewSender returns a sender.
func NewSender(store *db.DB, ring *keyring.Ring, c clock.Clock, log *slog.Logger, m *metrics.Metrics) *Sender {
	return &Sender{store, ring, c, log, m}
}

func aad(userpoolID, id string) []string { return []string{"hooks", userpoolID, id} }

// send makes one signed request and returns at most limit bytes of the answer. Errors hold neither URL nor secret.
func (s *Sender) send(ctx context.Context, h db.Hook, id string, body []byte, limit int) (webhook.Answer, error) {
	text, err := s.ring.Unseal(h.SecretSealed, aad(h.UserpoolID, h.ID)...)
	if err != nil {
		return webhook.Answer{}, err
	}
	secrets, err := webhook.Secrets(string(text))
	if err != nil {
		return webhook.Answer{}, err
	}
	to, err := webhook.Endpoint(h.URL)
	if err != nil {
		return webhook.Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(h.Timeout)*time.Millisecond)
	defer cancel()
	return webhook.Exchange(ctx, to, webhook.Header(secrets, id, s.clock.Now(), body), body, limit)
}

// Deliver makes one try to tell a post hook of an event, and calls handOver right before. The status decides: 2xx is taken,
// 410 is ErrGone, as is a hook that was deleted, and after anything else another try makes sense.
func (s *Sender) Deliver(ctx context.Context, hookID, id string, body []byte, handOver func(context.Context) error) error {
	h, err := s.store.Hooks().Hook(ctx, hookID)
	if errors.Is(err, db.ErrNotFound) {
		return ErrGone
	}
	if err != nil {
		return err
	}
	if err := handOver(ctx); err != nil {
		return err
	}
	answer, err := s.send(ctx, h, id, body, 0)
	switch {
	case err != nil:
	case answer.Status == http.StatusGone:
		err = ErrGone
	case answer.Status/100 != 2:
		err = fmt.Errorf("not taken: HTTP %d", answer.Status)
	}
	return errors.Join(err, s.note(ctx, h, id, err))
}

// note writes down whether a hook has taken an event.
func (s *Sender) note(ctx context.Context, h db.Hook, id string, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout) // also when the worker is to end
	defer cancel()
	if failure != nil {
		s.metrics.Hooks.WithLabelValues(h.Stage, "failed").Inc()
		return s.store.Hooks().Failed(ctx, h.UserpoolID, h.ID, id, minPause, maxPause, s.clock.Now())
	}
	s.metrics.Hooks.WithLabelValues(h.Stage, "delivered").Inc()
	if h.FailingSince == nil {
		return nil
	}
	return s.store.Hooks().Succeeded(ctx, h.UserpoolID, h.ID)
}
