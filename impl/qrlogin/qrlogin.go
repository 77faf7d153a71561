package qrlogin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/qr"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// picturePath is where the contract serves the picture.
const picturePath = "/api/v3/qrcode.png"

// ticketBytes is the length of a ticket before base64: 192 bit.
const ticketBytes = 24

// Settings of the service.
type Settings struct {
	PublicURL  string        // where clients reach this service
	QRTTL      time.Duration // Q2: 120 s
	TicketTTL  time.Duration // Q2: 60 s, at most 300 s
	PerIP      limit.Rule    // Q9: QR codes for one address and application
	ScansPerID limit.Rule    // Q9: scans of one user
}

// Accounts is what logging in needs of the accounts.
type Accounts interface {
	// Vouches refuses for a session that has proved too little to open another.
	Vouches(ctx context.Context, q db.Queries, u authn.User) error
	Open(ctx context.Context, q db.Queries, g authn.Grant) (authn.Tokens, error)
	// Refused notes that Open has refused, and returns its error.
	Refused(ctx context.Context, userpoolID, userID string, err error) error
	Revoke(ctx context.Context, q db.Queries, userpoolID, sessionID string) error
	Brief(ctx context.Context, userpoolID, userID string) (authn.Brief, error)
	CheckCustomData(data json.RawMessage) error
	MergeCustomData(ctx context.Context, q db.Queries, userpoolID, userID string, data json.RawMessage) error
}

// Service is the rules about login QR codes.
type Service struct {
	Settings
	store    *db.DB
	ring     *keyring.Ring
	clock    clock.Clock
	limiter  *limit.Limiter
	accounts Accounts
}

// New returns the service.
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, l *limit.Limiter, a Accounts) *Service {
	return &Service{s, store, ring, c, l, a}
}

// Created is a new QR code, as its creator gets it.
type Created struct {
	PollID string // to ask for the status with; a secret of the page
	URL    string // of the picture
}

// maxContext is the longest pipeline context, in bytes of JSON (Q8).
const maxContext = 4 << 10

// Create makes a QR code for an application. customData reaches the user's custom data when the login is confirmed.
// pipelineContext is for WeChat connections only, of which there are none yet; it is checked all the same.
func (s *Service) Create(ctx context.Context, app db.Application, customData, pipelineContext json.RawMessage) (Created, error) {
	info := reqinfo.From(ctx)
	if err := s.limiter.Take(ctx, s.PerIP, app.UserpoolID, app.ID+"|"+limit.IPKey(info.IP)); err != nil {
		return Created{}, err
	}
	if err := s.accounts.CheckCustomData(customData); err != nil {
		return Created{}, err
	}
	if len(pipelineContext) > maxContext {
		return Created{}, ErrContext
	}
	now, scanID, pollID := s.clock.Now(), secret.Token(), secret.Token()
	err := s.store.QRLogins().Insert(ctx, db.QRLogin{
		UserpoolID: app.UserpoolID, ID: secret.ID(), AppID: app.ID, CustomData: db.JSON(customData), IP: info.IP,
		UserAgent: info.UserAgent, CreatedAt: now, ExpiresAt: now.Add(s.QRTTL),
		ScanHash: s.scanHash(scanID), PollHash: s.pollHash(pollID), TicketHash: s.ticketHash(s.ticket(pollID)),
	})
	return Created{PollID: pollID, URL: s.PublicURL + picturePath + "?id=" + url.QueryEscape(scanID)}, err
}

func (s *Service) scanHash(id string) []byte       { return s.ring.MAC("qrlogins.scan", id) }
func (s *Service) pollHash(id string) []byte       { return s.ring.MAC("qrlogins.poll", id) }
func (s *Service) ticketHash(ticket string) []byte { return s.ring.MAC("qrlogins.ticket_hash", ticket) }

// ticket follows from the poll secret: who may see it can always be told, and it never has to be stored.
func (s *Service) ticket(pollID string) string {
	return base64.RawURLEncoding.EncodeToString(s.ring.MAC("qrlogins.ticket", pollID)[:ticketBytes])
}

// Picture draws the QR code with the scan id, and tells how long it will live. After its end it is ErrGone.
func (s *Service) Picture(ctx context.Context, scanID string) (png []byte, life time.Duration, err error) {
	l, err := s.store.QRLogins().ByScanHash(ctx, s.scanHash(scanID))
	if errors.Is(err, db.ErrNotFound) {
		return nil, 0, ErrGone
	}
	if err != nil {
		return nil, 0, err
	}
	now := s.clock.Now()
	if !now.Before(l.ExpiresAt) || (l.State != db.QRPending && l.State != db.QRScanned) {
		return nil, 0, ErrGone
	}
	text, err := payloadText(scanID, l.UserpoolID, l.CreatedAt, l.ExpiresAt)
	if err != nil {
		return nil, 0, err
	}
	png, err = qr.PNG(text)
	return png, l.ExpiresAt.Sub(now), err
}

// StatusExpired is the state that follows from the clock.
const StatusExpired = "EXPIRED"

// Status is what the creator of a QR code is told.
type Status struct {
	State  string
	Ticket string       // only while AUTHORIZED and not exchanged
	User   *authn.Brief // from SCANNED on
}

// Status tells how far a login has come. An id that is not a poll secret is ErrUnknown.
func (s *Service) Status(ctx context.Context, pollID string) (Status, error) {
	l, err := s.store.QRLogins().ByPollHash(ctx, s.pollHash(pollID))
	if errors.Is(err, db.ErrNotFound) {
		return Status{}, ErrUnknown
	}
	if err != nil {
		return Status{}, err
	}
	status := Status{State: state(l, s.clock.Now())}
	if status.State == db.QRAuthorized && l.ConsumedAt == nil {
		status.Ticket = s.ticket(pollID)
	}
	if l.UserID != nil && status.State != StatusExpired {
		brief, err := s.accounts.Brief(ctx, l.UserpoolID, *l.UserID)
		if err != nil {
			return Status{}, err
		}
		status.User = &brief
	}
	return status, nil
}

// state is the stored state in the light of the clock.
func state(l db.QRLogin, now time.Time) string {
	switch l.State {
	case db.QRPending, db.QRScanned:
		if !now.Before(l.ExpiresAt) {
			return StatusExpired
		}
	case db.QRAuthorized:
		if l.ConsumedAt == nil && !now.Before(*l.TicketExpiresAt) {
			return StatusExpired
		}
	}
	return l.State
}
