package app

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/console"
)

// TestConsoleComesAndGoes: while there is a console there is one application for its pages, a public one that asks for the number,
// however many replicas start; switched off, it is disabled, and switched on it is back. What an operator has set stays.
func TestConsoleComesAndGoes(t *testing.T) {
	t.Parallel()
	url, dir := dbtest.URL(t), t.TempDir()
	start := func(setting string) (*App, db.Application) {
		a := replica(t, url)
		a.Config.Console = setting
		bootstrap(t, a, dir, false)
		app, err := a.Store.Tenancy().AnyApplication(t.Context(), console.ApplicationID)
		if err != nil && setting == settingOn {
			t.Fatal(err)
		}
		return a, app
	}
	if _, app := start(settingOff); app.ID != "" {
		t.Fatalf("off from the beginning, and yet there is %+v", app)
	}
	a, app := start(settingOn)
	if !app.BrowserExchange || !app.NumberMatching || app.DisabledAt != nil || *app.SessionSeconds != 8*60*60 || app.IsDefault {
		t.Fatalf("made %+v", app)
	}
	app.Name = "Door"
	if err := a.Store.Tenancy().SetApplication(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	if _, again := start(settingOn); again.Name != "Door" || !again.CreatedAt.Equal(app.CreatedAt) {
		t.Errorf("a second start has made %+v of it", again)
	}
	if _, off := start(settingOff); off.DisabledAt == nil {
		t.Error("switched off, and yet one can sign in to it")
	}
	if _, on := start(settingOn); on.DisabledAt != nil || on.Name != "Door" {
		t.Errorf("switched on again: %+v", on)
	}
}

// TestBareAddress: who types the bare address is a person, and is sent to the pages where there are any; programs that send anything
// to it are told what they are told of every path that is not there.
func TestBareAddress(t *testing.T) {
	t.Parallel()
	ask := func(a *App, method string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		a.Handler.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		return w
	}
	a := replica(t, dbtest.URL(t)) // with a console, as the private PostgreSQL has it
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		if w := ask(a, method); w.Code != http.StatusFound || w.Header().Get("Location") != "console/" {
			t.Errorf("%s: %d to %q", method, w.Code, w.Header().Get("Location"))
		}
	}
	if w := ask(a, http.MethodPost); w.Code != http.StatusNotFound {
		t.Errorf("POST: %d", w.Code)
	}
}
