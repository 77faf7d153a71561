package app

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/tenancy"
)

// appCommand is about applications.
type appCommand struct {
	Create       appCreateCommand  `cmd:"" help:"Make an application, and print its id and its secret, this once. Several may have one name."`
	List         appListCommand    `cmd:"" help:"List the applications of a userpool."`
	Show         appShowCommand    `cmd:"" help:"Show an application with all settings."`
	Set          appSetCommand     `cmd:"" help:"Change settings of an application, at once."`
	RotateSecret appRotateCommand  `cmd:"" help:"Replace the secret of an application, and print the new one, this once. The old one stops at once. The credentials.json of the first start is not changed: it goes on showing the secret that was made then."`
	Disable      appDisableCommand `cmd:"" help:"Answer an application as if there were none, and end all its sessions, at once. It must not be the default one of its userpool."`
	Enable       appEnableCommand  `cmd:"" help:"Let a disabled application work again. Its users sign in anew."`
}

// application is an application as it is shown.
type application struct {
	ID              string     `json:"id"`
	UserpoolID      string     `json:"userpool_id"`
	Name            string     `json:"name"`
	Logo            string     `json:"logo"`
	Default         bool       `json:"default"`
	CreatedAt       time.Time  `json:"created_at"`
	DisabledAt      *time.Time `json:"disabled_at"`
	AccessSeconds   *int       `json:"access_ttl_seconds"`
	SessionSeconds  *int       `json:"session_ttl_seconds"`
	QRSeconds       *int       `json:"qr_ttl_seconds"`
	TicketSeconds   *int       `json:"ticket_ttl_seconds"`
	BrowserExchange bool       `json:"browser_exchange"`
	NumberMatching  bool       `json:"number_matching"`
	QRTypes         []string   `json:"qr_types"`
	Secret          string     `json:"secret,omitempty"`         // only when it is made
	SessionsEnded   *int64     `json:"sessions_ended,omitempty"` // only when it is disabled
}

func showApplication(a db.Application) application {
	return application{
		ID: a.ID, UserpoolID: a.UserpoolID, Name: a.Name, Logo: a.Logo, Default: a.IsDefault, CreatedAt: a.CreatedAt,
		DisabledAt: a.DisabledAt, AccessSeconds: a.AccessSeconds, SessionSeconds: a.SessionSeconds, QRSeconds: a.QRSeconds,
		TicketSeconds: a.TicketSeconds, BrowserExchange: a.BrowserExchange, NumberMatching: a.NumberMatching, QRTypes: a.QRTypes,
	}
}

func (a application) cells() (listed, others []cell) {
	life := func(seconds *int) string {
		if seconds == nil {
			return "default"
		}
		return db.Life(seconds, 0).String()
	}
	others = []cell{
		{"logo", quoted(a.Logo)},
		{"access ttl", life(a.AccessSeconds)},
		{"session ttl", life(a.SessionSeconds)},
		{"qr ttl", life(a.QRSeconds)},
		{"ticket ttl", life(a.TicketSeconds)},
		{"browser exchange", strconv.FormatBool(a.BrowserExchange)},
		{"number matching", strconv.FormatBool(a.NumberMatching)},
		{"qr types", strings.Join(a.QRTypes, ",")},
	}
	if a.Secret != "" {
		others = append(others, cell{"secret", a.Secret})
	}
	if a.SessionsEnded != nil {
		others = append(others, cell{"sessions ended", strconv.FormatInt(*a.SessionsEnded, 10)})
	}
	return []cell{
		{"application", a.ID},
		{"userpool", a.UserpoolID},
		{"name", quoted(a.Name)},
		{"state", state(a.Default, a.DisabledAt)},
		{"created", moment(a.CreatedAt)},
	}, others
}

// lifetime is a duration, or that of the service.
type lifetime tenancy.Lifetime

// UnmarshalText is called by kong.
func (l *lifetime) UnmarshalText(text []byte) (err error) {
	if string(text) == "default" {
		*l = lifetime{OfService: true}
		return nil
	}
	if l.For, err = time.ParseDuration(string(text)); err != nil {
		return errors.New("write for example 15m; or default, for the setting of the service")
	}
	return nil
}

// appSettings are the flags for what may differ from application to application.
type appSettings struct {
	Logo            *string   `placeholder:"URL" help:"Picture for people; empty for none."`
	AccessTTL       *lifetime `placeholder:"15m" help:"Life of access and ID tokens: 1s to 24h. Here and below, default is the setting of the service."`
	SessionTTL      *lifetime `placeholder:"720h" help:"Life of sessions that are opened from now on: 1s to 87600h."`
	QRTTL           *lifetime `name:"qr-ttl" placeholder:"120s" help:"Life of login QR codes: 1s to 10m."`
	TicketTTL       *lifetime `placeholder:"60s" help:"Life of tickets: 1s to 5m."`
	BrowserExchange *bool     `negatable:"" help:"Exchange tickets and renew tokens without the secret: for an application without a server, whose secret everybody could read."`
	NumberMatching  *bool     `negatable:"" help:"Who confirms a QR login picks the number that the page shows, so that nobody confirms somebody else's."`
	QRTypes         []string  `placeholder:"TYPE" help:"Login QR codes that may be made, of MOBILE_APP,WECHAT_MINIPROGRAM,WECHAT_OFFICIAL_ACCOUNT."`
}

func (f appSettings) of(name *string) tenancy.Settings {
	return tenancy.Settings{
		Label:     tenancy.Label{Name: name, Logo: f.Logo},
		AccessTTL: (*tenancy.Lifetime)(f.AccessTTL), SessionTTL: (*tenancy.Lifetime)(f.SessionTTL),
		QRTTL: (*tenancy.Lifetime)(f.QRTTL), TicketTTL: (*tenancy.Lifetime)(f.TicketTTL),
		BrowserExchange: f.BrowserExchange, NumberMatching: f.NumberMatching, QRTypes: f.QRTypes,
	}
}

type appCreateCommand struct {
	cards
	ofPool
	Name string `required:"" help:"What people see."`
	appSettings
}

// Run is called by kong.
func (c appCreateCommand) Run(ctx context.Context) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		return c.secret(os.Stdout, func(show func(card) error) error {
			return s.CreateApplication(ctx, c.Pool, c.of(&c.Name), withSecret(show))
		})
	})
}

// withSecret shows an application and its new secret.
func withSecret(show func(card) error) func(db.Application, string) error {
	return func(a db.Application, secret string) error {
		shown := showApplication(a)
		shown.Secret = secret
		return show(shown)
	}
}

type appListCommand struct {
	cards
	ofPool
}

// Run is called by kong.
func (c appListCommand) Run(ctx context.Context) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		apps, err := s.Applications(ctx, c.Pool)
		if err != nil {
			return err
		}
		var list []card
		for _, a := range apps {
			list = append(list, showApplication(a))
		}
		return c.list(os.Stdout, list)
	})
}

// ofApplication names an application.
type ofApplication struct {
	cards
	ID string `arg:"" help:"The application."`
}

// run does something to the application and shows it.
func (c ofApplication) run(ctx context.Context, change func(*tenancy.Service) (db.Application, error)) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		app, err := change(s)
		if err != nil {
			return err
		}
		return c.one(os.Stdout, showApplication(app))
	})
}

type appShowCommand struct{ ofApplication }

// Run is called by kong.
func (c appShowCommand) Run(ctx context.Context) error {
	return c.run(ctx, func(s *tenancy.Service) (db.Application, error) { return s.Application(ctx, c.ID) })
}

type appSetCommand struct {
	ofApplication
	Name *string `help:"What people see."`
	appSettings
	Default bool `help:"Make it the default one of its userpool, in the place of the one that is: it serves whoever names none."`
}

// Run is called by kong.
func (c appSetCommand) Run(ctx context.Context) error {
	return c.run(ctx, func(s *tenancy.Service) (db.Application, error) {
		return s.SetApplication(ctx, c.ID, c.of(c.Name), c.Default)
	})
}

type appRotateCommand struct{ ofApplication }

// Run is called by kong.
func (c appRotateCommand) Run(ctx context.Context) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		return c.secret(os.Stdout, func(show func(card) error) error { return s.RotateSecret(ctx, c.ID, withSecret(show)) })
	})
}

type appDisableCommand struct{ ofApplication }

// Run is called by kong.
func (c appDisableCommand) Run(ctx context.Context) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		app, ended, err := s.DisableApplication(ctx, c.ID)
		if err != nil {
			return err
		}
		shown := showApplication(app)
		shown.SessionsEnded = &ended
		return c.one(os.Stdout, shown)
	})
}

type appEnableCommand struct{ ofApplication }

// Run is called by kong.
func (c appEnableCommand) Run(ctx context.Context) error {
	return c.run(ctx, func(s *tenancy.Service) (db.Application, error) { return s.EnableApplication(ctx, c.ID) })
}
