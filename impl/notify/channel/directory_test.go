package channel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/message"
)

func newDirectory(t *testing.T, dir string, of message.Channel, at *time.Time) Channel {
	t.Helper()
	c, err := NewDirectory(dir, of)
	if err != nil {
		t.Fatal(err)
	}
	if at != nil {
		c.(*directory).now = func() time.Time { return *at }
	}
	return c
}

func readOutbox(t *testing.T, dir string) []Entry {
	t.Helper()
	entries, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		names = append(names, file.Name())
	}
	return names
}

// TestDirectory: letters of both kinds become files that only the owner can read, of which everything can be read back,
// oldest first.
func TestDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "outbox")
	at := time.Date(2026, 5, 4, 12, 0, 0, 123456789, time.FixedZone("CST", 8*3600))
	emails, texts := newDirectory(t, dir, message.Email, &at), newDirectory(t, dir, message.Phone, &at)
	first, second := anEmail(), anSMS()
	first.Subject, first.Text = "您的 <验证码> & more", "\"一\"\n二\n"
	second.ID = "65f0c0ffee00000000000000" // sorted by ID, it would be the first
	for _, step := range []struct {
		c Channel
		l Letter
	}{{emails, first}, {texts, second}} {
		if got, err := deliver(t, step.c, step.l); got != taken {
			t.Fatal(err)
		}
		at = at.Add(time.Minute)
	}
	names := files(t, dir)
	want := []string{"20260504T040000.123456Z-email-65f0c0ffee00000000000001.json", "20260504T040100.123456Z-phone-65f0c0ffee00000000000000.json"}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("files are %s, want %s", names, want)
	}
	for path, mode := range map[string]fs.FileMode{dir: fs.ModeDir | 0o700, filepath.Dir(dir): fs.ModeDir | 0o700, filepath.Join(dir, names[0]): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v, want %s", path, info.Mode(), err, mode)
		}
	}
	utc := time.Date(2026, 5, 4, 4, 0, 0, 123456000, time.UTC)
	entries := []Entry{
		{utc, message.Email, canaryTo, first.Subject, first.Text, canaryCode},
		{utc.Add(time.Minute), message.Phone, canaryTel, "", canaryText, canaryCode},
	}
	if got := readOutbox(t, dir); fmt.Sprint(got) != fmt.Sprint(entries) {
		t.Errorf("read %+v, want %+v", got, entries)
	}
	content, err := os.ReadFile(filepath.Join(dir, names[0]))
	const readable = `{
  "at": "2026-05-04T04:00:00.123456Z",
  "channel": "email",
  "to": "canary.recipient@example.org",
  "subject": "您的 <验证码> & more",
  "text": "\"一\"\n二\n",
  "code": "739164"
}
`
	if err != nil || string(content) != readable {
		t.Errorf("%v, the file is:\n%s", err, content)
	}
	if emails.Name() != "directory" || !emails.Recognises() {
		t.Error("a repeat takes the place of the first")
	}
}

// TestDirectoryRecognises: a repeat, even of another process or of many at once, leaves one file, with the time of the
// first try and what the last one said. The same ID by another channel is another letter.
func TestDirectoryRecognises(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	closeToOthers(t, dir)
	c := newDirectory(t, dir, message.Email, &at)
	if got, err := deliver(t, c, anEmail()); got != taken {
		t.Fatal(err)
	}
	c = newDirectory(t, dir, message.Email, nil)
	l := anEmail()
	l.Text = "again\n"
	if got, err := deliver(t, c, l); got != taken {
		t.Fatal(err)
	}
	if got := readOutbox(t, dir); len(got) != 1 || got[0].Text != "again\n" || !got[0].At.Equal(at) {
		t.Errorf("%+v", got)
	}
	if _, err := deliver(t, newDirectory(t, dir, message.Phone, &at), anSMS()); err != nil || len(files(t, dir)) != 2 {
		t.Errorf("%v, %s", err, files(t, dir))
	}
	l.ID = "new"
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if got, err := deliver(t, c, l); got != taken {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if names := files(t, dir); len(names) != 3 {
		t.Errorf("files are %s", names)
	}
}

func closeToOthers(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// TestDirectoryForeignFiles: what is no letter is neither shown nor deleted, nor followed to where it points.
func TestDirectoryForeignFiles(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	closeToOthers(t, dir)
	if got, err := deliver(t, newDirectory(t, dir, message.Email, &at), anEmail()); got != taken {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside.json")
	letter, err := os.ReadFile(filepath.Join(dir, files(t, dir)[0]))
	if err != nil {
		t.Fatal(err)
	}
	write := func(path string, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(outside, letter)
	const old = "20200101T000000.000000Z-email-"
	for _, name := range []string{"notes.txt", "x" + old + "a.json", old + "a.json.bak", old + "a.b.json", "20201301T000000.000000Z-email-a.json", "20200101T000000.000000Z-fax-a.json", ".hidden"} {
		write(filepath.Join(dir, name), letter)
	}
	if err := errors.Join(
		os.Symlink(outside, filepath.Join(dir, old+"link.json")),
		os.Mkdir(filepath.Join(dir, old+"dir.json"), 0o700),
		os.Mkdir(filepath.Join(dir, unfinishedPrefix+"dir"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	before := len(files(t, dir))
	if got := readOutbox(t, dir); len(got) != 1 {
		t.Errorf("%d letters", len(got))
	}
	// These have the name of a letter, and nobody else's: they are not shown, but deleted.
	write(filepath.Join(dir, old+"empty.json"), nil)
	write(filepath.Join(dir, old+"other.json"), []byte(`{"hello":"world"}`))
	write(filepath.Join(dir, old+"long.json"), append(letter, make([]byte, maxEntry)...))
	if got := readOutbox(t, dir); len(got) != 1 {
		t.Errorf("%d letters", len(got))
	}
	if err := Prune(dir, at); err != nil {
		t.Error(err)
	}
	if n := len(files(t, dir)); n != before {
		t.Errorf("%d files of %d after pruning: %s", n, before, files(t, dir))
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

// TestPrune: letters older than a time go, and what a killed process left; an outbox that does not exist is empty.
func TestPrune(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), time.Now().Add(-time.Hour).Truncate(time.Second)
	closeToOthers(t, dir)
	c := newDirectory(t, dir, message.Email, &at)
	for i := range 4 {
		l := anEmail()
		l.ID = fmt.Sprint(i)
		if got, err := deliver(t, c, l); got != taken {
			t.Fatal(err)
		}
		at = at.Add(time.Minute)
	}
	left := filepath.Join(dir, unfinishedPrefix+"x")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Prune(dir, at.Add(-2*time.Minute)); err != nil || len(readOutbox(t, dir)) != 2 || len(files(t, dir)) != 3 {
		t.Errorf("%v, %s", err, files(t, dir))
	}
	if err := Prune(dir, time.Now().Add(time.Hour)); err != nil || len(files(t, dir)) != 0 {
		t.Errorf("%v, %s", err, files(t, dir))
	}
	missing := filepath.Join(dir, "missing")
	if got, err := Read(missing); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if err := Prune(missing, at); err != nil {
		t.Error(err)
	}
}

// TestDirectoryFails: where nothing could be written, nothing was taken, and nothing is left behind. A directory that is
// open to others, or is somewhere else, is refused at the start.
func TestDirectoryFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closeToOthers(t, dir)
	c := newDirectory(t, dir, message.Email, nil)
	lost := errors.New("the database is gone")
	if err := c.Deliver(t.Context(), anEmail(), func(context.Context) error { return lost }); !errors.Is(err, lost) || len(files(t, dir)) != 0 {
		t.Errorf("%v, %s", err, files(t, dir))
	}
	l := anEmail()
	l.ID = "../x"
	if got, err := deliver(t, c, l); got != refusedly {
		t.Error(err)
	}
	// A directory in the place of the letter: renaming fails.
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	c.(*directory).now = func() time.Time { return at }
	name := fileName{at, message.Email, anEmail().ID}.String()
	if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := deliver(t, c, anEmail()); got != later || len(files(t, dir)) != 1 {
		t.Errorf("%s: %v, %s", got, err, files(t, dir))
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := deliver(t, c, anEmail()); got != later {
		t.Errorf("without a directory: %v", err)
	}

	open, file, link := t.TempDir(), filepath.Join(t.TempDir(), "file"), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Chmod(open, 0o750), os.WriteFile(file, nil, 0o600), os.Symlink(open, link)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{open: "0700", file: "not a directory", link: "link"} {
		if _, err := NewDirectory(path, message.Email); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, err := NewDirectory(t.TempDir(), "fax"); err == nil {
		t.Error("a channel that nobody knows")
	}
}
