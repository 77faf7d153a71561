package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/menshen-auth/menshen/db"
)

type otpResetCommand struct {
	whose
	Yes  bool   `help:"Do not ask whether this is the user; for scripts."`
	User string `arg:"" help:"The user, named as --by says."`
}

// Run is called by kong.
func (o otpResetCommand) Run(ctx context.Context) error {
	return withApp(ctx, func(a *App) error { return o.run(ctx, a, os.Stdout, os.Stderr) })
}

func (o otpResetCommand) run(ctx context.Context, a *App, out, report io.Writer) error {
	pool, err := o.pool(ctx, a.Store)
	if err != nil {
		return err
	}
	u, err := a.accounts.Find(ctx, pool, o.By, o.User)
	if err != nil {
		return err
	}
	a.warnUntold(report)
	if !o.Yes {
		question := fmt.Sprintf("Take all authenticators and recovery codes away from user %s, and end all sessions?", person(u))
		if err := confirm(ctx, question); err != nil {
			return err
		}
	}
	if err := a.factors.Remove(ctx, pool, u.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "user %s has no authenticator any more\n", person(u))
	return err
}

// person is all by which an operator may recognise a user. It is quoted: nobody chooses a name that plays with the terminal.
func person(u db.User) string {
	var names []string
	for _, name := range []*string{u.Username, u.Email, u.Phone, u.ExternalID} {
		if name != nil {
			names = append(names, strconv.Quote(*name))
		}
	}
	return strings.Join(append(names, "id "+u.ID), ", ")
}
