package app

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/console"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/secret"
	"github.com/menshen-auth/menshen/impl/tenancy"
)

// settleConsole sees to it that the application that the console's pages sign in to is there while there are pages, and that nobody
// can sign in to it while there are none. All replicas have to agree on that.
func (a *App) settleConsole(ctx context.Context) error {
	app, err := a.Store.Tenancy().AnyApplication(ctx, console.ApplicationID)
	exists, on := err == nil, a.Config.Console == settingOn
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	apps := tenancy.New(a.Store, a.ring, a.Clock)
	switch {
	case on && !exists:
		return a.insertConsole(ctx)
	case on && app.DisabledAt != nil:
		_, err = apps.EnableApplication(ctx, app.ID)
	case !on && exists && app.DisabledAt == nil:
		_, _, err = apps.DisableApplication(ctx, app.ID)
	default:
		return nil
	}
	return err
}

// insertConsole makes the application: a public one, whose logins by QR code ask for the number. Nobody knows its secret.
func (a *App) insertConsole(ctx context.Context) error {
	home, err := a.Store.Tenancy().DefaultApplication(ctx)
	if err != nil {
		return err
	}
	life := int(console.SessionTTL.Seconds())
	err = a.Store.Tenancy().InsertApplication(ctx, db.Application{
		UserpoolID: home.UserpoolID, ID: console.ApplicationID, Name: a.Config.Name + " Console", CreatedAt: a.Clock.Now(),
		SecretHash: credential.ApplicationSecretHash(a.ring, console.ApplicationID, secret.Token()),
		ApplicationSettings: db.ApplicationSettings{
			AccessSeconds: &life, SessionSeconds: &life, BrowserExchange: true, NumberMatching: true, QRTypes: []string{db.QRMobileApp},
		},
	})
	var duplicate db.ErrDuplicate
	if errors.As(err, &duplicate) { // another replica was first
		return nil
	}
	return err
}
