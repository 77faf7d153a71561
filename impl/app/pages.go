package app

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/console"
	"github.com/menshen-auth/menshen/impl/docs"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/page"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// pages puts what browsers look at before the operations of the contract, which have no path below the pages' prefixes.
func pages(c Config, reference docs.Settings, next http.Handler) (http.Handler, error) {
	if c.Docs == settingOn {
		reference.PublicURL, reference.Console = c.PublicURL, c.Console == settingOn
		next = below(docs.Prefix, docs.New(reference), next)
	}
	if c.Console != settingOn {
		return next, nil
	}
	consoles, err := console.Handler(c.Docs == settingOn)
	if err != nil {
		return nil, err
	}
	next = below(console.Prefix, consoles, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.Method == http.MethodGet { // whoever types the bare address is a person
			page.Redirect(w, strings.TrimPrefix(console.Prefix, "/")+"/", http.StatusFound)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

// below serves a prefix with pages, and leaves everything else to next. A ServeMux would tidy up paths that the gate has to refuse.
func below(prefix string, pages, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == prefix || strings.HasPrefix(r.URL.Path, prefix+"/") {
			pages.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
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
