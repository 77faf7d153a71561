package keyring

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// MasterKeySize is the length of the master key in bytes.
const MasterKeySize = 32

// Purposes of keys.
const (
	purposeSeal   = "seal"   // AES-256
	purposePepper = "pepper" // HMAC-SHA-256
	purposeSign   = "sign"   // RSA, PKCS #8
)

const rsaBits = 2048

// ErrMasterKey means that the keys of this database were sealed with another master key.
var ErrMasterKey = errors.New("the master key does not open the keys of this database")

// ErrSealed means that a sealed value was altered, belongs to another row, or names an unknown key.
var ErrSealed = errors.New("sealed value cannot be opened")

// ErrNoKeys means that the database has no keys yet.
var ErrNoKeys = errors.New("the database has no keys yet; `menshen serve` makes them at its first start")

// Ring is the set of keys. It is safe for concurrent use.
type Ring struct {
	store   *db.DB
	clock   clock.Clock
	master  cipher.AEAD
	pepper  []byte
	signers []signer // oldest first; the newest signs
	// verified are the hashes of tokens that the signers have signed.
	verified *lru.Cache[[sha256.Size]byte, struct{}]
	sealing  sealing
}

type signer struct {
	id  string
	key *rsa.PrivateKey
}

// Open loads the keys of the database, and makes those that are missing. Replicas that start together agree on one set.
func Open(ctx context.Context, store *db.DB, c clock.Clock, masterKey []byte) (*Ring, error) {
	return load(ctx, store, c, masterKey, create)
}

// Load is Open for a database that must have its keys; otherwise ErrNoKeys.
func Load(ctx context.Context, store *db.DB, c clock.Clock, masterKey []byte) (*Ring, error) {
	none := func(context.Context, *db.DB, clock.Clock, cipher.AEAD) ([]db.Key, error) { return nil, ErrNoKeys }
	return load(ctx, store, c, masterKey, none)
}

type creator func(context.Context, *db.DB, clock.Clock, cipher.AEAD) ([]db.Key, error)

func load(ctx context.Context, store *db.DB, c clock.Clock, masterKey []byte, create creator) (*Ring, error) {
	master, err := newAEAD(masterKey)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	keys, err := store.Keyring().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("load keys: %w", err)
	}
	if len(missing(keys)) > 0 {
		if keys, err = create(ctx, store, c, master); err != nil {
			return nil, fmt.Errorf("missing keys: %w", err)
		}
	}
	ring := &Ring{store: store, clock: c, master: master}
	if ring.verified, err = lru.New[[sha256.Size]byte, struct{}](verifiedTokens); err != nil {
		return nil, err
	}
	ring.sealing.read = readKeys
	for _, key := range keys {
		if err := ring.add(key); err != nil {
			return nil, err
		}
	}
	if err := ring.adopt(ring.sealing.begun.Add(1), keys); err != nil {
		return nil, err
	}
	return ring, nil
}

func missing(keys []db.Key) []string {
	need := map[string]bool{purposeSeal: true, purposePepper: true, purposeSign: true}
	for _, key := range keys {
		delete(need, key.Purpose)
	}
	var purposes []string
	for purpose := range need {
		purposes = append(purposes, purpose)
	}
	return purposes
}

// create makes the missing keys under a lock, so that of replicas that start together only one does.
func create(ctx context.Context, store *db.DB, c clock.Clock, master cipher.AEAD) ([]db.Key, error) {
	var keys []db.Key
	err := store.InTx(ctx, func(q db.Queries) error {
		if err := q.Keyring().Lock(ctx); err != nil {
			return err
		}
		existing, err := q.Keyring().All(ctx)
		if err != nil {
			return err
		}
		for _, key := range existing { // a key of another master key's would lock both out
			if _, err := unseal(master, key.KeySealed, wrapAAD(key.Purpose, key.ID)); err != nil {
				return ErrMasterKey
			}
		}
		for _, purpose := range missing(existing) {
			material, err := generate(purpose)
			if err != nil {
				return err
			}
			key := newKey(master, purpose, material, c.Now())
			if purpose == purposeSeal { // there is nothing to be sealed anew
				key.RotatedAt = &key.CreatedAt
			}
			if err := q.Keyring().Insert(ctx, key); err != nil {
				return err
			}
			existing = append(existing, key)
		}
		keys = existing
		return nil
	})
	return keys, err
}

// newKey wraps the material of a key with the master key.
func newKey(master cipher.AEAD, purpose string, material []byte, now time.Time) db.Key {
	id := secret.ID()
	return db.Key{ID: id, Purpose: purpose, KeySealed: seal(master, id, material, wrapAAD(purpose, id)), CreatedAt: now}
}

func generate(purpose string) ([]byte, error) {
	if purpose != purposeSign {
		return secret.Bytes(32), nil
	}
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

func wrapAAD(purpose, id string) []byte { return []byte("keyring|" + purpose + "|" + id) }

// add takes in a key that seals nothing; of those, only a start learns.
func (r *Ring) add(key db.Key) error {
	if key.Purpose == purposeSeal {
		return nil
	}
	material, err := unseal(r.master, key.KeySealed, wrapAAD(key.Purpose, key.ID))
	if err != nil {
		return ErrMasterKey
	}
	switch key.Purpose {
	case purposePepper:
		r.pepper = material
	case purposeSign:
		var parsed any
		if parsed, err = x509.ParsePKCS8PrivateKey(material); err == nil {
			r.signers = append(r.signers, signer{key.ID, parsed.(*rsa.PrivateKey)})
		}
	}
	return err
}

// Seal encrypts a secret for storage. aad ties it to its place, such as userpool, user and factor: moved to another row
// it does not open.
func (r *Ring) Seal(plaintext []byte, aad ...string) []byte {
	keys := r.sealing.keys.Load()
	return seal(keys.byID[keys.newest], keys.newest, plaintext, join(aad))
}

// Unseal opens what Seal made with the same aad, here or at another replica; otherwise ErrSealed. A key that is not known
// yet is looked for in the database, for readTimeout at most; db.ErrUnavailable means that this was not possible.
func (r *Ring) Unseal(sealed []byte, aad ...string) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != version {
		return nil, ErrSealed
	}
	aead, err := r.sealer(hex.EncodeToString(sealed[1:headerSize]))
	if err != nil {
		return nil, err
	}
	return unseal(aead, sealed, join(aad))
}

// MAC is the keyed hash under which a secret is stored that only has to be recognised. purpose keeps the hashes of
// different columns apart.
func (r *Ring) MAC(purpose string, parts ...string) []byte {
	mac := hmac.New(sha256.New, r.pepper)
	mac.Write(join(append([]string{purpose}, parts...)))
	return mac.Sum(nil)
}

// join is unambiguous: every part is preceded by its length.
func join(parts []string) []byte {
	var b []byte
	for _, part := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

// A sealed value is: version, key id, nonce, ciphertext with tag.
const (
	version    = 1
	headerSize = 1 + 12
)

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != MasterKeySize {
		return nil, fmt.Errorf("has %d bytes, not %d", len(key), MasterKeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func seal(aead cipher.AEAD, keyID string, plaintext, aad []byte) []byte {
	id, err := hex.DecodeString(keyID)
	if err != nil || len(id) != headerSize-1 {
		panic("keyring: malformed key id " + keyID)
	}
	header := append([]byte{version}, id...)
	return aead.Seal(header, nil, plaintext, append(aad, header...))
}

func unseal(aead cipher.AEAD, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != version {
		return nil, ErrSealed
	}
	header := sealed[:headerSize]
	plaintext, err := aead.Open(nil, nil, sealed[headerSize:], append(aad, header...))
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}
