package app

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/tenancy"
)

// keyCommand is about access keys.
type keyCommand struct {
	Create  keyCreateCommand  `cmd:"" help:"Make an access key, and print its id and its secret, this once."`
	List    keyListCommand    `cmd:"" help:"List the access keys of a userpool."`
	Set     keySetCommand     `cmd:"" help:"Change what an access key may do, at once, also with the tokens that it has."`
	Disable keyDisableCommand `cmd:"" help:"Stop an access key at once, with the tokens that it has."`
	Enable  keyEnableCommand  `cmd:"" help:"Let a disabled access key work again, with the tokens that have not expired."`
}

// accessKey is an access key as it is shown.
type accessKey struct {
	ID         string     `json:"id"`
	UserpoolID string     `json:"userpool_id"`
	Scopes     []string   `json:"scopes"`
	CreatedAt  time.Time  `json:"created_at"`
	DisabledAt *time.Time `json:"disabled_at"`
	Secret     string     `json:"secret,omitempty"` // only when it is made
}

func showKey(k db.AccessKey) accessKey {
	return accessKey{ID: k.ID, UserpoolID: k.UserpoolID, Scopes: k.Scopes, CreatedAt: k.CreatedAt, DisabledAt: k.DisabledAt}
}

func (k accessKey) cells() (listed, others []cell) {
	if k.Secret != "" {
		others = append(others, cell{"secret", k.Secret})
	}
	return []cell{
		{"access key", k.ID},
		{"userpool", k.UserpoolID},
		{"state", state(false, k.DisabledAt)},
		{"created", moment(k.CreatedAt)},
		{"scopes", strings.Join(k.Scopes, ",")},
	}, others
}

type keyCreateCommand struct {
	cards
	ofPool
	Scopes []string `help:"What it may do, of user:read,user:write,otp:secret:read,otp:secret:write; by default all."`
}

// Run is called by kong.
func (k keyCreateCommand) Run(ctx context.Context) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		return k.secret(os.Stdout, func(show func(card) error) error {
			return s.CreateAccessKey(ctx, k.Pool, k.Scopes, func(made db.AccessKey, secret string) error {
				shown := showKey(made)
				shown.Secret = secret
				return show(shown)
			})
		})
	})
}

type keyListCommand struct {
	cards
	ofPool
}

// Run is called by kong.
func (k keyListCommand) Run(ctx context.Context) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		keys, err := s.AccessKeys(ctx, k.Pool)
		if err != nil {
			return err
		}
		var list []card
		for _, key := range keys {
			list = append(list, showKey(key))
		}
		return k.list(os.Stdout, list)
	})
}

// ofKey names an access key.
type ofKey struct {
	cards
	ID string `arg:"" help:"The access key."`
}

// run changes the access key and shows it.
func (k ofKey) run(ctx context.Context, change func(*tenancy.Service) (db.AccessKey, error)) error {
	return withTenancy(ctx, func(s *tenancy.Service) error {
		key, err := change(s)
		if err != nil {
			return err
		}
		return k.one(os.Stdout, showKey(key))
	})
}

type keySetCommand struct {
	ofKey
	Scopes []string `required:"" help:"What it may do from now on, of user:read,user:write,otp:secret:read,otp:secret:write."`
}

// Run is called by kong.
func (k keySetCommand) Run(ctx context.Context) error {
	return k.run(ctx, func(s *tenancy.Service) (db.AccessKey, error) { return s.SetScopes(ctx, k.ID, k.Scopes) })
}

type keyDisableCommand struct{ ofKey }

// Run is called by kong.
func (k keyDisableCommand) Run(ctx context.Context) error {
	return k.run(ctx, func(s *tenancy.Service) (db.AccessKey, error) { return s.DisableAccessKey(ctx, k.ID) })
}

type keyEnableCommand struct{ ofKey }

// Run is called by kong.
func (k keyEnableCommand) Run(ctx context.Context) error {
	return k.run(ctx, func(s *tenancy.Service) (db.AccessKey, error) { return s.EnableAccessKey(ctx, k.ID) })
}
