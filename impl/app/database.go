package app

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/db/embedded"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// embeddedDatabase is the database inside the private PostgreSQL.
const embeddedDatabase = "menshen"

// database is where the service keeps its data, and the key that opens what is sealed in it.
type database struct {
	url       string
	direct    string // around the transaction pooler that url leads through, if there is one
	masterKey []byte
	embedded  *embedded.Server // nil for a database of the operator's
	unlock    func()           // of DataDir; the private PostgreSQL has a lock of its own
}

// openDatabase finds the configured database, or starts the private one. The master key of the private one is in DataDir,
// made at the first start.
func openDatabase(ctx context.Context, c Config, log *slog.Logger) (*database, error) {
	d := &database{url: c.DatabaseURL, direct: c.DirectURL, unlock: func() {}}
	var err error
	if d.url != "" {
		if d.unlock, err = embedded.LockDir(c.DataDir); err != nil {
			return nil, err
		}
	} else {
		server, err := startEmbedded(ctx, c, log)
		if err != nil {
			return nil, err
		}
		d.embedded, d.url = server, server.URL(embeddedDatabase)
		if err := server.EnsureDatabase(ctx, embeddedDatabase); err != nil {
			return nil, errors.Join(err, d.close())
		}
	}
	if c.MasterKey != "" {
		d.masterKey, err = decodeMasterKey(c.MasterKey)
	} else {
		d.masterKey, err = ownMasterKey(masterKeyPath(c))
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// attachPatience is how long a command waits for the private PostgreSQL of a `menshen serve` that is just starting or ending.
const attachPatience = 15 * time.Second

// reachDatabase is openDatabase for a command beside the service, which may be serving: it finds the configured database;
// or attaches to the private PostgreSQL that a `menshen serve` in DataDir has started, which then ends with that; or starts
// it until close. It makes nothing: neither database nor master key, and it does not migrate; a schema that is not that of
// this program is refused with db.ErrSchemaOld or db.ErrSchemaNew.
func reachDatabase(ctx context.Context, c Config, log *slog.Logger) (*database, error) {
	d := &database{url: c.DatabaseURL, direct: c.DirectURL, unlock: func() {}}
	var err error
	if c.MasterKey != "" {
		d.masterKey, err = decodeMasterKey(c.MasterKey)
	} else {
		d.masterKey, err = readMasterKey(masterKeyPath(c))
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no master key in %s; the command needs the MENSHEN_DATA_DIR, "+
			"or the database and master key, of `menshen serve`", c.DataDir)
	}
	if err != nil {
		return nil, err
	}
	if d.url == "" {
		if err := d.reachPrivate(ctx, c, log); err != nil {
			return nil, err
		}
	}
	err = d.checkSessions(ctx)
	if err == nil {
		err = db.CheckSchema(ctx, d.sessions())
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *database) reachPrivate(ctx context.Context, c Config, log *slog.Logger) error {
	for began := time.Now(); ; {
		running, err := embedded.Attach(ctx, c.DataDir)
		if err == nil {
			d.url = running.URL(embeddedDatabase)
			return nil
		}
		if !errors.Is(err, embedded.ErrNotRunning) {
			return err
		}
		server, err := startEmbedded(ctx, c, log)
		if err == nil {
			d.embedded, d.url = server, server.URL(embeddedDatabase)
			return nil
		}
		if !errors.Is(err, embedded.ErrInUse) || time.Since(began) > attachPatience {
			return err
		}
		if err := nap(ctx); err != nil {
			return err
		}
	}
}

func startEmbedded(ctx context.Context, c Config, log *slog.Logger) (*embedded.Server, error) {
	return embedded.Start(ctx, embedded.Options{Dir: c.DataDir, Durable: true, MaxConnections: c.MaxConns + 20, Log: log})
}

// sessions is how to reach the database for what needs a session.
func (d *database) sessions() string { return cmp.Or(d.direct, d.url) }

// checkSessions finds a transaction pooler that nobody has told us of, before it makes locks and statements go wrong in
// ways that nobody would understand.
func (d *database) checkSessions(ctx context.Context) error {
	err := db.CheckSessions(ctx, d.sessions())
	switch {
	case !errors.Is(err, db.ErrPooled):
		return err
	case d.direct == "":
		return fmt.Errorf("MENSHEN_DATABASE_URL: %w; set MENSHEN_DATABASE_DIRECT_URL too, to the same database without the pooler", err)
	default:
		return fmt.Errorf("MENSHEN_DATABASE_DIRECT_URL: %w; set it to the address of the database itself", err)
	}
}

// migrate brings the database to the newest schema.
func (d *database) migrate(ctx context.Context) error {
	if err := d.checkSessions(ctx); err != nil {
		return err
	}
	return db.Migrate(ctx, d.sessions())
}

// open connects to the database. Without a wait it is db.DefaultWait.
func (d *database) open(ctx context.Context, maxConns int, wait time.Duration) (*db.DB, error) {
	return db.Open(ctx, d.url, db.Options{MaxConns: maxConns, Wait: wait, DirectURL: d.direct})
}

// ended is closed when a private PostgreSQL is gone; for another database it never is.
func (d *database) ended() <-chan struct{} {
	if d.embedded == nil {
		return nil
	}
	return d.embedded.Done()
}

func (d *database) close() error {
	d.unlock()
	if d.embedded == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return d.embedded.Stop(ctx)
}

func masterKeyPath(c Config) string { return filepath.Join(c.DataDir, "master.key") }

// ownMasterKey reads the master key of the private PostgreSQL, making it (0600) when there is none.
func ownMasterKey(path string) ([]byte, error) {
	key, err := readMasterKey(path)
	if errors.Is(err, os.ErrNotExist) {
		key = secret.Bytes(keyring.MasterKeySize)
		return key, writeOnce(path, base64.StdEncoding.EncodeToString(key)+"\n")
	}
	return key, err
}

func readMasterKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := decodeMasterKey(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s does not hold a master key: %w", path, err)
	}
	return key, nil
}

// writeOnce writes a file that must be whole or absent, also after a power failure: what the database commits cannot be
// opened without it.
func writeOnce(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename in the directory last.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
