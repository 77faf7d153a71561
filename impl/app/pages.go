package app

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/console"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// pages puts what browsers look at before the operations of the contract, which have no path below the pages' prefixes.
func pages(c Config, next http.Handler) (http.Handler, error) {
	if c.Console != settingOn {
		return next, nil
	}
	consoles, err := console.Handler(false)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/" && r.Method == http.MethodGet: // whoever types the bare address is a person
			http.Redirect(w, r, console.Prefix+"/", http.StatusFound)
		case r.URL.Path == console.Prefix || strings.HasPrefix(r.URL.Path, console.Prefix+"/"):
			consoles.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	}), nil
}

// addConsole makes the application that the console's pages sign in to, unless it is there: a public one, whose logins by QR code
// ask for the number. Nobody knows its secret.
func (a *App) addConsole(ctx context.Context) error {
	if a.Config.Console != settingOn {
		return nil
	}
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
	if errors.As(err, &duplicate) {
		return nil
	}
	return err
}
