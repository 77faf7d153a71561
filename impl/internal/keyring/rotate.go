package keyring

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/audit"
)

// Settle is how long after a key was made a replica that reaches the database may still begin to seal with the one before:
// two rounds of Run, one of them slow. A request that has sealed a value by then may store it later.
const Settle = 2*RefreshEvery + readTimeout

// DefaultBatch is how many rows a transaction seals anew: their locks are held for some milliseconds.
const DefaultBatch = 200

const (
	rotationLock  = "menshen.keyring.rotation"
	batchTries    = 7
	firstPause    = 50 * time.Millisecond // between tries of a batch, doubled each time
	lookAgain     = time.Second           // after what is left because it is in use, doubled up to lookAgainMost
	lookAgainMost = 10 * time.Second
)

// ErrRotating means that another process is rotating the key.
var ErrRotating = errors.New("the sealing key is being rotated by another process")

// ErrOvertaken means that a rotation which had lost its lock found that the key was replaced again meanwhile.
var ErrOvertaken = errors.New("this rotation lost its connection, and another one has made a newer sealing key since")

// Rotation is how to replace the sealing key.
type Rotation struct {
	Settle      time.Duration  // after which nobody stores what an older key has sealed: Settle, and the longest request
	Batch       int            // rows of a transaction; 0 means DefaultBatch
	LeaveBroken bool           // finish although values that do not open stay as they are
	Progress    func(Progress) // is told after each batch, and while it waits; nil for nobody
}

// Progress is how far a rotation is.
type Progress struct {
	Key     string // the new one
	Resumed bool   // it was made by an earlier run
	Done    int64  // values of this run
	Total   int64  // that this run found at its beginning; those that come up meanwhile are added to both
	Waiting string // what for; empty while values are being sealed
}

// Rotated is what a rotation did.
type Rotated struct {
	Key     string   // id of the new key
	Resumed bool     // it was made by an earlier run, which had not finished
	Values  int64    // sealed anew by this run
	Broken  []string // rows whose value does not open, by table and primary key
}

// ErrBroken means that a rotation is not finished, because some values do not open.
var ErrBroken = errors.New("values that cannot be opened stay under another key")

// Rotate makes a new sealing key, or takes up the one whose rotation was begun and not finished, and seals everything with
// it (T10), while replicas serve. It can be cut off anywhere: the next call goes on. A second one at the same time is
// ErrRotating. Old keys stay, for backups.
//
// The lock that keeps a second one away is gone with its connection. It is taken again before the next batch; who had it
// in between has gone on with the same key, or ended that rotation and begun another, which is ErrOvertaken: what is sealed
// with a newer key is never sealed with an older one, nor again and again.
//
// A value that does not open with its key (it is damaged, or was moved) is left and listed. The rotation is then not
// marked as finished and Rotate fails with ErrBroken, along with what it did, unless LeaveBroken says otherwise: nobody
// can open such a value anyway, but that there is one should not be overlooked.
func (r *Ring) Rotate(ctx context.Context, o Rotation) (Rotated, error) {
	turn, err := r.store.TryLock(ctx, rotationLock)
	if errors.Is(err, db.ErrLocked) {
		return Rotated{}, ErrRotating
	}
	if err != nil {
		return Rotated{}, err
	}
	defer turn.Release()
	if o.Batch == 0 {
		o.Batch = DefaultBatch
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	key, resumed, err := r.begin(ctx)
	if err != nil {
		return Rotated{}, err
	}
	settled := time.Now().Add(o.Settle)
	id, err := hex.DecodeString(key.ID)
	if err != nil {
		return Rotated{}, fmt.Errorf("key %q: %w", key.ID, err)
	}
	work := &rotation{Rotation: o, ring: r, turn: turn, header: append([]byte{version}, id...), broken: map[place]string{}}
	work.progress = Progress{Key: key.ID, Resumed: resumed}
	if err = work.run(ctx, settled); errors.Is(err, db.ErrLocked) {
		err = ErrRotating
	}
	rotated := Rotated{Key: key.ID, Resumed: resumed, Values: work.progress.Done, Broken: work.rows()}
	if err == nil && len(rotated.Broken) > 0 && !o.LeaveBroken {
		err = ErrBroken
	}
	if err == nil {
		err = r.finish(ctx, key.ID)
	}
	return rotated, err
}

// begin makes the new key, or finds the one that a rotation was begun with. From then on this ring seals with it.
func (r *Ring) begin(ctx context.Context) (key db.Key, resumed bool, err error) {
	err = r.store.InTx(ctx, func(q db.Queries) error {
		if err := q.Keyring().Lock(ctx); err != nil {
			return err
		}
		keys, err := q.Keyring().All(ctx)
		if err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(k db.Key) bool { return k.Purpose != purposeSeal })
		if len(keys) == 0 {
			return ErrNoKeys
		}
		newest := keys[len(keys)-1]
		if newest.RotatedAt == nil {
			key, resumed = newest, true
			return nil
		}
		material, err := generate(purposeSeal)
		if err != nil {
			return err
		}
		now := r.clock.Now()
		if !now.After(newest.CreatedAt) { // of clocks that differ: the newest key is the one that seals
			now = newest.CreatedAt.Add(time.Microsecond)
		}
		key = newKey(r.master, purposeSeal, material, now)
		if err := q.Keyring().Insert(ctx, key); err != nil {
			return err
		}
		return r.note(ctx, q, "keys.rotate.begin", key.ID)
	})
	if err != nil {
		return key, false, err
	}
	return key, resumed, r.refresh(ctx, r.store.Queries)
}

func (r *Ring) finish(ctx context.Context, keyID string) error {
	return r.store.InTx(ctx, func(q db.Queries) error {
		err := q.Keyring().FinishRotation(ctx, keyID, r.clock.Now())
		if errors.Is(err, db.ErrNotFound) { // a run that had lost its lock, with its connection, was faster
			return nil
		}
		if err != nil {
			return err
		}
		return r.note(ctx, q, "keys.rotate.end", keyID)
	})
}

// note writes to the audit log of every userpool: the key is that of all, and nobody looks elsewhere.
func (r *Ring) note(ctx context.Context, q db.Queries, action, keyID string) error {
	return audit.WriteForAll(ctx, q, r.clock.Now(), audit.Event{
		Actor: audit.Operator, Action: action, Target: audit.SealKey(keyID), Outcome: audit.Success,
	})
}

// rotation is one at work.
type rotation struct {
	Rotation
	ring     *Ring
	turn     *db.Lock
	header   []byte // of values that the new key has sealed
	progress Progress
	patient  bool             // waits for rows that are locked, one at a time
	broken   map[place]string // the row, for the operator
}

// place is where a broken value is. Sealed anew by its owner, it is another one.
type place struct {
	row    string
	sealed [sha256.Size]byte
}

func placeOf(c db.SealedColumn, v db.SealedValue) place {
	return place{c.Row(v), sha256.Sum256(v.Sealed)}
}

// run seals what there is, waits until replicas cannot store anything under an older key any more, and then goes over each
// column until nothing is left.
func (w *rotation) run(ctx context.Context, settled time.Time) error {
	columns := db.SealedColumns()
	for _, c := range columns {
		n, err := w.ring.store.Keyring().CountOther(ctx, c, w.header)
		if err != nil {
			return fmt.Errorf("count %s: %w", c, err)
		}
		w.progress.Total += n
	}
	w.Progress(w.progress)
	for _, c := range columns {
		if err := w.pass(ctx, c); err != nil {
			return err
		}
	}
	if err := w.wait(ctx, time.Until(settled), "replicas to take up the new key"); err != nil {
		return err
	}
	clear(w.broken) // whoever owns such a value may have replaced it
	for _, c := range columns {
		w.patient = false
		for pause := lookAgain; ; pause = min(2*pause, lookAgainMost) {
			if err := w.pass(ctx, c); err != nil {
				return err
			}
			left, err := w.left(ctx, c)
			if err != nil {
				return err
			}
			if !left {
				break
			}
			w.patient = true
			if err := w.wait(ctx, pause, "values of "+c.String()+" that are in use"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *rotation) wait(ctx context.Context, d time.Duration, what string) error {
	w.progress.Waiting = what
	w.Progress(w.progress)
	err := sleep(ctx, d)
	w.progress.Waiting = ""
	return err
}

// left tells whether values of a column, other than broken ones, are not under the new key yet.
func (w *rotation) left(ctx context.Context, c db.SealedColumn) (bool, error) {
	values, err := w.ring.store.Keyring().Other(ctx, c, w.header, len(w.broken)+1)
	if err != nil {
		return false, fmt.Errorf("look through %s: %w", c, err)
	}
	return slices.ContainsFunc(values, func(v db.SealedValue) bool {
		_, broken := w.broken[placeOf(c, v)]
		return !broken
	}), nil
}

// pass goes over a column once, along its primary key.
func (w *rotation) pass(ctx context.Context, c db.SealedColumn) error {
	var after []string
	for {
		last, n, err := w.batchWithRetries(ctx, c, after)
		if err != nil {
			return fmt.Errorf("seal %s: %w", c, err)
		}
		w.progress.Done += n
		w.progress.Total = max(w.progress.Total, w.progress.Done)
		w.Progress(w.progress)
		if last == nil {
			return ctx.Err()
		}
		after = last
	}
}

// batchWithRetries repeats a batch that the database could not do now: deadlocks, restarts, no room. It makes sure before
// that it is still this rotation's turn.
func (w *rotation) batchWithRetries(ctx context.Context, c db.SealedColumn, after []string) (last []string, n int64, err error) {
	pause := firstPause
	for range batchTries {
		if err = w.turn.Hold(ctx); err == nil {
			last, n, err = w.batch(ctx, c, after)
		}
		if !errors.Is(err, db.ErrUnavailable) {
			return last, n, err
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, 0, err
		}
		pause *= 2
	}
	return last, n, err
}

// batch seals the next rows anew in one transaction. It returns the primary key of the last one, nil when there was none
// to look at, and how many were changed.
func (w *rotation) batch(ctx context.Context, c db.SealedColumn, after []string) (last []string, n int64, err error) {
	broken := map[place]string{}
	err = w.ring.store.InTx(ctx, func(q db.Queries) error {
		values, err := w.lock(ctx, q.Keyring(), c, after)
		if err != nil || len(values) == 0 {
			return err
		}
		last = values[len(values)-1].Key
		var old []db.SealedValue
		var resealed [][]byte
		for _, v := range values {
			aad := c.AAD(v)
			plain, err := w.ring.Unseal(v.Sealed, aad...)
			if errors.Is(err, ErrSealed) {
				broken[placeOf(c, v)] = c.Row(v)
				continue
			}
			if err != nil {
				return err
			}
			sealed := w.ring.Seal(plain, aad...)
			if !bytes.HasPrefix(sealed, w.header) { // the ring has a newer key by now
				return ErrOvertaken
			}
			old, resealed = append(old, v), append(resealed, sealed)
		}
		if len(old) == 0 {
			return nil
		}
		n, err = q.Keyring().Replace(ctx, c, old, resealed)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	for p, row := range broken {
		w.broken[p] = row
	}
	return last, n, nil
}

func (w *rotation) lock(ctx context.Context, q db.KeyringQueries, c db.SealedColumn, after []string) ([]db.SealedValue, error) {
	if w.patient {
		return q.AwaitOther(ctx, c, w.header, after)
	}
	return q.LockOther(ctx, c, w.header, after, w.Batch)
}

// rows are those of broken values, in order.
func (w *rotation) rows() []string {
	var rows []string
	for _, row := range w.broken {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	return slices.Compact(rows)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
