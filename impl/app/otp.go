package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/mfa"
	"github.com/menshen-auth/menshen/impl/otp/transfer"
)

// otpCommand moves authenticators in and out, and helps users who have lost theirs.
type otpCommand struct {
	Export otpExportCommand `cmd:"" help:"Write all authenticators of a userpool to a file, encrypted with a passphrase. Each is noted in the audit log. Recovery codes are stored hashed and cannot be exported."`
	Import otpImportCommand `cmd:"" help:"Read authenticators from a file: of menshen otp export, or of another system (PSKC, otpauth lines; encrypted or not). Nothing is imported if anything is wrong. It can be repeated: what a user has already is left alone."`
	Reset  otpResetCommand  `cmd:"" help:"Remove all authenticators and recovery codes of a user who has lost them. Make sure who it is: from then on the password alone opens the account. The user is told."`
}

// whose says which users are meant, and how they are named.
type whose struct {
	By       string `enum:"user_id,username,email,phone,external_id" default:"user_id" help:"By what users are named: ${enum}."`
	Userpool string `help:"Id of the userpool; by default the default one."`
}

// pool returns the userpool that is meant.
func (w whose) pool(ctx context.Context, store *db.DB) (string, error) {
	if w.Userpool != "" {
		pool, err := store.Tenancy().Userpool(ctx, w.Userpool)
		if errors.Is(err, db.ErrNotFound) {
			return "", fmt.Errorf("there is no userpool %s", w.Userpool)
		}
		return pool.ID, err
	}
	app, err := store.Tenancy().DefaultApplication(ctx)
	if errors.Is(err, db.ErrNotFound) {
		return "", errors.New("there is no userpool yet; `menshen serve` makes one at its first start")
	}
	return app.UserpoolID, err
}

// of is the user's name of the kind that is meant; false for a user without one.
func (w whose) of(u db.User) (string, bool) {
	name := map[account.IDType]*string{
		account.ByID: &u.ID, account.ByUsername: u.Username, account.ByEmail: u.Email, account.ByPhone: u.Phone,
		account.ByExternalID: u.ExternalID,
	}[w.By]
	if name == nil {
		return "", false
	}
	return *name, true
}

// withApp runs a command beside the service, on its database.
func withApp(ctx context.Context, run func(*App) error) error {
	return withDatabase(ctx, func(c Config, d *database, store *db.DB) error {
		o := Options{Config: c, Store: store, MasterKey: d.masterKey, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}
		if c.DatabaseURL == "" {
			o.Outbox = outboxDir(c.DataDir)
		}
		a, err := New(ctx, o)
		if err != nil {
			return err
		}
		return run(a)
	})
}

type otpExportCommand struct {
	whose
	passphrase
	Format string `enum:"pskc,otpauth" default:"pskc" help:"pskc (RFC 6030), or otpauth: one otpauth:// line each, encrypted as by the program age."`
	Plain  bool   `help:"Do not encrypt: whoever reads the file can sign in as anybody in it who has lost a password."`
	File   string `arg:"" help:"File to write, which must not exist; - for standard output."`
}

// Run is called by kong.
func (o otpExportCommand) Run(ctx context.Context) error {
	secret := ""
	if !o.Plain {
		var err error
		if secret, err = o.choose(); err != nil {
			return err
		}
	}
	return withApp(ctx, func(a *App) (err error) {
		out := os.Stdout
		if o.File != "-" {
			if out, err = os.OpenFile(o.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
				return err
			}
			defer func() {
				if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
					err = errors.Join(err, os.Remove(o.File)) // half of it would pass for all
				}
			}()
		}
		return o.export(ctx, a, out, os.Stderr, secret)
	})
}

// export writes every authenticator whose user has a name of the kind that is meant. The others are named, and make it fail:
// what is left behind must not go unnoticed.
func (o otpExportCommand) export(ctx context.Context, a *App, out, report io.Writer, passphrase string) error {
	pool, err := o.pool(ctx, a.Store)
	if err != nil {
		return err
	}
	w, err := transfer.NewWriter(out, transfer.Format(o.Format), passphrase)
	if err != nil {
		return err
	}
	written, left := 0, 0
	err = a.factors.Export(ctx, pool, audit.Operator, func(e mfa.Exported) error {
		record, err := o.record(ctx, a, pool, e)
		if err == nil {
			err = w.Write(record)
		}
		var bad *transfer.RecordError
		if errors.Is(err, errNameless) || errors.As(err, &bad) {
			left++
			_, err = fmt.Fprintf(report, "user %s: %v\n", e.UserID, err)
			return err
		}
		written++
		return err
	})
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("%d authenticators were left out; export them by another kind of name (--by)", left)
	}
	_, err = fmt.Fprintf(report, "%d authenticators exported\n", written)
	return err
}

var errNameless = errors.New("has no name of this kind")

func (o otpExportCommand) record(ctx context.Context, a *App, pool string, e mfa.Exported) (r transfer.Record, err error) {
	u, err := a.accounts.Find(ctx, pool, account.ByID, e.UserID)
	if err != nil {
		return r, err
	}
	name, ok := o.of(u)
	if !ok {
		return r, errNameless
	}
	r = transfer.Record{User: name, ID: e.FactorID, Name: e.Name, Key: e.Key, LastStep: e.LastStep, Drift: e.Drift}
	r.Key.Issuer, r.Key.Account, err = a.accounts.Label(ctx, pool, e.UserID)
	return r, err
}

type otpImportCommand struct {
	whose
	passphrase
	Check bool   `help:"Only say what is wrong with the file."`
	File  string `arg:"" type:"existingfile" help:"File to read."`
}

// Run is called by kong.
func (o otpImportCommand) Run(ctx context.Context) error {
	return withApp(ctx, func(a *App) error { return o.run(ctx, a, os.Stderr) })
}

// run tries everything, and keeps it only if nothing was wrong.
func (o otpImportCommand) run(ctx context.Context, a *App, report io.Writer) error {
	pool, err := o.pool(ctx, a.Store)
	if err != nil {
		return err
	}
	ask := sync.OnceValues(o.ask) // the file is read twice
	tried, err := o.pass(ctx, a, pool, ask, report, false)
	if err != nil {
		return err
	}
	if tried.wrong > 0 {
		return fmt.Errorf("%d of the records are wrong; nothing was imported", tried.wrong)
	}
	if o.Check {
		_, err = fmt.Fprintf(report, "%d authenticators can be imported, %d are there already\n", tried.imported, tried.present)
		return err
	}
	done, err := o.pass(ctx, a, pool, ask, report, true)
	if err == nil && done.wrong > 0 {
		err = fmt.Errorf("%d of the records were not imported", done.wrong)
	}
	_, printErr := fmt.Fprintf(report, "%d authenticators imported, %d were there already\n", done.imported, done.present)
	return errors.Join(err, printErr)
}

type importCounts struct{ imported, present, wrong int }

var errOnlyTried = errors.New("only tried")

// pass goes through the file, each record in a transaction of its own, which is committed if keep says so.
func (o otpImportCommand) pass(ctx context.Context, a *App, pool string, ask func() (string, error), report io.Writer, keep bool) (n importCounts, err error) {
	file, err := os.Open(o.File)
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for record, err := range transfer.Read(file, ask) {
		var bad *transfer.RecordError
		if err != nil && !errors.As(err, &bad) {
			return n, err
		}
		isNew := false
		if err == nil {
			isNew, err = o.importOne(ctx, a, pool, record, keep)
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return n, ctx.Err()
		case errors.Is(err, db.ErrUnavailable):
			return n, err
		case err != nil:
			n.wrong++
			if _, err := fmt.Fprintln(report, place(record, err)); err != nil {
				return n, err
			}
		case isNew:
			n.imported++
		default:
			n.present++
		}
	}
	return n, nil
}

// place says which record an error is about.
func place(r transfer.Record, err error) string {
	var bad *transfer.RecordError
	if errors.As(err, &bad) {
		return err.Error()
	}
	return fmt.Sprintf("user %q: %s", r.User, plain(err))
}

func (o otpImportCommand) importOne(ctx context.Context, a *App, pool string, r transfer.Record, keep bool) (isNew bool, err error) {
	u, err := a.accounts.Find(ctx, pool, o.By, r.User)
	if err != nil {
		return false, err
	}
	err = a.Store.InTx(ctx, func(q db.Queries) error {
		isNew, err = a.factors.ImportKey(ctx, q, pool, u.ID, audit.Operator, mfa.Imported{
			Key: r.Key, Name: r.Name, LastStep: r.LastStep, Drift: r.Drift, Beside: true,
		})
		if err == nil && !keep {
			err = errOnlyTried
		}
		return err
	})
	if errors.Is(err, errOnlyTried) {
		err = nil
	}
	return isNew, err
}

type otpResetCommand struct {
	whose
	User string `arg:"" help:"The user, named as --by says."`
}

// Run is called by kong.
func (o otpResetCommand) Run(ctx context.Context) error {
	return withApp(ctx, func(a *App) error {
		pool, err := o.pool(ctx, a.Store)
		if err != nil {
			return err
		}
		u, err := a.accounts.Find(ctx, pool, o.By, o.User)
		if err != nil {
			return err
		}
		if err := a.factors.Remove(ctx, pool, u.ID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(os.Stdout, "user %s has no authenticator any more\n", u.ID)
		return err
	})
}
