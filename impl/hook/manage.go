package hook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/secret"
	"github.com/menshen-auth/menshen/impl/internal/webhook"
)

// Time-outs of hooks. All hooks of a sign-in have to answer while its request lasts.
const (
	MinTimeout     = 100 * time.Millisecond
	MaxTimeout     = 5 * time.Second
	DefaultTimeout = 2 * time.Second
)

// maxURL is the longest URL, in bytes.
const maxURL = 2048

// maxSecrets are the one in use, and the one before it.
const maxSecrets = 2

// What an operator can do wrong.
var (
	ErrUnknown  = errors.New("there is no such hook")
	ErrURL      = errors.New("the URL is not like https://example.com/path, without user and fragment")
	ErrInsecure = errors.New("the URL has to be https, except to this machine")
	ErrTimeout  = fmt.Errorf("the time-out is not within %s and %s", MinTimeout, MaxTimeout)
	ErrPolicy   = errors.New("only pre hooks can fail open")
)

// Described is a hook as an operator sees it.
type Described struct {
	ID            string        `json:"id"`
	UserpoolID    string        `json:"userpoolId"`
	ApplicationID string        `json:"applicationId"`
	Stage         string        `json:"stage"`
	URL           string        `json:"url"`
	TimeoutMS     int           `json:"timeoutMs"`
	FailOpen      bool          `json:"failOpen"`
	CreatedAt     time.Time     `json:"createdAt"`
	DisabledAt    *time.Time    `json:"disabledAt,omitempty"`
	FailingSince  *time.Time    `json:"failingSince,omitempty"`
	Deliveries    *Deliveries   `json:"deliveries,omitempty"` // of post hooks
	Secret        string        `json:"secret,omitempty"`     // only when it is new
	Timeout       time.Duration `json:"-"`
}

// Deliveries is what became of events.
type Deliveries struct {
	Waiting   int64      `json:"waiting"`
	Delivered int64      `json:"delivered"` // about a day
	Dead      int64      `json:"dead"`      // not delivered and given up, within eight days
	LastDead  *time.Time `json:"lastDead,omitempty"`
}

func described(h db.Hook) Described {
	return Described{
		ID: h.ID, UserpoolID: h.UserpoolID, ApplicationID: h.AppID, Stage: h.Stage, URL: h.URL, TimeoutMS: h.Timeout, FailOpen: h.FailOpen,
		CreatedAt: h.CreatedAt, DisabledAt: h.DisabledAt, FailingSince: h.FailingSince, Timeout: time.Duration(h.Timeout) * time.Millisecond,
	}
}

// Wanted is a hook to be created.
type Wanted struct {
	App      db.Application
	Stage    string // db.HookPre, db.HookPost
	URL      string
	Insecure bool // http to another machine is fine
	Timeout  time.Duration
	FailOpen bool // of a pre hook
}

// Create adds a hook. Its secret is told this once.
func (s *Service) Create(ctx context.Context, w Wanted) (Described, error) {
	h := db.Hook{
		UserpoolID: w.App.UserpoolID, AppID: w.App.ID, ID: secret.ID(), Stage: w.Stage, URL: w.URL,
		Timeout: int(w.Timeout.Milliseconds()), FailOpen: w.FailOpen, CreatedAt: s.clock.Now(),
	}
	if err := check(h, w.Insecure); err != nil {
		return Described{}, err
	}
	text := webhook.NewSecret()
	h.SecretSealed = s.ring.Seal([]byte(text), aad(h.UserpoolID, h.ID)...)
	err := s.store.InTx(ctx, func(q db.Queries) error {
		if err := q.Hooks().Insert(ctx, h); err != nil {
			return err
		}
		return s.audit(ctx, q, h, "hook.create")
	})
	d := described(h)
	d.Secret = text
	return d, err
}

// check refuses what makes no sense of a hook.
func check(h db.Hook, insecure bool) error {
	u, err := webhook.Endpoint(h.URL)
	switch {
	case err != nil, len(h.URL) > maxURL, u.User != nil, strings.Contains(h.URL, "#"):
		return ErrURL
	case u.Scheme != "https" && !insecure && !webhook.Loopback(u.Hostname()):
		return ErrInsecure
	case h.Timeout < int(MinTimeout.Milliseconds()) || h.Timeout > int(MaxTimeout.Milliseconds()):
		return ErrTimeout
	case h.FailOpen && h.Stage != db.HookPre:
		return ErrPolicy
	}
	return nil
}

func (s *Service) audit(ctx context.Context, q db.Queries, h db.Hook, action string) error {
	return audit.Write(ctx, q, s.clock.Now(), audit.Event{
		UserpoolID: h.UserpoolID, Actor: audit.Operator, Action: action, Target: audit.Hook(h.ID), Outcome: audit.Success,
	})
}

// List describes every hook, the oldest first.
func (s *Service) List(ctx context.Context) ([]Described, error) {
	hooks, err := s.store.Hooks().All(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := s.store.Hooks().Deliveries(ctx)
	if err != nil {
		return nil, err
	}
	of := map[string]db.HookDeliveries{}
	for _, c := range counts {
		of[c.HookID] = c
	}
	list := make([]Described, len(hooks))
	for i, h := range hooks {
		list[i] = described(h)
		if h.Stage == db.HookPost {
			c := of[h.ID]
			list[i].Deliveries = &Deliveries{c.Waiting, c.Delivered, c.Dead, c.LastDead}
		}
	}
	return list, nil
}

// Change is what is to be another way; nil stays.
type Change struct {
	URL       *string
	Insecure  bool // http to another machine is fine
	Timeout   *time.Duration
	FailOpen  *bool
	Disabled  *bool // what is on its way to a disabled hook waits
	NewSecret bool  // sign with a new secret, and with the one before until the next
	OneSecret bool  // sign with the newest secret alone
}

// Set changes a hook. A new secret is told this once.
func (s *Service) Set(ctx context.Context, id string, c Change) (d Described, err error) {
	fresh := ""
	err = s.store.InTx(ctx, func(q db.Queries) error {
		h, err := q.Hooks().Lock(ctx, id)
		if errors.Is(err, db.ErrNotFound) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		insecure := c.Insecure || c.URL == nil // what was fine once
		apply(&h, c, s.clock.Now())
		if err := check(h, insecure); err != nil {
			return err
		}
		if c.NewSecret || c.OneSecret {
			if fresh, err = s.renew(&h, c); err != nil {
				return err
			}
		}
		if err := q.Hooks().Set(ctx, h); err != nil {
			return err
		}
		d = described(h)
		return s.audit(ctx, q, h, "hook.set")
	})
	d.Secret, d.FailingSince = fresh, nil
	return d, err
}

func apply(h *db.Hook, c Change, now time.Time) {
	if c.URL != nil {
		h.URL = *c.URL
	}
	if c.Timeout != nil {
		h.Timeout = int(c.Timeout.Milliseconds())
	}
	if c.FailOpen != nil {
		h.FailOpen = *c.FailOpen
	}
	switch {
	case c.Disabled == nil:
	case !*c.Disabled:
		h.DisabledAt = nil
	case h.DisabledAt == nil:
		h.DisabledAt = &now
	}
}

// renew changes the secrets of a hook, and returns the one that is new.
func (s *Service) renew(h *db.Hook, c Change) (fresh string, err error) {
	text, err := s.ring.Unseal(h.SecretSealed, aad(h.UserpoolID, h.ID)...)
	if err != nil {
		return "", err
	}
	secrets := strings.Fields(string(text))
	if c.NewSecret {
		fresh = webhook.NewSecret()
		secrets = append([]string{fresh}, secrets...)
	}
	keep := min(maxSecrets, len(secrets))
	if c.OneSecret {
		keep = 1
	}
	h.SecretSealed = s.ring.Seal([]byte(strings.Join(secrets[:keep], " ")), aad(h.UserpoolID, h.ID)...)
	return fresh, nil
}

// Delete removes a hook. What is on its way to it is given up.
func (s *Service) Delete(ctx context.Context, id string) error {
	return s.store.InTx(ctx, func(q db.Queries) error {
		h, err := q.Hooks().Lock(ctx, id)
		if errors.Is(err, db.ErrNotFound) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		if err := q.Hooks().Delete(ctx, h.UserpoolID, h.ID, s.clock.Now()); err != nil {
			return err
		}
		return s.audit(ctx, q, h, "hook.delete")
	})
}

// Tested is what came back from a test.
type Tested struct {
	WebhookID string        `json:"webhookId"`
	Status    int           `json:"status,omitempty"`
	Body      string        `json:"body,omitempty"` // at most 16 KiB
	Decision  string        `json:"decision,omitempty"`
	Message   string        `json:"message,omitempty"` // that a person would be shown
	Failure   string        `json:"failure,omitempty"` // why a real event would have failed
	Took      time.Duration `json:"-"`
	TookMS    int64         `json:"tookMs"`
}

// Test sends a signed event of the type hook.test, whether the hook is disabled or not.
func (s *Service) Test(ctx context.Context, id string) (Tested, error) {
	h, err := s.store.Hooks().Hook(ctx, id)
	if errors.Is(err, db.ErrNotFound) {
		return Tested{}, ErrUnknown
	}
	if err != nil {
		return Tested{}, err
	}
	body, err := test(h, s.clock.Now())
	if err != nil {
		return Tested{}, err
	}
	t, began := Tested{WebhookID: secret.ID()}, time.Now()
	answer, err := s.send(ctx, h, t.WebhookID, body, maxAnswer)
	t.Took, t.Status, t.Body = time.Since(began), answer.Status, string(answer.Body)
	t.TookMS = t.Took.Milliseconds()
	var d decision
	switch {
	case err != nil:
	case h.Stage == db.HookPre:
		d, err = decide(answer)
		t.Decision, t.Message = "allow", d.message
		if d.deny {
			t.Decision = "deny"
		}
	case answer.Status/100 != 2:
		err = fmt.Errorf("HTTP %d", answer.Status)
	}
	if err != nil {
		t.Decision, t.Failure = "", err.Error()
	}
	return t, nil
}
