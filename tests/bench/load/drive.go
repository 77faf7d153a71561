package main

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// request makes the nth request of a job. Its worker is the connection it goes over, counted from 0.
type request func(worker, n int) []byte

// work is one job at one target.
type work struct {
	addr    string
	request request
	// success must be in the answer: refusals are fast, and HTTP 200.
	success []byte
}

// window is what happened in a stretch of time.
type window struct {
	took      time.Duration
	done      int64
	failed    int64
	failure   error // the first one
	latencies *hdrhistogram.Histogram
}

func (w *window) rate() float64 { return float64(w.done) / w.took.Seconds() }

// quantile is a latency.
func (w *window) quantile(q float64) time.Duration {
	return time.Duration(w.latencies.ValueAtQuantile(q)) * time.Microsecond
}

// newLatencies counts microseconds up to a minute, to three figures.
func newLatencies() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 3)
}

// clients are the connections over which a job runs. They stay open from one window to the next.
type clients struct {
	work
	connections []*connection
	sent        atomic.Int64
}

func newClients(w work, n int) *clients {
	c := &clients{work: w}
	for range n {
		c.connections = append(c.connections, &connection{addr: w.addr})
	}
	return c
}

func (c *clients) close() {
	for _, one := range c.connections {
		one.close()
	}
}

// closed has every connection ask again as soon as it has its answer.
func (c *clients) closed(length time.Duration) *window {
	until := time.Now().Add(length)
	return c.run(func(int64) (due time.Time, more bool) {
		now := time.Now()
		return now, now.Before(until)
	})
}

// open sends at a steady rate, whatever comes back. Latencies count from when a request was due: a server that stalls does
// not get fewer of them for it.
func (c *clients) open(length time.Duration, perSecond float64) *window {
	started := time.Now()
	interval := time.Duration(float64(time.Second) / perSecond)
	return c.run(func(n int64) (due time.Time, more bool) {
		after := time.Duration(n) * interval
		return started.Add(after), after < length
	})
}

// run has every connection send what is next due, until there is no more.
func (c *clients) run(next func(n int64) (due time.Time, more bool)) *window {
	var (
		turn   atomic.Int64
		mu     sync.Mutex
		group  sync.WaitGroup
		total  = &window{latencies: newLatencies()}
		opened = time.Now()
	)
	for worker, connection := range c.connections {
		group.Go(func() {
			own := &window{latencies: newLatencies()}
			for {
				due, more := next(turn.Add(1) - 1)
				if !more {
					break
				}
				time.Sleep(time.Until(due))
				err := c.one(connection, worker)
				own.done++
				if err != nil {
					own.failed++
					own.failure = err
				}
				_ = own.latencies.RecordValue(min(max(1, time.Since(due).Microseconds()), time.Minute.Microseconds()))
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(own)
		})
	}
	group.Wait()
	total.took = time.Since(opened)
	return total
}

func (c *clients) one(connection *connection, worker int) error {
	status, body, err := connection.do(c.request(worker, int(c.sent.Add(1))))
	switch {
	case err != nil:
		return err
	case status != 200, !bytes.Contains(body, c.success):
		return fmt.Errorf("HTTP %d: %.300s", status, body)
	}
	return nil
}

func (w *window) add(other *window) {
	w.done += other.done
	w.failed += other.failed
	w.took += other.took
	w.latencies.Merge(other.latencies)
	if w.failure == nil {
		w.failure = other.failure
	}
}
