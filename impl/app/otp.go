package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// otpCommand moves authenticators in and out, and helps users who have lost theirs.
type otpCommand struct {
	Export otpExportCommand `cmd:"" help:"Write all authenticators of a userpool to a file, encrypted with a passphrase. Each is noted in the audit log. Recovery codes are stored hashed and cannot be exported."`
	Import otpImportCommand `cmd:"" help:"Read authenticators from a file: of menshen otp export, or of another system (PSKC, otpauth lines; encrypted or not). Nothing is imported if anything is wrong. It can be repeated: what a user has already is left alone. Users are told by e-mail."`
	Reset  otpResetCommand  `cmd:"" help:"Remove all authenticators and recovery codes of a user who has lost them. Make sure who it is: from then on the password alone opens the account. The user is told by e-mail."`
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
		if _, err := keyring.Load(ctx, store, o.Clock, o.MasterKey); err != nil {
			return err // New would make the keys that are missing, which is for the service to do
		}
		a, err := New(ctx, o)
		if err != nil {
			return err
		}
		fresh, stop := context.WithCancel(ctx)
		var work sync.WaitGroup
		work.Go(func() { a.ring.Run(fresh, a.Log) }) // the sealing key may be replaced while the command is at work
		defer work.Wait()
		defer stop()
		return run(a)
	})
}

// warnUntold says so if users will not hear of what is done to them: a command has only the channels that it is configured
// with, whatever those of the service are.
func (a *App) warnUntold(report io.Writer) {
	if !a.messages.Ready(message.Email) {
		fmt.Fprintln(report, "users are not told: this command has no e-mail channel; give it the MENSHEN_SMTP_* of the service")
	}
}
