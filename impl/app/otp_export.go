package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/mfa"
	"github.com/menshen-auth/menshen/impl/otp/transfer"
)

type otpExportCommand struct {
	whose
	passphrase
	Format   string `enum:"pskc,otpauth" default:"pskc" help:"pskc (RFC 6030), or otpauth: one otpauth:// line each, encrypted as by the program age."`
	Plain    bool   `help:"Do not encrypt: whoever reads the file can sign in as anybody in it who has lost a password."`
	LeaveOut bool   `help:"Finish although some authenticators cannot be written; they are listed. Without this, there is no file then."`
	File     string `arg:"" help:"File to write, which must not exist; - for standard output."`
}

// Run is called by kong.
func (o otpExportCommand) Run(ctx context.Context) error {
	secret := ""
	if !o.Plain {
		var err error
		if secret, err = o.choose(ctx); err != nil {
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

// export writes every authenticator. Those that cannot be written are listed, and make it fail unless that was allowed: what is
// left behind must not go unnoticed. After a failure the file has no end, so that nobody takes it for whole.
func (o otpExportCommand) export(ctx context.Context, a *App, out, report io.Writer, passphrase string) error {
	pool, err := o.pool(ctx, a.Store)
	if err != nil {
		return err
	}
	w, err := transfer.NewWriter(out, transfer.Format(o.Format), passphrase)
	if err != nil {
		return err
	}
	e := exporter{app: a, pool: pool, named: o.whose, w: w, report: report}
	if err := a.factors.Export(ctx, pool, audit.Operator, func(x mfa.Exported) error { return e.add(ctx, x) }); err != nil {
		return err
	}
	if e.left > 0 && !o.LeaveOut {
		return fmt.Errorf("%d authenticators cannot be written; nothing was exported. "+
			"Try another kind of name (--by), or add --leave-out to finish without them", e.left)
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(report, "%d authenticators exported, %d left out\n", e.written, e.left)
	return err
}

// exporter writes the authenticators of a userpool.
type exporter struct {
	app           *App
	pool          string
	named         whose
	w             *transfer.Writer
	report        io.Writer
	written, left int
}

// add writes an authenticator, or reports what keeps it from being written.
func (e *exporter) add(ctx context.Context, x mfa.Exported) error {
	why, err := e.write(ctx, x)
	switch {
	case err != nil:
		return err
	case why != nil:
		e.left++
		_, err = fmt.Fprintf(e.report, "user %s: cannot be written: %v\n", x.UserID, why)
		return err
	}
	e.written++
	return nil
}

var errNameless = errors.New("there is no name of this kind")

// write tells what keeps an authenticator from being written. One that has a name which no file can have goes without it.
func (e *exporter) write(ctx context.Context, x mfa.Exported) (why, err error) {
	if x.Err != nil {
		return x.Err, nil
	}
	u, err := e.app.accounts.Find(ctx, e.pool, account.ByID, x.UserID)
	if err != nil {
		return nil, err
	}
	name, ok := e.named.of(u)
	if !ok {
		return errNameless, nil
	}
	r := transfer.Record{User: name, ID: x.FactorID, Name: x.Name, Key: x.Key, LastStep: x.LastStep, Drift: x.Drift}
	if r.Key.Issuer, r.Key.Account, err = e.app.accounts.Label(ctx, u); err != nil {
		return nil, err
	}
	var bad *transfer.RecordError
	err = e.w.Write(r)
	if errors.As(err, &bad) && r.Name != "" {
		r.Name = ""
		if err = e.w.Write(r); err == nil {
			_, err = fmt.Fprintf(e.report, "user %s: written without the name of the authenticator: %v\n", x.UserID, bad.Err)
		}
	}
	if errors.As(err, &bad) {
		return bad.Err, nil // without its place, which counts tries
	}
	return nil, err
}
