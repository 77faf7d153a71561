package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Connections is how an operator sets connections up, beside the service.
type Connections struct {
	store  *db.DB
	ring   *keyring.Ring
	clock  clock.Clock
	client *Client
}

// NewConnections returns the connections of a database.
func NewConnections(store *db.DB, ring *keyring.Ring, c clock.Clock, client *Client) *Connections {
	return &Connections{store, ring, c, client}
}

// Change is what to set of a connection; nil leaves it as it is.
type Change struct {
	Name, WechatAppID, LogoURL, Page, EnvVersion, Lang *string
	CreateUsers, OneTap, Disabled                      *bool
	Logo                                               *[]byte // PNG or JPEG; of no bytes removes it
	AppSecret, PushToken, AESKey                       *string // an empty AESKey ends encryption
}

// Create makes a connection of an application, of the type WECHAT_MINIPROGRAM or WECHAT_OFFICIAL_ACCOUNT.
func (s *Connections) Create(ctx context.Context, app db.Application, connectionType string, set Change) (db.Connection, error) {
	c := db.Connection{
		UserpoolID: app.UserpoolID, ID: secret.ID(), AppID: app.ID, Type: connectionType, EnvVersion: "release",
		Lang: lang.Chinese.String(), CreateUsers: true, CreatedAt: s.clock.Now(),
	}
	switch {
	case connectionType != db.WechatMiniprogram && connectionType != db.WechatOfficialAccount:
		return c, ErrSettings.WithDetail("type: " + db.WechatMiniprogram + " or " + db.WechatOfficialAccount)
	case set.AppSecret == nil:
		return c, ErrSettings.WithDetail("the app secret is missing")
	case connectionType == db.WechatOfficialAccount && set.PushToken == nil:
		return c, ErrSettings.WithDetail("the push token is missing")
	}
	if err := s.apply(&c, set); err != nil {
		return c, err
	}
	err := s.store.InTx(ctx, func(q db.Queries) error {
		if err := q.Connections().Insert(ctx, c); err != nil {
			return err
		}
		return s.put(ctx, q, c, set, "connection.create")
	})
	return c, err
}

// Set changes a connection.
func (s *Connections) Set(ctx context.Context, id string, set Change) (c db.Connection, err error) {
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if c, err = q.Connections().Lock(ctx, id); err != nil {
			return err
		}
		if err := s.apply(&c, set); err != nil {
			return err
		}
		if err := q.Connections().Update(ctx, c); err != nil {
			return err
		}
		if set.WechatAppID != nil || set.AppSecret != nil {
			if err := q.Wechat().ForgetToken(ctx, c.UserpoolID, c.ID); err != nil {
				return err
			}
		}
		return s.put(ctx, q, c, set, "connection.set")
	})
	return c, known(err)
}

// put stores what of a change is no column of the connection, and notes the change.
func (s *Connections) put(ctx context.Context, q db.Queries, c db.Connection, set Change, action string) error {
	if set.Logo != nil {
		logo := *set.Logo
		if len(logo) == 0 {
			logo = nil
		}
		if err := q.Connections().PutLogo(ctx, c.UserpoolID, c.ID, logo); err != nil {
			return err
		}
	}
	for kind, text := range map[string]*string{
		db.ConnectionAppSecret: set.AppSecret, db.ConnectionPushToken: set.PushToken, db.ConnectionAESKey: set.AESKey,
	} {
		if err := s.putSecret(ctx, q, c, kind, text); err != nil {
			return err
		}
	}
	return s.note(ctx, q, c, action)
}

func (s *Connections) putSecret(ctx context.Context, q db.Queries, c db.Connection, kind string, text *string) error {
	switch {
	case text == nil:
		return nil
	case *text == "":
		return q.Connections().RemoveSecret(ctx, c.UserpoolID, c.ID, kind)
	}
	return q.Connections().PutSecret(ctx, c.UserpoolID, c.ID, kind, s.ring.Seal([]byte(*text), secretAAD(c, kind)...))
}

func (s *Connections) note(ctx context.Context, q db.Queries, c db.Connection, action string) error {
	return audit.Write(ctx, q, s.clock.Now(), audit.Event{
		UserpoolID: c.UserpoolID, Actor: audit.Operator, Action: action, Target: audit.Connection(c.ID), Outcome: audit.Success,
	})
}

// List returns every connection, oldest first.
func (s *Connections) List(ctx context.Context) ([]db.Connection, error) {
	return s.store.Connections().All(ctx)
}

// Delete removes a connection with its secrets. People keep the identities that they have by it.
func (s *Connections) Delete(ctx context.Context, id string) error {
	err := s.store.InTx(ctx, func(q db.Queries) error {
		c, err := q.Connections().Lock(ctx, id)
		if err != nil {
			return err
		}
		if err := q.Connections().Delete(ctx, c.UserpoolID, c.ID); err != nil {
			return err
		}
		return s.note(ctx, q, c, "connection.delete")
	})
	return known(err)
}

// Test fetches an access token, which tells whether WeChat takes app id and secret. It is not kept.
func (s *Connections) Test(ctx context.Context, id string) error {
	c, err := s.store.Connections().Get(ctx, id)
	if err != nil {
		return known(err)
	}
	appSecret, err := openSecret(ctx, s.store, s.ring, c, db.ConnectionAppSecret)
	if err != nil {
		return err
	}
	_, _, err = s.client.Token(ctx, c.WechatAppID, appSecret, false)
	return refusal(err)
}

// known is ErrConnection for what there is not.
func known(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return ErrConnection
	}
	return err
}

// How settings are written. The formats of tokens and keys are those of WeChat's console.
var (
	wechatAppID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,48}$`)
	appSecret   = regexp.MustCompile(`^[!-~]{1,128}$`)
	pushToken   = regexp.MustCompile(`^[0-9A-Za-z]{3,32}$`)
	envVersion  = regexp.MustCompile(`^(release|trial|develop)$`)
	pagePath    = regexp.MustCompile(`^([0-9A-Za-z_.-][0-9A-Za-z_./-]{0,255})?$`)
)

// apply checks a change and makes it.
func (s *Connections) apply(c *db.Connection, set Change) error {
	var problem string
	check := func(given *string, what string, good func(string) bool) {
		if given != nil && !good(*given) && problem == "" {
			problem = what
		}
	}
	official := c.Type == db.WechatOfficialAccount
	check(set.Name, "name: at most 64 characters", func(t string) bool {
		return utf8.ValidString(t) && utf8.RuneCountInString(t) <= 64 && printable(t) == t && !strings.Contains(t, "\n")
	})
	check(set.WechatAppID, "app id: that of WeChat's console, such as wx0123456789abcdef", wechatAppID.MatchString)
	check(set.AppSecret, "app secret: that of WeChat's console", appSecret.MatchString)
	check(set.PushToken, "push token: of an official account, 3 to 32 letters and digits", func(t string) bool {
		return official && pushToken.MatchString(t)
	})
	check(set.AESKey, "AES key: of an official account, the EncodingAESKey of 43 letters and digits", func(t string) bool {
		_, err := parseAESKey(t)
		return official && (t == "" || err == nil)
	})
	check(set.LogoURL, "logo URL: http or https, at most 2048 characters", goodLogoURL)
	check(set.Page, "page: of a mini program, such as pages/login/index, without / before it", func(t string) bool {
		return !official && pagePath.MatchString(t)
	})
	check(set.EnvVersion, "version: of a mini program, release, trial or develop", func(t string) bool {
		return !official && envVersion.MatchString(t)
	})
	check(set.Lang, "language: zh or en", func(t string) bool { return t == "zh" || t == "en" })
	if set.Logo != nil && len(*set.Logo) > 0 && problem == "" {
		if _, err := decode(*set.Logo, maxLogo); err != nil {
			problem = fmt.Sprintf("logo: %s", err)
		}
	}
	if problem != "" {
		return ErrSettings.WithDetail(problem)
	}
	for _, field := range []struct{ to, from *string }{
		{&c.Name, set.Name},
		{&c.WechatAppID, set.WechatAppID},
		{&c.LogoURL, set.LogoURL},
		{&c.Page, set.Page},
		{&c.EnvVersion, set.EnvVersion},
		{&c.Lang, set.Lang},
	} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if set.CreateUsers != nil {
		c.CreateUsers = *set.CreateUsers
	}
	if set.OneTap != nil {
		c.OneTap = *set.OneTap
	}
	if set.Disabled != nil {
		c.DisabledAt = nil
		if now := s.clock.Now(); *set.Disabled {
			c.DisabledAt = &now
		}
	}
	if c.WechatAppID == "" {
		return ErrSettings.WithDetail("the app id is missing")
	}
	return nil
}

func goodLogoURL(text string) bool {
	u, err := url.Parse(text)
	return text == "" || err == nil && len(text) <= 2048 && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}
