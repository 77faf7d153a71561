package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// Version is set when a release is built.
var Version = "dev"

type commandLine struct {
	Serve      serveCommand      `cmd:"" default:"1" help:"Serve until SIGTERM (the default). Without MENSHEN_DATABASE_URL, on a private PostgreSQL in MENSHEN_DATA_DIR."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the database to the newest schema and exit. serve does the same at its start."`
	Outbox     outboxCommand     `cmd:"" help:"Show the development outbox: the messages of channels that are not configured, newest last."`
	OTP        otpCommand        `cmd:"" name:"otp" help:"Authenticators: move them in and out, remove those that a user has lost."`
	Keys       keysCommand       `cmd:"" help:"The keys that seal secrets in the database: show them, replace the one in use."`
	Pool       poolCommand       `cmd:"" help:"Userpools: make them, list them, name them."`
	App        appCommand        `cmd:"" help:"Applications: make them, change their settings, replace their secrets, disable them."`
	Key        keyCommand        `cmd:"" help:"Access keys for the management operations: make them, change what they may do, disable them."`
	Hook       hookCommand       `cmd:"" help:"Programs of your own that are asked before a sign-in to an application, or told afterwards."`
	Connection connectionCommand `cmd:"" help:"Connections to WeChat: mini programs and official accounts with which people scan login QR codes."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// CLI runs the command line and returns the exit code.
func CLI(args []string) int {
	var line commandLine
	parser := kong.Must(&line, kong.Name("menshen"), kong.UsageOnError(),
		kong.Description("Menshen 门神, a self-hosted verification service. Settings come from MENSHEN_* environment variables; the README lists them."))
	parsed, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := told(ctx, parsed.Run()); err != nil {
		fmt.Fprintln(os.Stderr, "menshen:", plain(err))
		return 1
	}
	return 0
}

// told is the error that a person reads. What fails because the command was interrupted has many forms, and none of them says
// so; it is a failure all the same, since the work is not done.
func told(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, db.ErrUnavailable)) {
		return errors.New("interrupted")
	}
	return err
}

// unlessStopped is for commands that run until they are stopped: that is no failure of theirs.
func unlessStopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// plain is an error for a person at a terminal: of a refusal, what an answer would say.
func plain(err error) string {
	var refusal *apierr.Error
	if !errors.As(err, &refusal) || refusal.Kind == apierr.Internal || refusal.Kind == apierr.Unavailable {
		return err.Error()
	}
	if refusal.Detail == "" {
		return refusal.Message(lang.English)
	}
	return refusal.Message(lang.English) + " (" + refusal.Detail + ")"
}

type serveCommand struct{}

// Run is called by kong.
func (serveCommand) Run(ctx context.Context) error {
	c, err := LoadConfig(os.Environ())
	if err != nil {
		return err
	}
	return unlessStopped(Serve(ctx, c, newLog(c), os.Stdout))
}

type migrateCommand struct{}

// Run is called by kong.
func (migrateCommand) Run(ctx context.Context) error {
	c, err := LoadConfig(os.Environ())
	if err != nil {
		return err
	}
	data, err := openDatabase(ctx, c, newLog(c))
	if err != nil {
		return err
	}
	return errors.Join(data.migrate(ctx), data.close())
}

type versionCommand struct{}

// Run is called by kong.
func (versionCommand) Run() error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	fmt.Println("menshen " + Version + revision)
	return nil
}

func newLog(c Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
