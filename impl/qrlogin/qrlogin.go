package qrlogin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/secret"
	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

// picturePath is where the contract serves the picture.
const picturePath = "/api/v3/qrcode.png"

// ticketBytes is the length of a ticket before base64: 192 bit.
const ticketBytes = 24

// maxContext is the longest pipeline context, in bytes of JSON (Q8).
const maxContext = 4 << 10

// PollInterval is how often a page may ask for the status.
const PollInterval = time.Second

// Settings of the service.
type Settings struct {
	PublicURL  string        // where clients reach this service
	QRTTL      time.Duration // Q2: 120 s
	TicketTTL  time.Duration // Q2: 60 s, at most 300 s; both unless the application has it otherwise
	PerIP      limit.Rule    // Q9: QR codes for one address and application
	ScansPerID limit.Rule    // Q9: scans of one user

	TriesPerTicket limit.Rule // exchanges of one ticket that can be used
	PicturesPerIP  limit.Rule // pictures drawn for one address: the dearest thing that nobody has to prove anything for
}

// Accounts is what logging in needs of the accounts.
type Accounts interface {
	// Vouches refuses for a session that has proved too little to open another.
	Vouches(ctx context.Context, q db.Queries, u authn.User) error
	// Screen asks the hooks of the application, outside of any transaction; what it returns goes into the grant.
	Screen(ctx context.Context, a authn.Attempt) (authn.Screened, error)
	Open(ctx context.Context, q db.Queries, g authn.Grant) (authn.Tokens, error)
	// Enter opens a session for somebody whom an identity source has let in; spend uses that up.
	Enter(ctx context.Context, e authn.Entry, spend func(context.Context, db.Queries) error) (authn.Tokens, error)
	// UserOfIdentity returns the user whom an identity source knows, and makes one if there is none and create says so.
	UserOfIdentity(ctx context.Context, q db.Queries, userpoolID string, id authn.Identity, create bool) (userID string, isNew bool, err error)
	// Refused notes that Open has refused, and returns its error.
	Refused(ctx context.Context, userpoolID, userID string, err error) error
	// Revoke ends a session, or the sign-in that was about to open it, and tells whether there was one.
	Revoke(ctx context.Context, q db.Queries, userpoolID, sessionID string) (ended bool, err error)
	Brief(ctx context.Context, userpoolID, userID string) (authn.Brief, error)
	CheckCustomData(data json.RawMessage) error
	MergeCustomData(ctx context.Context, q db.Queries, userpoolID, userID string, data json.RawMessage) error
}

// Codes makes the codes that are scanned with WeChat.
type Codes interface {
	// Connection returns the connection of an application and type with the id or, without one, its first.
	Connection(ctx context.Context, app db.Application, qrType, id string) (db.Connection, error)
	// Code asks for a code with a scene; merge draws the connection's logo into it.
	Code(ctx context.Context, c db.Connection, scene string, ttl time.Duration, merge bool) (wechatid.Code, error)
}

// Service is the rules about login QR codes.
type Service struct {
	Settings
	store    *db.DB
	ring     *keyring.Ring
	clock    clock.Clock
	limiter  *limit.Limiter
	accounts Accounts
	codes    Codes
	watchers *watchers
}

// New returns the service. Run makes it tell changes at once.
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, l *limit.Limiter, a Accounts, codes Codes) *Service {
	return &Service{s, store, ring, c, l, a, codes, newWatchers()}
}

// Asked is a QR code that is to be made.
type Asked struct {
	Type       string          // one of db.QRTypes
	CustomData json.RawMessage // of MOBILE_APP: the user's own when the login is confirmed

	Context      json.RawMessage // of the WeChat types: for the application's hooks
	ConnectionID string          // the same: the identity source; empty for the application's first
	MergeLogo    bool            // of WECHAT_MINIPROGRAM: into the picture
}

// Created is a new QR code, as its creator gets it.
type Created struct {
	PollID string // to ask for the status with; a secret of the page
	URL    string // of the picture
	Life   time.Duration
	Logo   string // of WECHAT_MINIPROGRAM: the address of what the page may lay over the picture; empty when there is none
}

// Create makes a QR code for an application. What does not go with its type is passed over: clients copy the document's
// sample, which sends all of it.
func (s *Service) Create(ctx context.Context, app db.Application, a Asked) (Created, error) {
	if !slices.Contains(app.QRTypes, a.Type) {
		return Created{}, ErrType
	}
	if len(a.Context) > maxContext {
		return Created{}, ErrContext
	}
	info, now, scanID, pollID := reqinfo.From(ctx), s.clock.Now(), secret.Token(), secret.Token()
	life := db.Life(app.QRSeconds, s.QRTTL)
	created := Created{PollID: pollID, URL: s.PublicURL + picturePath + "?id=" + url.QueryEscape(scanID), Life: life}
	login := db.QRLogin{
		UserpoolID: app.UserpoolID, ID: secret.ID(), AppID: app.ID, Type: a.Type, IP: info.IP, UserAgent: info.UserAgent,
		CreatedAt: now, ExpiresAt: now.Add(life),
		ScanHash: s.scanHash(scanID), PollHash: s.pollHash(pollID), TicketHash: s.ticketHash(s.ticket(pollID)),
	}
	limited := app.ID + "|" + limit.IPKey(info.IP)
	if a.Type != db.QRMobileApp {
		err := s.limiter.Take(ctx, s.PerIP, app.UserpoolID, limited) // before WeChat is asked
		if err == nil {
			created.Logo, err = s.drawn(ctx, app, a, scanID, life, &login)
		}
		if err == nil {
			err = s.store.QRLogins().Insert(ctx, login)
		}
		return created, err
	}
	login.CustomData = db.JSON(a.CustomData)
	if err := s.accounts.CheckCustomData(a.CustomData); err != nil {
		return Created{}, err
	}
	return created, s.limiter.TakeWith(ctx, s.PerIP, app.UserpoolID, limited, func(charge *db.Charge) error {
		if charge == nil {
			return s.store.QRLogins().Insert(ctx, login)
		}
		return s.store.QRLogins().InsertCharged(ctx, login, *charge)
	})
}

func (s *Service) scanHash(id string) []byte       { return s.ring.MAC("qrlogins.scan", id) }
func (s *Service) pollHash(id string) []byte       { return s.ring.MAC("qrlogins.poll", id) }
func (s *Service) ticketHash(ticket string) []byte { return s.ring.MAC("qrlogins.ticket_hash", ticket) }

// ticket follows from the poll secret: who may see it can always be told, and it never has to be stored.
func (s *Service) ticket(pollID string) string {
	return base64.RawURLEncoding.EncodeToString(s.ring.MAC("qrlogins.ticket", pollID)[:ticketBytes])
}
