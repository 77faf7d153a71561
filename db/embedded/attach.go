package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lib/pq"
)

var (
	// ErrNotRunning means that no server lets anybody in at the moment; it may be just starting or ending.
	ErrNotRunning = errors.New("no PostgreSQL runs in the data directory")
	// ErrNoCluster means that nobody has ever started a server in the directory.
	ErrNoCluster = errors.New("there is no database in the data directory; `menshen serve` makes it at its first start")
)

// Attachment is a way into a server that belongs to another process. It ends when that process stops its server.
type Attachment struct{ socketDir, port string }

// Attach finds the running server of the data directory dir, and changes nothing there. It returns when the server has
// accepted a connection.
//
// Errors to tell apart: ErrNotRunning and ErrNoCluster.
func Attach(ctx context.Context, dir string) (Attachment, error) {
	a, err := attach(ctx, dir)
	if err != nil {
		return Attachment{}, fmt.Errorf("embedded PostgreSQL: %s: %w", dir, err)
	}
	return a, nil
}

func attach(ctx context.Context, dir string) (Attachment, error) {
	data, err := filepath.Abs(filepath.Join(dir, "postgres"))
	if err == nil {
		data, err = filepath.EvalSymlinks(data)
	}
	if errors.Is(err, os.ErrNotExist) {
		return Attachment{}, ErrNoCluster
	}
	if err != nil {
		return Attachment{}, err
	}
	path := filepath.Join(data, "postmaster.pid")
	pid, err := readPID(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && !isServer(pid, data) {
		return Attachment{}, ErrNotRunning
	}
	if err != nil {
		return Attachment{}, err
	}
	a, err := readAttachment(path)
	if err != nil {
		return Attachment{}, err
	}
	connector, err := pq.NewConnector(a.URL("postgres"))
	if err != nil {
		return Attachment{}, err
	}
	conn, err := connector.Connect(ctx)
	if ctx.Err() != nil {
		return Attachment{}, ctx.Err()
	}
	var refusal *pq.Error
	if errors.As(err, &refusal) && refusal.Code != cannotConnectNow {
		return Attachment{}, err
	}
	if err != nil {
		return Attachment{}, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	return a, conn.Close()
}

// readAttachment reads the socket's place from a postmaster.pid: PID, data directory, start, port, directory of the first
// socket, a line each (PostgreSQL manual, "Database File Layout"). A server that is starting has not written all of them.
func readAttachment(path string) (Attachment, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Attachment{}, ErrNotRunning
	}
	if err != nil {
		return Attachment{}, err
	}
	lines := strings.Split(string(content), "\n")
	if len(lines) < 6 || lines[3] == "" || lines[4] == "" {
		return Attachment{}, ErrNotRunning
	}
	return Attachment{socketDir: lines[4], port: lines[3]}, nil
}

// URL is how to reach a database of the server, in a form that both lib/pq and psql understand.
func (a Attachment) URL(database string) string { return socketURL(a.socketDir, a.port, database) }
