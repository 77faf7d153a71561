package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// outboxCommand shows what was not sent, since there is no channel for it.
type outboxCommand struct {
	To     string `help:"Only messages to this address."`
	JSON   bool   `name:"json" help:"One JSON object a line."`
	Follow bool   `short:"f" help:"Go on showing what arrives."`
	Code   bool   `help:"Print nothing but the code of the newest message, which is waited for."`
}

// How long --code waits for a message, and how old that may be.
const (
	codeWait  = 5 * time.Second
	codeFresh = 30 * time.Second
	outboxNap = 100 * time.Millisecond
)

var errNoCode = errors.New("no code has arrived in the development outbox; the service must run in the same MENSHEN_DATA_DIR, without a channel for the message")

// Run is called by kong.
func (o outboxCommand) Run(ctx context.Context) error {
	c, err := LoadConfig(os.Environ())
	if err != nil {
		return err
	}
	if c.DatabaseURL != "" {
		return errors.New("there is no development outbox with a database of your own: codes are sent, or refused where no channel is configured")
	}
	err = o.show(ctx, outboxDir(c.DataDir), os.Stdout)
	if o.Follow && !o.Code {
		err = unlessStopped(err)
	}
	return err
}

func (o outboxCommand) show(ctx context.Context, dir string, w io.Writer) error {
	if o.Code {
		return o.newestCode(ctx, dir, w)
	}
	shown := 0
	for {
		entries, err := o.read(dir)
		if err != nil {
			return err
		}
		for _, e := range entries[min(shown, len(entries)):] {
			if err := o.print(w, e); err != nil {
				return err
			}
		}
		shown = len(entries)
		if !o.Follow {
			return nil
		}
		if err := nap(ctx); err != nil {
			return err
		}
	}
}

func (o outboxCommand) newestCode(ctx context.Context, dir string, w io.Writer) error {
	for began := time.Now(); time.Since(began) < codeWait; {
		entries, err := o.read(dir)
		if err != nil {
			return err
		}
		for _, e := range slices.Backward(entries) {
			if e.Code != "" && began.Sub(e.At) < codeFresh {
				_, err := fmt.Fprintln(w, e.Code)
				return err
			}
		}
		if err := nap(ctx); err != nil {
			return err
		}
	}
	return errNoCode
}

func (o outboxCommand) read(dir string) ([]channel.Entry, error) {
	entries, err := channel.Read(dir)
	return slices.DeleteFunc(entries, func(e channel.Entry) bool { return o.To != "" && !strings.EqualFold(e.To, o.To) }), err
}

func (o outboxCommand) print(w io.Writer, e channel.Entry) error {
	if o.JSON {
		return json.NewEncoder(w).Encode(e)
	}
	head := fmt.Sprintf("%s  %s to %s", e.At.Local().Format(time.DateTime), e.Channel, e.To)
	if e.Subject != "" {
		head += "\n  " + e.Subject + "\n"
	}
	_, err := fmt.Fprintf(w, "%s\n  %s\n\n", head, strings.ReplaceAll(strings.TrimSpace(e.Text), "\n", "\n  "))
	return err
}

func nap(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(outboxNap):
		return nil
	}
}
