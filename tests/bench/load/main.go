// Command load measures Menshen as a whole, in a process of its own, against the reference R0 in another: both on one
// PostgreSQL that flushes to disk, in turn, window by window. See make bench, make growth and make soak.
package main

import (
	"context"
	"errors"
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
	Growth  growthCommand  `cmd:"" help:"Run every job on a full database and on an empty one in turn, and print ratios."`
	Soak    soakCommand    `cmd:"" help:"Run all jobs at a steady rate, and print what memory they take."`
	R0      r0Command      `cmd:"" name:"r0" hidden:"" help:"Be R0."`
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

// windows are how long is measured.
type windows struct {
	Jobs        []string      `help:"Which; all by default." placeholder:"JOB"`
	Rounds      int           `help:"How many windows each." default:"9"`
	Window      time.Duration `help:"How long each is." default:"2s"`
	Connections int           `help:"How many ask at once." default:"16"`
}

func (w windows) wants(j job) bool { return len(w.Jobs) == 0 || slices.Contains(w.Jobs, j.name) }
