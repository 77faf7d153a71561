package harness

import (
	"context"
	"io"
	"time"

	"github.com/menshen-auth/menshen/impl/app"
)

// RotateKeys replaces the sealing key as `menshen keys rotate` does: beside the instance, with connections of its own, in
// batches of few rows. settle is how long instances may go on storing what the old key has sealed.
func (h *Instance) RotateKeys(ctx context.Context, settle time.Duration) error {
	store, err := h.open(ctx, 3, 0)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	return app.RotateKeys(ctx, app.RotateOptions{
		Options: app.Options{Store: store, MasterKey: h.masterKey, Clock: h.Clock}, Settle: settle, Batch: 3,
	}, io.Discard, mute{})
}

// mute is a meter that nobody looks at.
type mute struct{}

func (mute) Show(int64, int64, string) {}
func (mute) Close()                    {}

// Sealed returns how many values of a table's column are sealed with the newest key of the database, and how many with others.
func (h *Instance) Sealed(table, column string) (newest, others int) {
	h.t.Helper()
	const isNewest = ` = (
		SELECT '\x01'::bytea || decode(id, 'hex') FROM keyring WHERE purpose = 'seal' ORDER BY created_at DESC, id DESC LIMIT 1)`
	newest = h.Count(`SELECT count(*) FROM "` + table + `" WHERE substring("` + column + `" FROM 1 FOR 13)` + isNewest)
	return newest, h.Count(`SELECT count("`+column+`") FROM "`+table+`"`) - newest
}
