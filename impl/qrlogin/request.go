package qrlogin

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/mileusna/useragent"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Request is what who scanned must see before deciding (Q5).
type Request struct {
	App         db.Application
	Browser, OS string // as the page says itself; empty when unknown
	IP          string
	CreatedAt   time.Time
	ExpiresAt   time.Time
	Numbers     []int // to choose from; nil without number matching
}

// shown are the browsers and systems that are shown by name. The page writes its own user agent, and who lures somebody into
// scanning would have the phone say more than that: "Reply 42 to win", say.
var shown = map[string]bool{
	useragent.Chrome: true, useragent.HeadlessChrome: true, useragent.Firefox: true, useragent.Safari: true, useragent.MobileSafari: true,
	useragent.Edge: true, useragent.Opera: true, useragent.OperaMini: true, useragent.OperaTouch: true, useragent.Vivaldi: true,
	useragent.InternetExplorer: true, useragent.SamsungBrowser: true, "Android browser": true, "curl": true,
	useragent.Windows: true, useragent.Android: true, useragent.MacOS: true, useragent.IOS: true, useragent.Linux: true,
	useragent.FreeBSD: true, useragent.ChromeOS: true, useragent.CrOS: true, useragent.Harmony: true,
}

var version = regexp.MustCompile(`^[0-9]+(\.[0-9]+){0,3}$`)

func request(app db.Application, l db.QRLogin) Request {
	agent := useragent.Parse(l.UserAgent)
	r := Request{
		App: app, IP: l.IP, CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt,
		Browser: named(agent.Name, agent.Version), OS: named(agent.OS, agent.OSVersion),
	}
	for _, n := range l.MatchNumbers {
		r.Numbers = append(r.Numbers, int(n))
	}
	return r
}

// named joins a name that is shown and a version; of any other name there is neither.
func named(name, v string) string {
	switch {
	case !shown[name]:
		return ""
	case !version.MatchString(v):
		return name
	}
	return name + " " + v
}

// matchChoices is how many numbers the phone shows.
const matchChoices = 3

// matchNumbers draws numbers of two digits, no two alike, in the order in which they are shown, and says which one the page
// shows. They are not secret but fresh: who lures somebody into scanning has to learn the answer from the victim, who has no
// page to read it from.
func matchNumbers() (shown int, choices []int64) {
	for len(choices) < matchChoices {
		if n := int64(10 + secret.Pick(90)); !slices.Contains(choices, n) {
			choices = append(choices, n)
		}
	}
	return int(choices[secret.Pick(matchChoices)]), choices
}

// application is the one that asks. A QR code outlives one that was disabled meanwhile, but is good for nothing then.
func (s *Service) application(ctx context.Context, id string) (db.Application, error) {
	app, err := s.store.Tenancy().Application(ctx, id)
	if errors.Is(err, db.ErrNotFound) {
		err = ErrUnknown
	}
	return app, err
}
