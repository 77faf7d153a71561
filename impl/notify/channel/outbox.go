package channel

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/message"
)

// Entry is a letter in the outbox of a directory.
type Entry struct {
	At      time.Time       `json:"at"` // of the first try
	Channel message.Channel `json:"channel"`
	To      string          `json:"to"`
	Subject string          `json:"subject,omitempty"`
	Text    string          `json:"text"`
	Code    string          `json:"code,omitempty"`
}

// fileName is 20260504T120000.000000Z-email-ID.json: sorted by name is sorted by time.
type fileName struct {
	at time.Time // UTC, in microseconds
	of message.Channel
	id string
}

const (
	nameTime         = "20060102T150405.000000Z"
	unfinishedPrefix = ".unfinished-"
	maxEntry         = 1 << 20 // bytes of a file; a letter is far from it
)

var nameForm = regexp.MustCompile(`^([0-9]{8}T[0-9]{6}\.[0-9]{6}Z)-(email|phone)-([0-9A-Za-z_-]{1,64})\.json$`)

func (n fileName) String() string {
	return n.at.Format(nameTime) + "-" + string(n.of) + "-" + n.id + ".json"
}

func parseName(name string) (fileName, bool) {
	m := nameForm.FindStringSubmatch(name)
	if m == nil {
		return fileName{}, false
	}
	at, err := time.Parse(nameTime, m[1])
	return fileName{at, message.Channel(m[2]), m[3]}, err == nil
}

// list returns the names of letters, oldest first. Whatever else there is, by name or by kind, is somebody else's.
func list(root *os.Root) ([]fileName, error) {
	files, err := fs.ReadDir(root.FS(), ".") // sorted
	var names []fileName
	for _, file := range files {
		if name, ok := parseName(file.Name()); ok && file.Type().IsRegular() {
			names = append(names, name)
		}
	}
	return names, err
}

// Read returns the letters in the outbox, oldest first; none where there is no outbox yet. Files that are no letters are
// passed over.
func Read(dir string) ([]Entry, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	names, err := list(root)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, name := range names {
		entry, err := readEntry(root, name.String())
		switch {
		case errors.Is(err, fs.ErrNotExist): // pruned in between
		case err != nil:
			return nil, err
		case entry != nil:
			entries = append(entries, *entry)
		}
	}
	return entries, nil
}

// readEntry returns nil for a file that does not hold a letter.
func readEntry(root *os.Root, name string) (*Entry, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxEntry)) // longer ones are cut, and then no JSON
	if err != nil {
		return nil, err
	}
	var entry Entry
	if json.Unmarshal(content, &entry) != nil || entry.To == "" {
		return nil, nil
	}
	return &entry, nil
}

// Prune deletes the letters that were first tried before a time, and what a process that was killed left unfinished.
// Other files stay.
func Prune(dir string, before time.Time) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	names, err := list(root)
	if err != nil {
		return err
	}
	var errs []error
	remove := func(name string) {
		if err := root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, name := range names {
		if name.at.Before(before) {
			remove(name.String())
		}
	}
	files, err := fs.ReadDir(root.FS(), ".")
	for _, file := range files {
		if !file.Type().IsRegular() || !strings.HasPrefix(file.Name(), unfinishedPrefix) {
			continue
		}
		if info, err := file.Info(); err == nil && info.ModTime().Before(before) {
			remove(file.Name())
		}
	}
	return errors.Join(append(errs, err)...)
}
