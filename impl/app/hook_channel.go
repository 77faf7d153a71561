package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/menshen-auth/menshen/impl/hook"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// hookChannel lets the outbox carry what hooks are told.
type hookChannel struct{ sender *hook.Sender }

func (hookChannel) Name() string { return "hook" }

// Recognises: hooks know a repeat by its webhook-id.
func (hookChannel) Recognises() bool { return true }

func (c hookChannel) Deliver(ctx context.Context, l channel.Letter, handOver func(context.Context) error) error {
	err := c.sender.Deliver(ctx, l.To, l.ID, []byte(l.Text), handOver)
	if errors.Is(err, hook.ErrGone) {
		return fmt.Errorf("%w: %w", channel.ErrRefused, err)
	}
	return err
}
