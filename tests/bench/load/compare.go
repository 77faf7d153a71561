package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

type compareCommand struct{ windows }

// Run implements the command.
func (c *compareCommand) Run(ctx context.Context) (err error) {
	s, err := newStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	starts, err := s.starts(ctx)
	if err != nil {
		return err
	}
	m, err := s.serve(ctx, "menshen", c.Connections)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.stop()) }()
	reference, err := s.reference(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reference.stop()) }()

	var duels []*duel
	for _, j := range jobs {
		if !c.wants(j) {
			continue
		}
		requests, err := j.prepare(m)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", j.name, err)
		}
		d := &duel{
			job: j.name, least: j.target, postgres: s.pid,
			subject: newTarget("menshen", &m.server, work{m.addr, requests, j.success()}, c.Connections),
			base:    newTarget("R0", reference, work{reference.addr, plain(j.path), nil}, c.Connections),
		}
		if err := d.run(ctx, c.windows); err != nil {
			return err
		}
		duels = append(duels, d)
	}
	report(os.Stdout, duels)
	fmt.Printf("ready after start, PostgreSQL running: median %d ms of %d (target 300)\n", starts[len(starts)/2].Milliseconds(), len(starts))
	return nil
}

// starts returns how long the program takes to be ready, sorted. The first start, which makes the tables, does not count.
func (s *stage) starts(ctx context.Context) ([]time.Duration, error) {
	const times = 7
	var took []time.Duration
	for range 1 + times {
		m, err := s.serve(ctx, "menshen", 1)
		if err == nil {
			err = m.stop()
		}
		if err != nil {
			return nil, err
		}
		took = append(took, m.took)
	}
	took = took[1:]
	slices.Sort(took)
	return took, nil
}
