package app

import (
	"context"
	"os"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/tenancy"
)

// poolCommand is about userpools.
type poolCommand struct {
	Create poolCreateCommand `cmd:"" help:"Make a userpool and its default application, and print the ids and the application's secret, this once. Several may have one name."`
	List   poolListCommand   `cmd:"" help:"List the userpools."`
	Set    poolSetCommand    `cmd:"" help:"Change name or logo of a userpool."`
}

// pool is a userpool as it is shown.
type pool struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Logo      string    `json:"logo"`
	Default   bool      `json:"default"`
	CreatedAt time.Time `json:"created_at"`
	AppID     string    `json:"app_id,omitempty"` // and its secret: only when they are made
	AppSecret string    `json:"app_secret,omitempty"`
}

func showPool(u db.Userpool) pool {
	return pool{ID: u.ID, Name: u.Name, Logo: u.Logo, Default: u.IsDefault, CreatedAt: u.CreatedAt}
}

func (p pool) cells() (listed, others []cell) {
	others = []cell{{"logo", quoted(p.Logo)}}
	if p.AppID != "" {
		others = append(others, cell{"application", p.AppID}, cell{"its secret", p.AppSecret})
	}
	return []cell{
		{"userpool", p.ID},
		{"name", quoted(p.Name)},
		{"state", state(p.Default, nil)},
		{"created", moment(p.CreatedAt)},
	}, others
}

type poolCreateCommand struct {
	cards
	Name string  `required:"" help:"What people see, such as in their authenticator apps."`
	Logo *string `placeholder:"URL" help:"Picture for people."`
}

// Run is called by kong.
func (p poolCreateCommand) Run(ctx context.Context) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		return p.secret(os.Stdout, func(show func(card) error) error {
			return s.CreateUserpool(ctx, tenancy.Label{Name: &p.Name, Logo: p.Logo}, func(u db.Userpool, a db.Application, secret string) error {
				made := showPool(u)
				made.AppID, made.AppSecret = a.ID, secret
				return show(made)
			})
		})
	})
}

type poolListCommand struct{ cards }

// Run is called by kong.
func (p poolListCommand) Run(ctx context.Context) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		pools, err := s.Userpools(ctx)
		if err != nil {
			return err
		}
		var list []card
		for _, u := range pools {
			list = append(list, showPool(u))
		}
		return p.list(os.Stdout, list)
	})
}

type poolSetCommand struct {
	cards
	ID   string  `arg:"" help:"The userpool."`
	Name *string `help:"What people see. Authenticator apps go on showing the name that they were set up with."`
	Logo *string `placeholder:"URL" help:"Picture for people; empty for none."`
}

// Run is called by kong.
func (p poolSetCommand) Run(ctx context.Context) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		changed, err := s.SetUserpool(ctx, p.ID, tenancy.Label{Name: p.Name, Logo: p.Logo})
		if err != nil {
			return err
		}
		return p.one(os.Stdout, showPool(changed))
	})
}
