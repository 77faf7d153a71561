package captcha

import (
	"context"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
	"github.com/menshen-auth/menshen/impl/internal/tenant"
)

// idLength is the length of a codeID, in characters, as the document has it.
const idLength = 20

// Settings of the service.
type Settings struct {
	ImageTTL    time.Duration // C2: 180 s
	ImagesPerIP limit.Rule    // C8
	Kind        tenant.Setting[puzzle.Kind]

	CodeTTL        time.Duration        // of codes that are sent (C2: 5 min, at most 10)
	Attempts       int                  // C4: wrong codes for one address and use
	AttemptsWindow time.Duration        // C4: and how long they count, over all codes
	AutoRegister   tenant.Setting[bool] // a login code also goes to addresses that nobody has
	RegisterTells  tenant.Setting[bool] // at register, say that the address has an account

	// All rules of sends are quotas: at most so many in any such time.
	AsksPerIP      limit.Rule   // requests for codes, whatever becomes of them; refused at the gate, as the next
	SendsPerIP     limit.Rule   // C7
	FreeSends      []limit.Rule // C9: without an image captcha, of an address and of a client
	FreeSendsPool  limit.Rule   // C9: and of all clients of a userpool together
	SendsPerUser   limit.Rule   // of a signed-in user, who needs no image captcha
	SendsPerTarget []limit.Rule // C7
	SMSPerPrefix   limit.Rule   // C7
	SendsPerPool   limit.Rule   // C7
	SMSCountries   Countries    // C7: where SMS go at all
	SMSBudget      int          // C7: SMS of a userpool in a day (UTC)
	Region         string       // of phone numbers without country code, ISO 3166-1 alpha-2
}

// Messages takes what is to be sent.
type Messages interface {
	// Ready tells whether there is a channel to send by.
	Ready(c message.Channel) bool
	// Post takes a message in a transaction; it is sent if that is committed.
	Post(ctx context.Context, q db.Queries, m message.Message) error
	// Kick says, after the transaction, that there is something to send.
	Kick(c message.Channel)
}

// People knows who has an address.
type People interface {
	// AddressOf returns the address under which a user who may sign in has it on file, by its comparison key; false for
	// an address that nobody has.
	AddressOf(ctx context.Context, userpoolID string, c message.Channel, key string) (string, bool, error)
}

// Service is the rules about verification codes.
type Service struct {
	Settings
	store    *db.DB
	ring     *keyring.Ring
	clock    clock.Clock
	limiter  *limit.Limiter
	random   puzzle.Random
	messages Messages
	people   People
	alarm    *alarm
}

// New returns the service. random makes the answers, uniform and unpredictable (C1).
func New(s Settings, store *db.DB, ring *keyring.Ring, c clock.Clock, l *limit.Limiter, random puzzle.Random, m Messages, p People, metrics *metrics.Metrics, log Log) *Service {
	return &Service{s, store, ring, c, l, random, m, p, &alarm{store, c, metrics, log}}
}

// hash is how answers are kept (C5).
func (s *Service) hash(id, account, answer string) []byte {
	return s.ring.MAC("captchas", id, account, puzzle.Normal(answer))
}
