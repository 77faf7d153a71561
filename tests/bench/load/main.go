// Command load measures Menshen as a whole, in a process of its own, against the reference R0 in another: both on one
// PostgreSQL, in turn, window by window. See make bench.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/menshen-auth/menshen/tests/bench/r0"
)

var cli struct {
	Compare compareCommand `cmd:"" default:"withargs" help:"Run every job at Menshen and at R0 in turn, and print ratios."`
	R0      r0Command      `cmd:"" name:"r0" help:"Be R0."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Parse(&cli, kong.Description("Load for Menshen."), kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run())
}

type r0Command struct {
	Addr     string `arg:""`
	Database string `arg:""`
}

// Run implements the command.
func (c *r0Command) Run(ctx context.Context) error {
	handler, err := r0.Handler(c.Database)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: c.Addr, Handler: handler}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type compareCommand struct {
	Jobs        []string      `help:"Which; all by default." placeholder:"JOB"`
	Rounds      int           `help:"How many windows each." default:"9"`
	Window      time.Duration `help:"How long each is." default:"2s"`
	Connections int           `help:"How many ask at once." default:"16"`
}

// Run implements the command.
func (c *compareCommand) Run(ctx context.Context) (err error) {
	s, err := newStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	m, err := s.serve(ctx, "menshen", c.Connections)
	if err != nil {
		return err
	}
	defer func() { _ = m.stop() }()
	reference, err := s.reference(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = reference.stop() }()

	var duels []*duel
	for _, j := range jobs {
		if len(c.Jobs) > 0 && !slices.Contains(c.Jobs, j.name) || ctx.Err() != nil {
			continue
		}
		requests, err := j.prepare(m)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", j.name, err)
		}
		d := &duel{
			job: j.name, least: j.target, postgres: s.pid,
			subject: &target{name: "menshen", pid: m.pid, crowd: newCrowd(work{m.addr, requests, j.success()}, c.Connections)},
			base:    &target{name: "R0", pid: reference.pid, crowd: newCrowd(work{reference.addr, plain(j.path), nil}, c.Connections)},
		}
		err = d.run(c.Rounds, c.Window)
		d.subject.crowd.close()
		d.base.crowd.close()
		if err != nil {
			return err
		}
		duels = append(duels, d)
	}
	report(os.Stdout, duels)
	return nil
}
