package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
	"github.com/menshen-auth/menshen/impl/internal/secret"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// Settings of the service.
type Settings struct {
	Timeout       time.Duration // of one delivery
	Parallel      int           // deliveries at a time, for each channel of one replica
	ParallelHooks int           // the same, for the channel of hooks: they are many programs, and each is slow in its own way
	Poll          time.Duration // how often a worker looks for messages that nobody told it of
	Drain         time.Duration // how long a worker that is to end goes on with what is due
}

// Service takes messages and delivers them.
type Service struct {
	Settings
	store    *db.DB
	ring     *keyring.Ring
	clock    clock.Clock
	log      *slog.Logger
	metrics  *metrics.Metrics
	texts    *Texts
	channels map[message.Channel]channel.Channel
	kicks    map[message.Channel]chan struct{}
}

// New returns the service. What has no channel cannot be sent; see Ready.
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, log *slog.Logger, m *metrics.Metrics, texts *Texts, channels map[message.Channel]channel.Channel) *Service {
	kicks := map[message.Channel]chan struct{}{}
	for name := range channels {
		kicks[name] = make(chan struct{}, 1)
	}
	return &Service{s, store, ring, c, log, m, texts, channels, kicks}
}

// Ready tells whether there is a channel to send by.
func (s *Service) Ready(c message.Channel) bool { return s.channels[c] != nil }

var errNoChannel = errors.New("message for a channel that is not configured")

// Post puts a message into the outbox, in the transaction of q.
func (s *Service) Post(ctx context.Context, q db.Queries, m message.Message) error {
	if !s.Ready(m.Channel) {
		return errNoChannel
	}
	plain, err := json.Marshal(m)
	if err != nil {
		return err
	}
	id := secret.ID()
	var hookID *string
	if m.Channel == message.Hook {
		hookID = &m.To
	}
	return q.Outbox().Insert(ctx, db.OutboxMessage{
		UserpoolID: m.UserpoolID, ID: id, Channel: string(m.Channel), Template: string(m.Template), HookID: hookID,
		MessageSealed: s.ring.Seal(plain, aad(m.UserpoolID, id)...), CreatedAt: s.clock.Now(), ExpiresAt: m.ExpiresAt,
	})
}

// Kick wakes the worker of this replica, after the transaction of a Post. Without it the worker would find the message a
// little later.
func (s *Service) Kick(c message.Channel) {
	select {
	case s.kicks[c] <- struct{}{}:
	default: // it is about to look anyway, or there is no such channel
	}
}

func aad(userpoolID, id string) []string { return []string{"outbox", userpoolID, id} }

func (s *Service) open(row db.OutboxMessage) (m message.Message, err error) {
	plain, err := s.ring.Unseal(row.MessageSealed, aad(row.UserpoolID, row.ID)...)
	if err != nil {
		return m, err
	}
	err = json.Unmarshal(plain, &m)
	return m, err
}

// letter is what is handed over of a message.
func (s *Service) letter(ctx context.Context, row db.OutboxMessage, m message.Message) (channel.Letter, error) {
	if m.Channel == message.Hook {
		return channel.Letter{ID: row.ID, To: m.To, Text: m.Body, Template: m.Template}, nil
	}
	pool, err := s.store.Tenancy().Userpool(ctx, row.UserpoolID)
	if err != nil {
		return channel.Letter{}, err
	}
	minutes := int(row.ExpiresAt.Sub(row.CreatedAt).Round(time.Minute) / time.Minute)
	subject, text, err := s.texts.Render(m, m.Lang, facts{Name: pool.Name, Code: m.Code, Minutes: minutes})
	if err != nil {
		return channel.Letter{}, fmt.Errorf("text of %s: %w", m.Template, err)
	}
	return channel.Letter{
		ID: row.ID, To: m.To, Subject: subject, Text: text, Template: m.Template, Lang: m.Lang, Code: m.Code, Minutes: minutes,
	}, nil
}
