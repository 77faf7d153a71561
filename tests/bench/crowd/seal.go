package crowd

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// sealed value: a version, the key's id, nonce, ciphertext and tag. Version and id are authenticated with the rest.
const version = 1

// sealer returns what seals as the service does, with the newest key of the database. It is written anew: the service's own
// stays where nobody else can use it.
func sealer(ctx context.Context, conn *sql.DB, masterKey []byte) (func(secret []byte, aad ...string) []byte, error) {
	master, err := aead(masterKey)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	var id string
	var wrapped []byte
	const query = `SELECT id, key_sealed FROM keyring WHERE purpose = 'seal' ORDER BY created_at DESC, id DESC LIMIT 1`
	if err := conn.QueryRowContext(ctx, query).Scan(&id, &wrapped); err != nil {
		return nil, fmt.Errorf("key of the database: %w", err)
	}
	keyID, err := hex.DecodeString(id)
	if err != nil {
		return nil, fmt.Errorf("key of the database: %w", err)
	}
	header := append([]byte{version}, keyID...)
	if len(wrapped) < len(header) {
		return nil, errors.New("key of the database: too short")
	}
	raw, err := master.Open(nil, nil, wrapped[len(header):], append([]byte("keyring|seal|"+id), header...))
	if err != nil {
		return nil, errors.New("the master key does not open the keys of this database")
	}
	key, err := aead(raw)
	if err != nil {
		return nil, fmt.Errorf("key of the database: %w", err)
	}
	return func(secret []byte, aad ...string) []byte {
		var place []byte
		for _, part := range aad {
			place = append(binary.BigEndian.AppendUint32(place, uint32(len(part))), part...)
		}
		return key.Seal(slices.Clone(header), nil, secret, append(place, header...))
	}, nil
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
