package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// target is one of the two that are compared.
type target struct {
	name  string
	pid   int
	crowd *clients

	rates     []float64
	total     window
	steady    *window       // at half of the rate that the subject sustains
	server    time.Duration // CPU of its process
	postgres  time.Duration // CPU of PostgreSQL meanwhile
	footprint int64         // of its process, bytes
}

func newTarget(name string, s *server, w work, connections int) *target {
	return &target{name: name, pid: s.pid, crowd: newClients(w, connections), total: window{latencies: newLatencies()}}
}

// duel runs a job at two targets in turn, window by window, so that whatever else happens on the machine happens to both.
type duel struct {
	job           string
	least         float64 // of the ratio; 0 for any
	subject, base *target
	postgres      int // pid
}

// warmUp is how long each runs before it counts: statements are prepared, pools filled, connections made.
const warmUp = 500 * time.Millisecond

func (d *duel) run(ctx context.Context, w windows) error {
	defer d.subject.crowd.close()
	defer d.base.crowd.close()
	pair := []*target{d.subject, d.base}
	for _, t := range pair {
		t.crowd.closed(warmUp)
	}
	for range w.Rounds {
		for _, t := range pair {
			if err := errors.Join(ctx.Err(), t.window(d.postgres, w.Window)); err != nil {
				return fmt.Errorf("%s at %s: %w", d.job, t.name, err)
			}
		}
		slices.Reverse(pair)
	}
	for _, t := range pair {
		t.steady = t.crowd.open(2*w.Window, d.subject.total.rate()/2)
		if t.steady.failed > 0 {
			return fmt.Errorf("%s at %s: %w", d.job, t.name, t.steady.failure)
		}
	}
	return nil
}

// window measures one stretch. A single failure spoils it: what was measured would not be the job.
func (t *target) window(postgres int, length time.Duration) error {
	own, err1 := cpu(t.pid)
	others, err2 := cpuOfAll(postgres)
	w := t.crowd.closed(length)
	if w.failed > 0 {
		return fmt.Errorf("%d of %d requests failed: %w", w.failed, w.done, w.failure)
	}
	ownAfter, err3 := cpu(t.pid)
	othersAfter, err4 := cpuOfAll(postgres)
	footprint, err5 := resident(t.pid)
	t.server += ownAfter - own
	t.postgres += othersAfter - others
	t.footprint = max(t.footprint, footprint)
	t.rates = append(t.rates, w.rate())
	t.total.add(w)
	return errors.Join(err1, err2, err3, err4, err5)
}

// perRequest is what one request costs.
func (t *target) perRequest(of time.Duration) time.Duration {
	return of / time.Duration(max(1, t.total.done))
}

// ratios are those of windows that stood side by side, sorted.
func (d *duel) ratios() []float64 {
	ratios := make([]float64, len(d.subject.rates))
	for i := range ratios {
		ratios[i] = d.subject.rates[i] / d.base.rates[i]
	}
	slices.Sort(ratios)
	return ratios
}

// quartiles are the middle of sorted values, and where its half of them lies.
func quartiles(sorted []float64) (low, middle, high float64) {
	at := func(q float64) float64 {
		position := q * float64(len(sorted)-1)
		i := int(position)
		if i+1 == len(sorted) {
			return sorted[i]
		}
		return sorted[i] + (position-float64(i))*(sorted[i+1]-sorted[i])
	}
	return at(0.25), at(0.5), at(0.75)
}
