package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// directory is the outbox of development: letters end as files, which `menshen outbox` shows.
type directory struct {
	dir string
	of  message.Channel
	now func() time.Time
	mu  sync.Mutex // two tries of one letter must find each other's file
}

// NewDirectory returns a channel that writes every letter into a file of its own (0600) in dir, which is made if it is
// missing (0700). What is there has to be closed to others, since there will be codes in it. The channel recognises
// letters: a repeat takes the place of the first.
func NewDirectory(dir string, of message.Channel) (Channel, error) {
	if of != message.Email && of != message.Phone {
		return nil, fmt.Errorf("directory: there is no channel %q", of)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return nil, fmt.Errorf("directory: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("directory: %s is a link, not the directory itself", dir)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("directory: %s is open to others (%s), should be 0700", dir, info.Mode().Perm())
	}
	return &directory{dir: dir, of: of, now: time.Now}, nil
}

func (c *directory) Name() string     { return "directory" }
func (c *directory) Recognises() bool { return true }

func (c *directory) Deliver(ctx context.Context, l Letter, handOver func(context.Context) error) error {
	if err := l.checkID(); err != nil {
		return err
	}
	if err := handOver(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	name, err := c.nameFor(root, l.ID)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	entry := Entry{At: name.at, Channel: c.of, To: l.To, Subject: l.Subject, Text: l.Text, Code: l.Code}
	if err := write(root, name.String(), entry); err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	return nil
}

// nameFor is the name that the letter has already, or a new one.
func (c *directory) nameFor(root *os.Root, id string) (fileName, error) {
	names, err := list(root)
	if err != nil {
		return fileName{}, err
	}
	for _, name := range names {
		if name.id == id && name.of == c.of {
			return name, nil
		}
	}
	return fileName{c.now().UTC().Truncate(time.Microsecond), c.of, id}, nil
}

// write makes a file appear complete or not at all.
func write(root *os.Root, name string, entry Entry) error {
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(entry); err != nil {
		return err
	}
	unfinished := unfinishedPrefix + secret.ID()
	f, err := root.OpenFile(unfinished, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content.Bytes())
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(unfinished, name)
	}
	if err != nil {
		_ = root.Remove(unfinished)
	}
	return err
}
