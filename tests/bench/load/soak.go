package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

type soakCommand struct {
	For         time.Duration `help:"How long." default:"1h"`
	Every       time.Duration `help:"How often to look." default:"5m"`
	Rate        float64       `help:"Requests a second of each job." default:"100"`
	Connections int           `help:"Of each job." default:"8"`
}

// fits is how much memory the service may have, in bytes.
const fits = 64 << 20

// Run implements the command.
func (c *soakCommand) Run(ctx context.Context) (err error) {
	s, err := newStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	m, err := s.serve(ctx, "menshen", c.Connections)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.stop()) }()
	fmt.Printf("%8s %10s %8s %8s\n", "after", "requests", "failed", "RSS")
	var requests, failed, most int64
	for began := time.Now(); time.Since(began) < c.For && ctx.Err() == nil; {
		var (
			all sync.WaitGroup
			mu  sync.Mutex
		)
		for _, j := range jobs {
			next, err := j.prepare(m) // anew each time: sessions get old
			if err != nil {
				return fmt.Errorf("prepare %s: %w", j.name, err)
			}
			all.Go(func() {
				crowd := newClients(work{m.addr, next, j.success()}, c.Connections)
				defer crowd.close()
				w := crowd.open(min(c.Every, c.For-time.Since(began)), c.Rate)
				mu.Lock()
				defer mu.Unlock()
				requests += w.done
				failed += w.failed
				if w.failure != nil {
					fmt.Printf("%s: %v\n", j.name, w.failure)
				}
			})
		}
		all.Wait()
		memory, err := resident(m.pid)
		if err != nil {
			return err
		}
		most = max(most, memory)
		fmt.Printf("%8s %10d %8d %5d MB\n", time.Since(began).Round(time.Second), requests, failed, memory>>20)
	}
	if most > fits {
		fmt.Printf("more than the %d MB that are the target\n", fits>>20)
	}
	return nil
}
