package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/credential"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Credentials are what the first start makes, as DataDir/credentials.json holds them.
type Credentials struct {
	BaseURL         string `json:"base_url"`
	UserpoolID      string `json:"userpool_id"`
	AppID           string `json:"app_id"`
	AppSecret       string `json:"app_secret"`
	AccessKeyID     string `json:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret"`
	Username        string `json:"username,omitempty"` // a demo user, with the private PostgreSQL only
	Password        string `json:"password,omitempty"`
}

const demoUsername = "demo"

func newCredentials(baseURL string, demo bool) Credentials {
	c := Credentials{
		BaseURL: baseURL, UserpoolID: secret.ID(), AppID: secret.ID(), AppSecret: secret.Token(),
		AccessKeyID: secret.ID(), AccessKeySecret: secret.Token(),
	}
	if demo {
		c.Username, c.Password = demoUsername, secret.Alphanumeric(20)
	}
	return c
}

// Bootstrap makes the default userpool, its application and an access key at the first start, and writes their secrets
// to dir/credentials.json (0600): the only place where they ever are. It can be interrupted anywhere and is finished by
// the next start, which is why the file is written, under another name, before the rows. Of replicas that start together
// on one database, one does it.
func (a *App) Bootstrap(ctx context.Context, dir string, demo bool) error {
	if err := a.bootstrapTenancy(ctx, dir, demo); err != nil {
		return err
	}
	return a.settleConsole(ctx)
}

func (a *App) bootstrapTenancy(ctx context.Context, dir string, demo bool) error {
	final := filepath.Join(dir, "credentials.json")
	pending := final + ".new"
	existing, err := a.Store.Tenancy().DefaultApplication(ctx)
	exists := err == nil
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	c, err := readCredentials(pending)
	known := err == nil
	switch {
	case exists && (!known || c.AppID != existing.ID):
		return ignoreMissing(os.Remove(pending))
	case !known:
		c = newCredentials(a.Config.PublicURL, demo)
		if err := writeCredentials(pending, c); err != nil {
			return err
		}
	}
	if !exists {
		err := a.insertTenancy(ctx, c)
		var duplicate db.ErrDuplicate
		if errors.As(err, &duplicate) { // another replica was first; its files have the secrets
			return os.Remove(pending)
		}
		if err != nil {
			return err
		}
	}
	if c.Username != "" {
		_, err := a.accounts.CreateUser(ctx, c.UserpoolID, c.AccessKeyID, account.NewUser{Username: c.Username, Password: c.Password})
		if err != nil && !errors.Is(err, account.ErrUsernameTaken) {
			return err
		}
	}
	return os.Rename(pending, final)
}

func (a *App) insertTenancy(ctx context.Context, c Credentials) error {
	now := a.Clock.Now()
	return a.Store.InTx(ctx, func(q db.Queries) error {
		t := q.Tenancy()
		if err := t.InsertUserpool(ctx, db.Userpool{ID: c.UserpoolID, Name: a.Config.Name, IsDefault: true, CreatedAt: now}); err != nil {
			return err
		}
		err := t.InsertApplication(ctx, db.Application{
			UserpoolID: c.UserpoolID, ID: c.AppID, Name: a.Config.Name, IsDefault: true, CreatedAt: now,
			SecretHash: credential.ApplicationSecretHash(a.ring, c.AppID, c.AppSecret),
		})
		if err != nil {
			return err
		}
		return t.InsertAccessKey(ctx, db.AccessKey{
			UserpoolID: c.UserpoolID, ID: c.AccessKeyID, CreatedAt: now,
			SecretSealed: a.ring.Seal([]byte(c.AccessKeySecret), credential.AccessKeyAAD(c.UserpoolID, c.AccessKeyID)...),
			Scopes:       authn.Scopes,
		})
	})
}

func readCredentials(path string) (c Credentials, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	err = json.Unmarshal(text, &c)
	return c, err
}

func writeCredentials(path string, c Credentials) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return writeOnce(path, string(text)+"\n")
}

// refreshBaseURL keeps base_url true when the address was changed after the first start.
func refreshBaseURL(dir, baseURL string) error {
	path := filepath.Join(dir, "credentials.json")
	c, err := readCredentials(path)
	if err != nil || c.BaseURL == baseURL {
		return ignoreMissing(err)
	}
	c.BaseURL = baseURL
	return writeCredentials(path, c)
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
