package wechat

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/admission"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

// Logins are the logins that scenes stand for. A refusal is an apierr.Error; of the kind NotFound it says that the scene is
// none of ours. Any other error means that the same call may succeed later.
type Logins interface {
	// WechatScan notes that a person has scanned the code with the scene, and pins the person: nobody else may decide.
	WechatScan(ctx context.Context, connectionID, scene string, p wechatid.Person) (wechatid.Details, error)
	// WechatConfirm lets the page in, for the person who has scanned. number is the one that the person has chosen; 0 for none.
	WechatConfirm(ctx context.Context, connectionID, scene string, p wechatid.Person, number int) error
	// WechatCancel turns the page away, for the person who has scanned.
	WechatCancel(ctx context.Context, connectionID, scene string, p wechatid.Person) error
}

// Settings of the service.
type Settings struct {
	PerIP              limit.Rule // codes of wx.login from one address
	CodesPerConnection limit.Rule // QR codes of one connection: WeChat has a quota a day, and whoever uses it up ends all logins
}

// waits are how long something may take for which somebody is waiting.
type waits struct {
	token  time.Duration // for a token that somebody else is fetching
	union  time.Duration // to look for a union id: it is welcome, and not worth more
	push   time.Duration // to handle what WeChat pushes
	settle time.Duration // for the last word about something when there is no time left
}

// usual waits answer WeChat within its five seconds (Q10).
var usual = waits{token: 2500 * time.Millisecond, union: 1500 * time.Millisecond, push: 4 * time.Second, settle: 500 * time.Millisecond}

// Service is the rules about WeChat.
type Service struct {
	Settings
	waits   waits
	store   *db.DB
	ring    *keyring.Ring
	clock   clock.Clock
	limiter *limit.Limiter
	client  *Client
	logins  Logins
	log     *slog.Logger
	flights singleflight.Group // those who wait for a token
	places  chan struct{}      // of those who wait for WeChat
}

// maxWaiting is how many requests of a process may wait for WeChat at a time: when it is slow it is not to hold up everything.
const maxWaiting = 128

// enter takes a place among those who wait for WeChat, until leave is called. If there is none that is ErrUnavailable, at once.
func (s *Service) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.places <- struct{}{}:
		back := admission.Outside(ctx)
		return func() {
			back()
			<-s.places
		}, nil
	default:
		return nil, ErrUnavailable.WithRetryAfter(callTimeout).WithCause(errors.New("too many requests wait for WeChat"))
	}
}

// New returns the service.
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, l *limit.Limiter, client *Client, logins Logins, log *slog.Logger) *Service {
	return &Service{
		Settings: s, waits: usual, store: store, ring: ring, clock: c, limiter: l, client: client, logins: logins, log: log,
		places: make(chan struct{}, maxWaiting),
	}
}

// Connection returns a connection of an application and type, with the id or, without one, the oldest. One that there is
// not, or that is disabled, is ErrConnection.
func (s *Service) Connection(ctx context.Context, app db.Application, connectionType, id string) (db.Connection, error) {
	if id == "" {
		c, err := s.store.Connections().First(ctx, app.UserpoolID, app.ID, connectionType)
		if errors.Is(err, db.ErrNotFound) {
			err = ErrConnection
		}
		return c, err
	}
	c, err := s.connection(ctx, connectionType, id)
	if err == nil && (c.UserpoolID != app.UserpoolID || c.AppID != app.ID) {
		return db.Connection{}, ErrConnection
	}
	return c, err
}

// connection returns a connection of a type that is not disabled, whosever it is; otherwise ErrConnection.
func (s *Service) connection(ctx context.Context, connectionType, id string) (db.Connection, error) {
	c, err := s.store.Connections().Get(ctx, id)
	if errors.Is(err, db.ErrNotFound) || err == nil && (c.Type != connectionType || c.DisabledAt != nil) {
		return db.Connection{}, ErrConnection
	}
	return c, err
}

// Code asks WeChat for a code with a scene (at most 32 visible characters). That of an official account lives ttl at WeChat,
// that of a mini program for ever. merge draws the connection's logo, if it has one, into the middle of the picture.
func (s *Service) Code(ctx context.Context, c db.Connection, scene string, ttl time.Duration, merge bool) (wechatid.Code, error) {
	if err := s.limiter.Take(ctx, s.CodesPerConnection, c.UserpoolID, c.ID); err != nil {
		return wechatid.Code{}, err
	}
	code, err := withToken(ctx, s, c, func(token string) (code wechatid.Code, err error) {
		if c.Type == db.WechatOfficialAccount {
			code.Content, err = s.client.QRCode(ctx, token, scene, ttl)
			return code, err
		}
		code.Picture, err = s.client.MiniProgramCode(ctx, token, scene, c.Page, c.EnvVersion)
		return code, err
	})
	if err != nil {
		return wechatid.Code{}, refusal(err)
	}
	if code.Picture == nil {
		return code, nil
	}
	var logo []byte
	if merge {
		if logo, err = s.store.Connections().Logo(ctx, c.UserpoolID, c.ID); err != nil {
			return wechatid.Code{}, err
		}
	}
	if code.Picture, err = redraw(code.Picture, logo); err != nil {
		return wechatid.Code{}, ErrUnavailable.WithCause(err)
	}
	return code, nil
}

// secretAAD ties a secret of a connection to its kind and row.
func secretAAD(c db.Connection, kind string) []string {
	return []string{"connection_secrets", c.UserpoolID, c.ID, kind}
}

// secret returns a secret of a connection; db.ErrNotFound if it has none of the kind.
func (s *Service) secret(ctx context.Context, c db.Connection, kind string) (string, error) {
	return openSecret(ctx, s.store, s.ring, c, kind)
}

func openSecret(ctx context.Context, store *db.DB, ring *keyring.Ring, c db.Connection, kind string) (string, error) {
	sealed, err := store.Connections().Secret(ctx, c.UserpoolID, c.ID, kind)
	if err != nil {
		return "", err
	}
	plain, err := ring.Unseal(sealed, secretAAD(c, kind)...)
	return string(plain), err
}
