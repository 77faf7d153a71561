package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/webhook"
)

// Webhook are the settings of a channel to a program of the operator's that sends SMS in its own way. It gets requests as
// Standard Webhooks has them (https://github.com/standard-webhooks/standard-webhooks), and has to carry an SMS once for
// each webhook-id, however often it comes.
type Webhook struct {
	URL     string        // https, or http where the network between is trusted: the code is in the request
	Secret  string        // whsec_ and base64; several, separated by spaces, while one is replaced
	Timeout time.Duration // of a whole delivery; 15 s by default
}

// webhookBody is the JSON of a request.
type webhookBody struct {
	Type      string      `json:"type"`      // message.sms
	Timestamp time.Time   `json:"timestamp"` // of this try
	Data      webhookData `json:"data"`
}

type webhookData struct {
	To       string `json:"to"`       // E.164
	Text     string `json:"text"`     // to be sent as it is; the rest is for those with templates of their own
	Template string `json:"template"` // code, or the name of a notice
	Lang     string `json:"lang"`     // BCP 47
	Code     string `json:"code"`     // empty in notices
	Minutes  int    `json:"minutes"`  // life of the code; 0 in notices
}

type webhookChannel struct {
	url     *url.URL
	secrets [][]byte
	timeout time.Duration
	now     func() time.Time
}

// NewWebhook checks the settings, all of them; it does not connect. The channel recognises letters, by webhook-id.
func NewWebhook(s Webhook) (Channel, error) {
	u, err := webhook.Endpoint(s.URL)
	secrets, errSecret := webhook.Secrets(s.Secret)
	errs := []error{err, errSecret}
	if s.Timeout < 0 {
		errs = append(errs, errors.New("the time-out is negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return &webhookChannel{url: u, secrets: secrets, timeout: orDefault(s.Timeout, defaultHTTPTimeout), now: time.Now}, nil
}

func (c *webhookChannel) Name() string     { return "webhook" }
func (c *webhookChannel) Recognises() bool { return true }

func (c *webhookChannel) Deliver(ctx context.Context, l Letter, handOver func(context.Context) error) error {
	if err := l.checkSMS(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := handOver(ctx); err != nil {
		return err
	}
	at := c.now().UTC()
	data := webhookData{To: l.To, Text: l.Text, Template: string(l.Template), Lang: l.Lang.String()}
	if l.Code != "" {
		data.Code, data.Minutes = l.Code, l.Minutes
	}
	body, err := json.Marshal(webhookBody{Type: "message.sms", Timestamp: at.Truncate(time.Second), Data: data})
	if err != nil {
		return fmt.Errorf("%w: webhook: the request cannot be written", ErrRefused)
	}
	status, _, err := exchange(ctx, c.url, webhook.Header(c.secrets, l.ID, at, body), body, 0)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return webhookVerdict(status)
}

// webhookVerdict goes by the status alone. Since the receiver knows a repeat, failures of its own (5xx) are no riddle:
// trying again is right, whatever happened.
func webhookVerdict(status int) error {
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound, // for the operator to repair
		status == http.StatusProxyAuthRequired:
	case status/100 == 4:
		return fmt.Errorf("%w: webhook: HTTP %d", ErrRefused, status)
	}
	return fmt.Errorf("webhook: not taken: HTTP %d", status)
}
