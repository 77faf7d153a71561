package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
)

// keysCommand is about the keys that seal secrets (T10).
type keysCommand struct {
	List   keysListCommand   `cmd:"" help:"List the keys, and how many values each seals."`
	Rotate keysRotateCommand `cmd:"" help:"Seal everything with a new key, while replicas of this version serve. Cut off, run it again."`
}

// keysConns are enough for a command that does one thing at a time, and holds a lock meanwhile.
const keysConns = 4

// maxBrokenShown is how many rows are listed.
const maxBrokenShown = 50

type keysListCommand struct {
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run is called by kong.
func (k keysListCommand) Run(ctx context.Context) error {
	return withDatabase(ctx, func(_ Config, _ *database, store *db.DB) error {
		keys, err := keyring.Describe(ctx, store)
		if err != nil {
			return err
		}
		return k.print(os.Stdout, keys)
	})
}

func (k keysListCommand) print(w io.Writer, keys []keyring.Described) error {
	if k.JSON {
		out := json.NewEncoder(w)
		for _, key := range keys {
			if err := out.Encode(key); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tPURPOSE\tCREATED\tROTATION FINISHED\tVALUES")
	for _, key := range keys {
		id, created, rotated, values := "-", "-", "-", "-"
		if key.ID != "" {
			id, created = key.ID, key.CreatedAt.Local().Format(time.DateTime)
		}
		if key.Values != nil {
			values = strconv.FormatInt(*key.Values, 10)
		}
		switch {
		case key.RotatedAt != nil:
			rotated = key.RotatedAt.Local().Format(time.DateTime)
		case key.Values != nil && key.ID != "":
			rotated = "no"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", id, key.Purpose, created, rotated, values)
	}
	return table.Flush()
}

type keysRotateCommand struct {
	LeaveBroken bool `help:"Finish although some values cannot be opened (damaged, or moved to another row); they stay as they are."`
}

var errInterrupted = errors.New("interrupted; run `menshen keys rotate` again to finish the rotation")

// Run is called by kong.
func (k keysRotateCommand) Run(ctx context.Context) error {
	return withDatabase(ctx, func(c Config, d *database, store *db.DB) error {
		options := RotateOptions{
			Options: Options{Config: c, Store: store, MasterKey: d.masterKey, Clock: clock.System{}},
			Settle:  keyring.Settle + c.RequestTimeout, LeaveBroken: k.LeaveBroken,
		}
		return RotateKeys(ctx, options, os.Stdout, newMeter(os.Stderr))
	})
}

// withDatabase runs a command beside the service, on its database.
func withDatabase(ctx context.Context, use func(Config, *database, *db.DB) error) (err error) {
	c, err := LoadConfig(os.Environ())
	if err != nil {
		return err
	}
	d, err := reachDatabase(ctx, c, newLog(c))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	store, err := d.open(ctx, keysConns, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return use(c, d, store)
}

// RotateOptions of RotateKeys.
type RotateOptions struct {
	Options                   // Store, MasterKey and Clock
	Settle      time.Duration // how long replicas may go on storing what the old key has sealed
	Batch       int           // rows of a transaction; 0 for the default
	LeaveBroken bool          // finish although values that cannot be opened stay under another key
}

// Meter is told how far a command is: of so many values in all, or waiting for something.
type Meter interface {
	Show(done, total int64, waiting string)
	Close()
}

// RotateKeys replaces the sealing key (T10) and tells about it in plain text. It can be interrupted anywhere: the next call
// finishes what was begun.
func RotateKeys(ctx context.Context, o RotateOptions, announce io.Writer, meter Meter) error {
	defer meter.Close()
	ring, err := keyring.Load(ctx, o.Store, o.Clock, o.MasterKey)
	if err != nil {
		return err
	}
	told := false
	rotated, err := ring.Rotate(ctx, keyring.Rotation{
		Settle: o.Settle, Batch: o.Batch, LeaveBroken: o.LeaveBroken,
		Progress: func(p keyring.Progress) {
			if !told {
				how := "the new sealing key is %s\n"
				if p.Resumed {
					how = "finishing the rotation to key %s, which was begun before\n"
				}
				fmt.Fprintf(announce, how, p.Key)
				told = true
			}
			meter.Show(p.Done, p.Total, p.Waiting)
		},
	})
	meter.Close()
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	for i, row := range rotated.Broken {
		if i == maxBrokenShown {
			fmt.Fprintf(announce, "... and %d more\n", len(rotated.Broken)-i)
			break
		}
		fmt.Fprintln(announce, "cannot be opened:", row)
	}
	if errors.Is(err, keyring.ErrBroken) {
		return fmt.Errorf("the rotation is not finished: %d %w; everything else is sealed with key %s. "+
			"Restore or delete these rows and run `menshen keys rotate` again, or add --leave-broken to finish without them",
			len(rotated.Broken), keyring.ErrBroken, rotated.Key)
	}
	if err != nil {
		return err
	}
	left := "nothing"
	if len(rotated.Broken) > 0 {
		left = fmt.Sprintf("nothing but the %d that cannot be opened", len(rotated.Broken))
	}
	fmt.Fprintf(announce, "finished: %d values were sealed with key %s; %s is left under another\n",
		rotated.Values, rotated.Key, left)
	return nil
}
