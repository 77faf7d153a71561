package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// Limits of the HTTP server.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
)

// Expired rows are removed a while after their end, so that what has expired is not taken for unknown.
const (
	cleanEvery = time.Minute
	cleanAfter = time.Hour
	cleanBatch = 500 // rows of a table at a time
)

// Serve runs the service until ctx ends, then lets the requests in flight finish. announce is told, in plain text, where
// to look and what to try.
func Serve(ctx context.Context, c Config, log *slog.Logger, announce io.Writer) (err error) {
	data, err := openDatabase(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.close()) }()
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w; choose another MENSHEN_ADDR", err)
	}
	defer func() { _ = listener.Close() }()
	if err := data.migrate(ctx); err != nil {
		return err
	}
	store, err := data.open(ctx, c.MaxConns, c.QueueWait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	options := Options{Config: c, Store: store, MasterKey: data.masterKey, Clock: clock.System{}, Log: log}
	if data.embedded != nil { // for development: with a database of one's own, codes are sent or refused
		options.Outbox = outboxDir(c.DataDir)
		log.Info("what has no channel goes to the development outbox; `menshen outbox` shows it", "dir", options.Outbox)
	}
	a, err := New(ctx, options)
	if err != nil {
		return err
	}
	if err := a.Bootstrap(ctx, c.DataDir, data.embedded != nil); err != nil {
		return err
	}
	if err := refreshBaseURL(c.DataDir, c.PublicURL); err != nil {
		return err
	}
	stop, err := a.listenAside()
	if err != nil {
		return err
	}
	defer stop()
	banner(announce, c, data.embedded != nil)
	return a.run(ctx, listener, data)
}

// run serves until ctx or the database ends, and drains.
func (a *App) run(ctx context.Context, listener net.Listener, data *database) error {
	server := &http.Server{
		Handler: closing(ctx, a.Handler), ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer a.Start()() // until the last request that may have left a message is answered

	var ended error
	select {
	case err := <-served:
		return err
	case <-data.ended():
		ended = fmt.Errorf("the private PostgreSQL has ended: %w", data.embedded.Err())
	case <-ctx.Done():
		a.Log.Info("stopping", "drain", a.Config.DrainTimeout)
	}
	a.service.Drain()
	time.Sleep(a.Config.DrainDelay) // for load balancers to notice
	a.logins.Drain()                // streams end, so that their clients go elsewhere
	drain, cancel := context.WithTimeout(context.Background(), a.Config.DrainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return errors.Join(ended, fmt.Errorf("requests were still in flight: %w", err), server.Close())
	}
	return ended
}

// closing ends, from the end of ctx on, each connection with its next answer. Where a load balancer shares out connections
// rather than requests, clients would otherwise stay on theirs until Shutdown cuts them, perhaps in the middle of a request.
func closing(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Start begins what is done beside requests: delivering messages, removing expired rows and taking up new keys. stop ends
// it, after the messages that are due are delivered, as far as that takes a few seconds only.
func (a *App) Start() (stop func()) {
	ctx, cancel := context.WithCancel(db.Patient(context.Background()))
	var work sync.WaitGroup
	work.Go(func() { a.messages.Run(ctx) })
	work.Go(func() { a.clean(ctx) })
	work.Go(func() { a.ring.Run(ctx, a.Log) })
	work.Go(func() { a.logins.Run(ctx) })
	return func() {
		cancel()
		work.Wait()
	}
}

// clean removes expired rows in small batches. Replicas do not wait for each other, and start at different times. There is no pause
// between batches: it is one connection among many, which costs requests nothing that can be measured, and one that rests falls
// behind when much is made.
func (a *App) clean(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(cleanEvery/2 + rand.N(cleanEvery)):
		}
		for {
			n, err := a.Store.DeleteExpired(ctx, a.Clock.Now().Add(-cleanAfter), cleanBatch)
			if err != nil && ctx.Err() == nil {
				a.Log.Warn("expired rows could not be removed", "error", err)
			}
			if err != nil || n == 0 {
				break
			}
		}
		if a.Outbox != "" {
			if err := channel.Prune(a.Outbox, a.Clock.Now().Add(-outboxKept)); err != nil {
				a.Log.Warn("the development outbox could not be tidied", "error", err)
			}
		}
	}
}
