package keyring

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/menshen-auth/menshen/db"
)

// Unknown is the purpose of a key that is not in the database, as Described names it.
const Unknown = "unknown"

// Described is what may be told of a key.
type Described struct {
	ID        string     `json:"id,omitempty"`
	Purpose   string     `json:"purpose"` // seal, pepper or sign; unknown: values that none of the keys has sealed
	CreatedAt *time.Time `json:"created_at,omitempty"`
	RotatedAt *time.Time `json:"rotated_at,omitempty"` // of a seal key: when everything was sealed with it; nil before
	Values    *int64     `json:"values,omitempty"`     // that it seals now; of seal and unknown only
}

// Describe tells of every key of the database, oldest first, and how many values each seals. It reads every table that
// has sealed values, and needs no master key.
func Describe(ctx context.Context, store *db.DB) ([]Described, error) {
	var list []Described
	err := store.InTx(ctx, func(q db.Queries) error {
		counts, err := countSealed(ctx, q.Keyring())
		if err != nil {
			return err
		}
		keys, err := q.Keyring().All(ctx) // after the values: a key is there before what it seals
		if err != nil {
			return err
		}
		list = make([]Described, 0, len(keys)+1)
		for _, key := range keys {
			d := Described{ID: key.ID, Purpose: key.Purpose, CreatedAt: &key.CreatedAt, RotatedAt: key.RotatedAt}
			if key.Purpose == purposeSeal {
				n := counts[key.ID]
				d.Values = &n
				delete(counts, key.ID)
			}
			list = append(list, d)
		}
		var others int64
		for _, n := range counts {
			others += n
		}
		if others > 0 {
			list = append(list, Described{Purpose: Unknown, Values: &others})
		}
		return nil
	})
	return list, err
}

// countSealed counts sealed values by the id of their key; values that name none are under "".
func countSealed(ctx context.Context, q db.KeyringQueries) (map[string]int64, error) {
	counts := map[string]int64{}
	for _, c := range db.SealedColumns() {
		prefixes, err := q.CountByPrefix(ctx, c, headerSize)
		if err != nil {
			return nil, err
		}
		for prefix, n := range prefixes {
			id := ""
			if len(prefix) == headerSize && prefix[0] == version {
				id = hex.EncodeToString([]byte(prefix[1:]))
			}
			counts[id] += n
		}
	}
	return counts, nil
}
