package keyring

import (
	"context"
	"crypto/cipher"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/menshen-auth/menshen/db"
)

const (
	// RefreshEvery is how often Run looks for new keys.
	RefreshEvery = 2 * time.Second
	// readTimeout is how long reading the keys may take.
	readTimeout = 3 * time.Second
	// unknownFor is how long an id that no key has is not looked for again.
	unknownFor = time.Minute
	// maxUnknown is how many such ids are remembered.
	maxUnknown = 1000
)

// sealing is the keys that seal, which change while others run: a rotation adds one.
type sealing struct {
	keys    atomic.Pointer[sealKeys]
	read    func(context.Context, db.Queries) ([]db.Key, error)
	begun   atomic.Int64 // readings
	changes sync.Mutex   // of keys, and of the next
	adopted int64        // the reading that keys is of

	learning sync.Mutex           // held while somebody looks for an id: one reading is enough for all
	unknown  map[string]time.Time // ids that were looked for in vain, and when
	failed   time.Time            // when the last search ended with failure
	failure  error
}

// sealKeys is immutable.
type sealKeys struct {
	byID   map[string]cipher.AEAD
	newest string // id of the key that seals
}

func readKeys(ctx context.Context, q db.Queries) ([]db.Key, error) { return q.Keyring().All(ctx) }

// adopt takes over the keys of a reading, unless those of one that was begun later are there already. A key that the
// database has lost is kept for what it has sealed, and seals no more: nobody else could open that.
func (r *Ring) adopt(reading int64, keys []db.Key) error {
	s := &r.sealing
	s.changes.Lock()
	defer s.changes.Unlock()
	if reading < s.adopted {
		return nil
	}
	next := &sealKeys{byID: map[string]cipher.AEAD{}}
	if now := s.keys.Load(); now != nil {
		next.byID = maps.Clone(now.byID)
	}
	for _, key := range keys {
		if key.Purpose != purposeSeal {
			continue
		}
		if next.byID[key.ID] == nil {
			material, err := unseal(r.master, key.KeySealed, wrapAAD(key.Purpose, key.ID))
			if err != nil {
				return ErrMasterKey
			}
			if next.byID[key.ID], err = newAEAD(material); err != nil {
				return err
			}
		}
		next.newest = key.ID
	}
	if next.newest == "" {
		return ErrNoKeys
	}
	s.adopted = reading
	s.keys.Store(next)
	return nil
}

// refresh reads the keys, which may take readTimeout, and adopts them.
func (r *Ring) refresh(ctx context.Context, q db.Queries) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	reading := r.sealing.begun.Add(1)
	keys, err := r.sealing.read(ctx, q)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	return r.adopt(reading, keys)
}

// sealer returns the key with an id, which another process may have made a moment ago.
func (r *Ring) sealer(id string) (cipher.AEAD, error) {
	if aead := r.sealing.keys.Load().byID[id]; aead != nil {
		return aead, nil
	}
	return r.learn(id)
}

// learn looks for a key in the database. Of many that ask at once one looks, on a connection beside the pool, so that
// transactions may wait for it. Who finds that somebody looked while it waited takes over what came of that, be it a
// failure: the wait of all together is bounded.
//
// That an id is unknown may be remembered: a key is committed before anything is sealed with it, so what was not there
// after a sealed value was seen never made that value.
func (r *Ring) learn(id string) (cipher.AEAD, error) {
	asked := time.Now()
	s := &r.sealing
	s.learning.Lock()
	defer s.learning.Unlock()
	known := func() cipher.AEAD { return s.keys.Load().byID[id] }
	if aead := known(); aead != nil {
		return aead, nil
	}
	if at, ok := s.unknown[id]; ok && time.Since(at) < unknownFor {
		return nil, ErrSealed
	}
	if s.failed.After(asked) {
		return nil, s.failure
	}
	if err := r.refresh(context.Background(), r.store.Aside()); err != nil {
		s.failed, s.failure = time.Now(), err
		return nil, err
	}
	if aead := known(); aead != nil {
		return aead, nil
	}
	if len(s.unknown) >= maxUnknown {
		clear(s.unknown)
	}
	if s.unknown == nil {
		s.unknown = map[string]time.Time{}
	}
	s.unknown[id] = time.Now()
	return nil, ErrSealed
}

// Run looks for new keys every RefreshEvery until ctx ends, so that this process seals with the newest one soon. It
// does so beside the pool, which requests may use up for longer than a rotation waits.
func (r *Ring) Run(ctx context.Context, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(RefreshEvery):
		}
		before := r.sealing.keys.Load().newest
		if err := r.refresh(ctx, r.store.Aside()); err != nil && ctx.Err() == nil {
			log.Warn("the keys could not be read; what is known is used", "error", err)
		}
		if after := r.sealing.keys.Load().newest; after != before {
			log.Info("values are sealed with a new key", "key", after)
		}
	}
}
