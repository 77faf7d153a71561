package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/menshen-auth/menshen/impl/hook"
)

// hookCommand is about programs that are asked or told about sign-ins.
type hookCommand struct {
	Create hookCreateCommand `cmd:"" help:"Add a hook, and print its secret, which is not shown again."`
	List   hookListCommand   `cmd:"" help:"List the hooks, and what became of their deliveries."`
	Set    hookSetCommand    `cmd:"" help:"Change a hook."`
	Delete hookDeleteCommand `cmd:"" help:"Remove a hook. What is on its way to it is given up."`
	Test   hookTestCommand   `cmd:"" help:"Send a signed event of the type hook.test, and show what comes back."`
}

type hookCreateCommand struct {
	Stage    string        `enum:"pre,post" required:"" help:"pre: asked before a session is opened, and may refuse; post: told afterwards."`
	URL      string        `name:"url" required:"" help:"Where the program takes requests: https, or http to this machine."`
	App      string        `help:"The id of the application; the default one if it is missing."`
	Timeout  time.Duration `default:"2s" help:"How long the program may take, 100ms to 5s."`
	FailOpen bool          `help:"Let sign-ins pass when the program gives no answer that makes sense. By default they are refused. For pre only."`
	Insecure bool          `help:"Allow http to another machine, where the network between is trusted."`
	JSON     bool          `name:"json" help:"A JSON object."`
}

// Run is called by kong.
func (h hookCreateCommand) Run(ctx context.Context) error {
	return withApp(ctx, func(a *App) error { return h.run(ctx, a, os.Stdout) })
}

func (h hookCreateCommand) run(ctx context.Context, a *App, w io.Writer) error {
	app, err := a.accounts.Application(ctx, h.App)
	if err != nil {
		return err
	}
	created, err := a.Hooks.Create(ctx, hook.Wanted{
		App: app, Stage: h.Stage, URL: h.URL, Insecure: h.Insecure, Timeout: h.Timeout, FailOpen: h.FailOpen,
	})
	if err != nil {
		return err
	}
	return printHook(w, h.JSON, "created", created)
}

// printHook shows a hook and, if it is new, its secret.
func printHook(w io.Writer, asJSON bool, what string, h hook.Described) error {
	if asJSON {
		return plainJSON(w).Encode(h)
	}
	_, err := fmt.Fprintf(w, "%s %s hook %s of application %s\n", what, h.Stage, h.ID, h.ApplicationID)
	if err == nil && h.Secret != "" {
		_, err = fmt.Fprintf(w, "secret: %s\nIt is not shown again.\n", h.Secret)
	}
	return err
}

// plainJSON leaves URLs readable.
func plainJSON(w io.Writer) *json.Encoder {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out
}

type hookListCommand struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run is called by kong.
func (h hookListCommand) Run(ctx context.Context) error {
	return withApp(ctx, func(a *App) error { return h.run(ctx, a, os.Stdout) })
}

func (h hookListCommand) run(ctx context.Context, a *App, w io.Writer) error {
	hooks, err := a.Hooks.List(ctx)
	if err != nil {
		return err
	}
	if h.JSON {
		out := plainJSON(w)
		for _, each := range hooks {
			if err := out.Encode(each); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "HOOK\tAPPLICATION\tSTAGE\tTIME-OUT\tWHEN IT FAILS\tSTATE\tWAITING\tDELIVERED\tDEAD\tURL")
	for _, each := range hooks {
		fails, waiting, delivered, dead := "refuse", "-", "-", "-"
		if each.FailOpen {
			fails = "let pass"
		}
		if d := each.Deliveries; d != nil {
			fails, waiting, delivered, dead = "try again", fmt.Sprint(d.Waiting), fmt.Sprint(d.Delivered), fmt.Sprint(d.Dead)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			each.ID, each.ApplicationID, each.Stage, each.Timeout, fails, hookState(each), waiting, delivered, dead, each.URL)
	}
	return table.Flush()
}

func hookState(h hook.Described) string {
	switch {
	case h.DisabledAt != nil:
		return "disabled"
	case h.FailingSince != nil:
		return "failing since " + h.FailingSince.Local().Format(time.DateTime)
	}
	return "enabled"
}

type hookSetCommand struct {
	URL       *string        `name:"url" help:"Another URL."`
	Insecure  bool           `help:"Allow http to another machine, where the network between is trusted."`
	Timeout   *time.Duration `help:"How long the program may take, 100ms to 5s."`
	FailOpen  *bool          `negatable:"" help:"Let sign-ins pass when the program gives no answer that makes sense."`
	Disabled  *bool          `negatable:"" help:"Do not call it. What is on its way to a post hook waits, for a day."`
	NewSecret bool           `help:"Sign with a new secret too, which is printed. The one before goes on working until --one-secret or the next --new-secret."`
	OneSecret bool           `help:"Sign with the newest secret alone."`
	JSON      bool           `name:"json" help:"A JSON object."`
	Hook      string         `arg:"" help:"The id of the hook."`
}

// Run is called by kong.
func (h hookSetCommand) Run(ctx context.Context) error {
	return withApp(ctx, func(a *App) error { return h.run(ctx, a, os.Stdout) })
}

func (h hookSetCommand) run(ctx context.Context, a *App, w io.Writer) error {
	changed, err := a.Hooks.Set(ctx, h.Hook, hook.Change{
		URL: h.URL, Insecure: h.Insecure, Timeout: h.Timeout, FailOpen: h.FailOpen, Disabled: h.Disabled,
		NewSecret: h.NewSecret, OneSecret: h.OneSecret,
	})
	if err != nil {
		return err
	}
	return printHook(w, h.JSON, "changed", changed)
}

type hookDeleteCommand struct {
	Hook string `arg:"" help:"The id of the hook."`
}

// Run is called by kong.
func (h hookDeleteCommand) Run(ctx context.Context) error {
	return withApp(ctx, func(a *App) error { return h.run(ctx, a, os.Stdout) })
}

func (h hookDeleteCommand) run(ctx context.Context, a *App, w io.Writer) error {
	if err := a.Hooks.Delete(ctx, h.Hook); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "deleted hook %s\n", h.Hook)
	return err
}

type hookTestCommand struct {
	JSON bool   `name:"json" help:"A JSON object."`
	Hook string `arg:"" help:"The id of the hook."`
}

var errHookTest = errors.New("a real event would have failed")

// Run is called by kong.
func (h hookTestCommand) Run(ctx context.Context) error {
	return withApp(ctx, func(a *App) error { return h.run(ctx, a, os.Stdout) })
}

// run fails if an event would have failed, so that scripts can tell.
func (h hookTestCommand) run(ctx context.Context, a *App, w io.Writer) error {
	t, err := a.Hooks.Test(ctx, h.Hook)
	if err != nil {
		return err
	}
	if h.JSON {
		err = plainJSON(w).Encode(t)
	} else {
		err = printTested(w, t)
	}
	if err == nil && t.Failure != "" {
		err = fmt.Errorf("%w: %s", errHookTest, t.Failure)
	}
	return err
}

// printTested quotes what the program has written: nobody's answer plays with the terminal.
func printTested(w io.Writer, t hook.Tested) error {
	lines := []string{"webhook-id: " + t.WebhookID, fmt.Sprintf("took: %s", t.Took.Round(time.Millisecond))}
	if t.Status != 0 {
		lines = append(lines, fmt.Sprintf("status: %d", t.Status), fmt.Sprintf("body: %q", t.Body))
	}
	if t.Decision != "" {
		lines = append(lines, "decision: "+t.Decision)
	}
	if t.Message != "" {
		lines = append(lines, fmt.Sprintf("message: %q", t.Message))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}
