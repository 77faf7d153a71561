package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/mfa"
	"github.com/menshen-auth/menshen/impl/otp/transfer"
)

type otpImportCommand struct {
	whose
	passphrase
	Check bool   `help:"Only say what is wrong with the file."`
	Quiet bool   `help:"Do not tell users by e-mail that they have an authenticator more, such as when a whole userpool moves."`
	File  string `arg:"" type:"existingfile" help:"File to read; - for standard input."`
}

// Run is called by kong. The file is read before the database and its keys are opened: who is asked for a passphrase may take
// long, and the sealing key may be replaced meanwhile.
func (o otpImportCommand) Run(ctx context.Context) error {
	file, err := o.read(ctx, os.Stderr)
	if err != nil {
		return err
	}
	return withApp(ctx, func(a *App) error { return o.run(ctx, a, file, os.Stderr) })
}

// run tries everything, and keeps it only if nothing was wrong.
func (o otpImportCommand) run(ctx context.Context, a *App, file gathered, report io.Writer) error {
	pool, err := o.pool(ctx, a.Store)
	if err != nil {
		return err
	}
	i := importer{a, pool, report, o.Quiet}
	users, unknown, err := i.byUser(ctx, o.By, file.records)
	if err != nil {
		return err
	}
	tried, err := i.pass(ctx, users, false)
	if err != nil {
		return err
	}
	if wrong := file.wrong + unknown + tried.wrong; wrong > 0 {
		return fmt.Errorf("%d errors; nothing was imported", wrong)
	}
	if o.Check {
		_, err = fmt.Fprintf(report, "%d authenticators can be imported, %d are there already\n", tried.imported, tried.present)
		return err
	}
	if !o.Quiet {
		a.warnUntold(report)
	}
	done, err := i.pass(ctx, users, true)
	if err == nil && done != tried {
		err = fmt.Errorf("%d were to be imported and %d were there: somebody has changed users meanwhile. "+
			"Run it again to import what is missing", tried.imported, tried.present)
	}
	_, printErr := fmt.Fprintf(report, "%d authenticators imported, %d were there already\n", done.imported, done.present)
	return errors.Join(err, printErr)
}

// importer gives users of a userpool what a file has for them.
type importer struct {
	app    *App
	pool   string
	report io.Writer
	quiet  bool
}

// owned are the records of one user, in the order of the file.
type owned struct {
	userID  string
	records []transfer.Record
}

// byUser finds the users of the records; who is none is reported. They are in the order of their ids, as in every import, so
// that two of them do not wait for each other.
func (i importer) byUser(ctx context.Context, by string, records []transfer.Record) (users []owned, unknown int, err error) {
	of := map[string][]transfer.Record{}
	for _, r := range records {
		u, err := i.app.accounts.Find(ctx, i.pool, by, r.User)
		if err == nil {
			of[u.ID] = append(of[u.ID], r)
			continue
		}
		unknown++
		if err := i.complain(ctx, r.User, err); err != nil {
			return nil, 0, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(of)) {
		users = append(users, owned{id, of[id]})
	}
	return users, unknown, nil
}

// importCounts are of authenticators; wrong is of users.
type importCounts struct{ imported, present, wrong int }

// pass goes over the users. What is wrong is reported, of each user the first.
func (i importer) pass(ctx context.Context, users []owned, keep bool) (n importCounts, err error) {
	for _, u := range users {
		imported, err := i.give(ctx, u, keep)
		if err == nil {
			n.imported += imported
			n.present += len(u.records) - imported
			continue
		}
		n.wrong++
		if err := i.complain(ctx, u.records[0].User, err); err != nil {
			return n, err
		}
	}
	return n, nil
}

var errOnlyTried = errors.New("only tried")

// give gives a user all records in one transaction, which is kept or only tried. It returns how many are new to the user, who
// is told once.
func (i importer) give(ctx context.Context, u owned, keep bool) (imported int, err error) {
	err = i.app.Store.InTx(ctx, func(q db.Queries) error {
		for _, r := range u.records {
			isNew, err := i.app.factors.ImportKey(ctx, q, i.pool, u.userID, audit.Operator, mfa.Imported{
				Key: r.Key, Name: r.Name, LastStep: r.LastStep, Drift: r.Drift, Beside: true,
			})
			if err != nil {
				return err
			}
			if isNew {
				imported++
			}
		}
		if imported > 0 && !i.quiet {
			if err := i.app.accounts.Tell(ctx, q, i.pool, u.userID, message.FactorBound); err != nil {
				return err
			}
		}
		if !keep {
			return errOnlyTried
		}
		return nil
	})
	if errors.Is(err, errOnlyTried) {
		err = nil
	}
	return imported, err
}

// complain reports what is wrong with a user. An error that is not about one user is returned.
func (i importer) complain(ctx context.Context, user string, err error) error {
	if ctx.Err() != nil || errors.Is(err, db.ErrUnavailable) {
		return err
	}
	_, err = fmt.Fprintf(i.report, "user %q: %s\n", user, plain(err))
	return err
}
