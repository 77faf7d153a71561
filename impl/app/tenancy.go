package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/menshen-auth/menshen/impl/tenancy"
)

// ofPool says which userpool is meant.
type ofPool struct {
	Pool string `placeholder:"ID" help:"Id of the userpool; by default the default one."`
}

// withTenancy runs a command about userpools, applications and access keys. A broken pipe is an error as any other there: whoever
// reads no more has not got the secret.
func withTenancy(ctx context.Context, run func(*tenancy.Service) error) error {
	signal.Ignore(syscall.SIGPIPE)
	return withApp(ctx, func(a *App) error { return run(tenancy.New(a.Store, a.ring, a.Clock)) })
}

// cell is something of a userpool, application or access key, as a person reads it.
type cell struct{ title, value string }

// card is something that is shown: alone, or in a list.
type card interface {
	// cells begin with the id. Not all are part of a list.
	cells() (listed, others []cell)
}

// cards is how they are shown.
type cards struct {
	JSON bool `name:"json" help:"One JSON object a line; lifetimes in seconds, null for those of the service."`
}

// list shows many: a table whose first column is the id.
func (c cards) list(w io.Writer, list []card) error {
	var text bytes.Buffer
	if c.JSON {
		out := json.NewEncoder(&text)
		for _, one := range list {
			if err := out.Encode(one); err != nil {
				return err
			}
		}
		return put(w, text.Bytes())
	}
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for i, one := range list {
		listed, _ := one.cells()
		if i == 0 {
			fmt.Fprintln(table, strings.Join(column(listed, func(c cell) string { return strings.ToUpper(c.title) }), "\t"))
		}
		fmt.Fprintln(table, strings.Join(column(listed, func(c cell) string { return c.value }), "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return put(w, text.Bytes())
}

func column(cells []cell, of func(cell) string) (texts []string) {
	for _, c := range cells {
		texts = append(texts, of(c))
	}
	return texts
}

// one shows one: the first line is the id and nothing else.
func (c cards) one(w io.Writer, one card) error {
	if c.JSON {
		return c.list(w, []card{one})
	}
	var text bytes.Buffer
	listed, others := one.cells()
	fmt.Fprintln(&text, listed[0].value)
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, c := range append(listed[1:], others...) {
		fmt.Fprintf(table, "  %s\t%s\n", c.title, c.value)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return put(w, text.Bytes())
}

// secret shows a card with a new secret within the transaction that makes it: if it cannot be shown, there is none.
func (c cards) secret(w io.Writer, change func(show func(card) error) error) error {
	shown := false
	err := change(func(one card) error {
		if err := c.one(w, one); err != nil {
			return fmt.Errorf("nothing was changed, since the secret could not be written: %w", err)
		}
		shown = true
		return nil
	})
	if err != nil && shown {
		// Whether the database has committed need not be known: the connection may have broken then. It does not wrap err, so that
		// an interrupted command says this too.
		return errors.New("do not use the secret that was printed, the change was not finished; run the command again: " + plain(err))
	}
	return err
}

// put writes everything at once; in a file, it is on the disk when the secret begins to work.
func put(w io.Writer, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return err
	}
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = f.Sync()
	}
	return err
}

// moment is a time as the clock on the operator's wall has it.
func moment(t time.Time) string { return t.Local().Format(time.DateTime) }

// state is what a person wants to know at first.
func state(isDefault bool, disabledAt *time.Time) string {
	switch {
	case disabledAt != nil:
		return "disabled " + moment(*disabledAt)
	case isDefault:
		return "default"
	}
	return "-"
}

// quoted is a text that plays no tricks with the terminal.
func quoted(text string) string {
	if text == "" {
		return "-"
	}
	return strconv.Quote(text)
}
