package account

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Sources of users, as the contract's userSourceType names them.
const (
	sourceRegister = "register"
	sourceAdmin    = "adminCreated"
)

// identityGeneric is the type of an identity of which nothing more is said.
const identityGeneric = "generic"

// maxUserInfo is the longest that an identity source may say of a user, in bytes of JSON (Q8).
const maxUserInfo = 4 << 10

// MaxCustomData is the longest custom data of one request, in bytes of JSON (Q8).
const MaxCustomData = 4 << 10

// maxStoredCustomData is the longest custom data of a user, in bytes of JSON.
const maxStoredCustomData = 64 << 10

// IDType is how a user id is written. The values are those of the contract's userIdType.
type IDType = string

// The seven types.
const (
	ByID           IDType = "user_id"
	ByExternalID   IDType = "external_id"
	ByPhone        IDType = "phone"
	ByEmail        IDType = "email"
	ByUsername     IDType = "username"
	ByIdentity     IDType = "identity"
	BySyncRelation IDType = "sync_relation"
)

// NewUser is a user to be created. Empty strings are absent.
type NewUser struct {
	Username, Email, Phone, PhoneCountryCode, ExternalID string
	Password                                             string
	Status, Gender                                       string
	EmailVerified, PhoneVerified                         bool
	Profile                                              db.Members
	CustomData                                           json.RawMessage
	Identities                                           []db.Identity
	OTP, RecoveryCode                                    string // of an authenticator that another system has made
}

// Register creates a user from the outside.
func (s *Service) Register(ctx context.Context, userpoolID, username, password string) (db.User, error) {
	ip := limit.IPKey(reqinfo.From(ctx).IP)
	if err := s.limiter.Take(ctx, s.RegisterPerIP, userpoolID, ip); err != nil {
		return db.User{}, err
	}
	return s.create(ctx, userpoolID, sourceRegister, audit.Anonymous, NewUser{Username: username, Password: password})
}

// CreateUser creates a user on behalf of an access key.
func (s *Service) CreateUser(ctx context.Context, userpoolID, keyID string, n NewUser) (db.User, error) {
	return s.create(ctx, userpoolID, sourceAdmin, audit.Key(keyID), n)
}

func (s *Service) create(ctx context.Context, userpoolID, source, actor string, n NewUser) (db.User, error) {
	u, err := s.newUser(ctx, userpoolID, source, n)
	if err != nil {
		return db.User{}, err
	}
	err = s.store.InTx(ctx, func(q db.Queries) error {
		if err := s.insert(ctx, q, u, n.Identities, actor); err != nil || n.OTP == "" {
			return err
		}
		_, err := s.factors.Import(ctx, q, u.UserpoolID, u.ID, actor, n.OTP, n.RecoveryCode)
		return err
	})
	return u, taken(err)
}

// insert writes a new user with its identities.
func (s *Service) insert(ctx context.Context, q db.Queries, u db.User, identities []db.Identity, actor string) error {
	if err := q.Accounts().InsertUser(ctx, u); err != nil {
		return err
	}
	for _, i := range identities {
		i.Type = cmp.Or(i.Type, identityGeneric)
		i.UserpoolID, i.ID, i.UserID, i.CreatedAt = u.UserpoolID, secret.ID(), u.ID, u.CreatedAt
		if err := q.Accounts().InsertIdentity(ctx, i); err != nil {
			return err
		}
	}
	return audit.Write(ctx, q, u.CreatedAt, audit.Event{
		UserpoolID: u.UserpoolID, Actor: actor, Action: "user.create", Target: audit.User(u.ID), Outcome: audit.Success,
	})
}

// newUser checks the parts and brings them into the form in which they are stored.
func (s *Service) newUser(ctx context.Context, userpoolID, source string, n NewUser) (u db.User, err error) {
	now := s.clock.Now()
	u = db.User{
		UserpoolID: userpoolID, ID: secret.ID(), Source: source, CreatedAt: now, UpdatedAt: now,
		Status: n.Status, Gender: n.Gender, EmailVerified: n.EmailVerified, PhoneVerified: n.PhoneVerified,
		Profile: n.Profile, CustomData: db.JSON(n.CustomData),
	}
	if u.Status == "" {
		u.Status = db.UserStatusActivated
	}
	if u.Gender == "" {
		u.Gender = "U"
	}
	if n.Username == "" && n.Email == "" && n.Phone == "" {
		return u, ErrNoIdentifier
	}
	if err := s.CheckCustomData(n.CustomData); err != nil {
		return u, err
	}
	for _, i := range n.Identities {
		if len(i.UserInfo) > maxUserInfo {
			return u, ErrUserInfo
		}
	}
	if n.Username != "" {
		key, err := usernameKey(n.Username)
		if err != nil {
			return u, err
		}
		u.Username, u.UsernameKey = &n.Username, &key
	}
	if n.Email != "" {
		stored, key, err := email(n.Email)
		if err != nil {
			return u, err
		}
		u.Email, u.EmailKey = &stored, &key
	}
	if n.Phone != "" {
		e164, err := phone(n.Phone, n.PhoneCountryCode, s.Region)
		if err != nil {
			return u, err
		}
		u.Phone = &e164
	}
	if n.ExternalID != "" {
		u.ExternalID = &n.ExternalID
	}
	if n.Password != "" {
		if err := s.hasher.strong(ctx, n.Password, n.Username, n.Email, n.Phone); err != nil {
			return u, err
		}
		hash, err := s.hasher.hash(ctx, n.Password)
		if err != nil {
			return u, err
		}
		u.PasswordHash = &hash
	}
	return u, nil
}

// taken says which identifier a duplicate is about.
func taken(err error) error {
	for index, refusal := range map[string]error{
		db.UsersUsername:          ErrUsernameTaken,
		db.UsersEmail:             ErrEmailTaken,
		db.UsersPhone:             ErrPhoneTaken,
		db.UsersExternalID:        ErrExternalIDTaken,
		db.IdentitiesIdentity:     ErrIdentityTaken,
		db.IdentitiesSyncRelation: ErrIdentityTaken,
	} {
		if db.Duplicate(err, index) {
			return refusal
		}
	}
	return err
}

// CheckCustomData refuses custom data that is longer than MaxCustomData.
func (s *Service) CheckCustomData(data json.RawMessage) error {
	if len(data) > MaxCustomData {
		return ErrCustomData
	}
	return nil
}

// MergeCustomData adds data to the user's own custom data (Q8: and to nothing else of the user).
func (s *Service) MergeCustomData(ctx context.Context, q db.Queries, userpoolID, userID string, data json.RawMessage) error {
	if len(data) == 0 {
		return nil
	}
	err := q.Accounts().MergeCustomData(ctx, userpoolID, userID, db.JSON(data), maxStoredCustomData, s.clock.Now())
	if errors.Is(err, db.ErrNotFound) {
		return ErrCustomData
	}
	return err
}

// Find returns the user whom id names exactly, read as idType and as nothing else (T16); otherwise ErrUserNotFound, or
// ErrUserID when id cannot be of that type.
func (s *Service) Find(ctx context.Context, userpoolID string, idType IDType, id string) (db.User, error) {
	u, err := s.find(ctx, userpoolID, idType, id)
	if errors.Is(err, db.ErrNotFound) {
		return u, ErrUserNotFound
	}
	return u, err
}

func (s *Service) find(ctx context.Context, userpoolID string, idType IDType, id string) (db.User, error) {
	key, err := s.normalID(idType, id)
	if err != nil {
		return db.User{}, err
	}
	users := s.store.Accounts()
	switch idType {
	case ByExternalID:
		return users.UserByExternalID(ctx, userpoolID, key)
	case ByPhone:
		return users.UserByPhone(ctx, userpoolID, key)
	case ByEmail:
		return users.UserByEmail(ctx, userpoolID, key)
	case ByUsername:
		return users.UserByUsername(ctx, userpoolID, key)
	case ByIdentity, BySyncRelation:
		source, userID, err := splitIdentity(key)
		if err != nil {
			return db.User{}, err
		}
		if idType == ByIdentity {
			return users.UserByIdentity(ctx, userpoolID, source, userID)
		}
		return users.UserBySyncRelation(ctx, userpoolID, source, userID)
	}
	return users.UserByID(ctx, userpoolID, key)
}

// normalID is the one form in which an id of a type is compared, so that no other spelling of it is somebody else.
func (s *Service) normalID(idType IDType, id string) (key string, err error) {
	switch idType {
	case ByPhone:
		key, err = phone(id, "", s.Region)
	case ByEmail:
		_, key, err = email(id)
	case ByUsername:
		key, err = usernameKey(id)
	default:
		return id, nil
	}
	if err != nil {
		return "", ErrUserID
	}
	return key, nil
}

// AddressOf returns the address under which a user who may sign in has it on file, by its comparison key; false for an
// address that nobody has.
func (s *Service) AddressOf(ctx context.Context, userpoolID string, c message.Channel, key string) (onFile string, known bool, err error) {
	if c == message.Phone {
		onFile, err = s.store.Accounts().PhoneByKey(ctx, userpoolID, key)
	} else {
		onFile, err = s.store.Accounts().EmailByKey(ctx, userpoolID, key)
	}
	if errors.Is(err, db.ErrNotFound) {
		return "", false, nil
	}
	return onFile, err == nil, err
}

// Identities returns the external identities of a user, oldest first.
func (s *Service) Identities(ctx context.Context, u db.User) ([]db.Identity, error) {
	return s.store.Accounts().Identities(ctx, u.UserpoolID, u.ID)
}

// Brief returns what others may see of a user.
func (s *Service) Brief(ctx context.Context, userpoolID, userID string) (authn.Brief, error) {
	u, err := s.Find(ctx, userpoolID, ByID, userID)
	return authn.Brief{ID: u.ID, DisplayName: displayName(u), Photo: photo(u)}, err
}

// displayName is the first there is of nickname, name and user name, else the id. E-mail address and phone number are
// nobody else's business.
func displayName(u db.User) string {
	for _, member := range []string{"nickname", "name"} {
		if name, ok := u.Profile[member].(string); ok && name != "" {
			return name
		}
	}
	if u.Username != nil {
		return *u.Username
	}
	return u.ID
}

func photo(u db.User) string {
	address, _ := u.Profile["photo"].(string)
	return address
}

// Label is what an authenticator app shows: the userpool as issuer, and the name that the user signs in with.
func (s *Service) Label(ctx context.Context, u db.User) (issuer, account string, err error) {
	pool, err := s.Userpool(ctx, u.UserpoolID)
	account = u.ID
	for _, name := range []*string{u.Username, u.Email, u.Phone} {
		if name != nil {
			account = *name
			break
		}
	}
	return pool.Name, account, err
}
