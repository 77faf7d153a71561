package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest/fill"
	"github.com/menshen-auth/menshen/tests/bench/crowd"
)

type growthCommand struct {
	windows
	Users        int `help:"How many users the full database has." default:"1000000"`
	LiveCodes    int `help:"How many codes that can be used." default:"1000000"`
	ExpiredCodes int `help:"How many that have expired." default:"10000000"`
}

// mayShrink is the least ratio of the full database to the empty one: within 1.3 times.
const mayShrink = 1 / 1.3

// Run implements the command.
func (c *growthCommand) Run(ctx context.Context) (err error) {
	s, err := newStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.fill(ctx, "full", fill.Amounts{Users: c.Users, LiveCodes: c.LiveCodes, ExpiredCodes: c.ExpiredCodes}); err != nil {
		return err
	}
	full, err := s.serve(ctx, "full", c.Connections)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, full.stop()) }()
	full.people = c.Users
	empty, err := s.serve(ctx, "empty", c.Connections)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, empty.stop()) }()

	var duels []*duel
	for _, j := range jobs {
		if !c.wants(j) {
			continue
		}
		onFull, err1 := j.prepare(full)
		onEmpty, err2 := j.prepare(empty)
		if err := errors.Join(err1, err2); err != nil {
			return fmt.Errorf("prepare %s: %w", j.name, err)
		}
		d := &duel{
			job: j.name, least: mayShrink, postgres: s.pid,
			subject: newTarget("full", &full.server, work{full.addr, onFull, j.success()}, c.Connections),
			base:    newTarget("empty", &empty.server, work{empty.addr, onEmpty, j.success()}, c.Connections),
		}
		if err := d.run(ctx, c.windows); err != nil {
			return err
		}
		duels = append(duels, d)
	}
	report(os.Stdout, duels)
	return nil
}

// fill makes a database and fills it. The service makes the tables, and has to be away while they fill: it would remove what
// has expired.
func (s *stage) fill(ctx context.Context, database string, amounts fill.Amounts) error {
	first, err := s.serve(ctx, database, 1)
	if err == nil {
		err = first.stop()
	}
	if err != nil {
		return err
	}
	began, rows := time.Now(), 0
	err = crowd.Fill(ctx, s.postgres.URL(database), masterKey[:], amounts, func(t fill.Table) { rows += t.Rows })
	fmt.Printf("filled with %d rows in %s\n", rows, time.Since(began).Round(time.Second))
	return err
}
