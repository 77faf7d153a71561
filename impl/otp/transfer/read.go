package transfer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"unicode"

	"filippo.io/age/armor"
)

// Read reads a file in any of the formats, and finds out which. passphrase is asked at most once, and only of a file that is
// encrypted; it may be nil. An error that is a RecordError is about one record; any other is the last of the sequence. It
// reads from r once.
func Read(r io.Reader, passphrase func() (string, error)) iter.Seq2[Record, error] {
	return standard.read(r, passphrase)
}

func (l limits) read(r io.Reader, passphrase func() (string, error)) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in := &input{r: r}
		f := &file{limits: l, ask: passphrase, yield: yield, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
		err := f.read(bufio.NewReader(in))
		switch {
		case err == errStop || err == nil && in.err == nil:
		case in.err != nil:
			yield(Record{}, fmt.Errorf("read: %w", in.err))
		default:
			yield(Record{}, err)
		}
	}
}

// input remembers an error of what is read, which parsers would hide behind one of their own.
type input struct {
	r   io.Reader
	err error
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	if err != nil && err != io.EOF {
		i.err = err
	}
	return n, err
}

// errStop means that whoever reads wants no more.
var errStop = errors.New("stopped")

// file is a file being read.
type file struct {
	limits  limits
	ask     func() (string, error)
	yield   func(Record, error) bool
	inside  bool // of an encrypted file
	records int
	seed    maphash.Seed
	seen    map[uint64]struct{} // keyed hashes of what tells records apart
}

// byteOrderMark precedes UTF-8 on some systems.
var byteOrderMark = []byte("\xEF\xBB\xBF")

func (f *file) read(r *bufio.Reader) error {
	if head, _ := r.Peek(len(byteOrderMark)); bytes.Equal(head, byteOrderMark) {
		_, _ = r.Discard(len(byteOrderMark))
	}
	for {
		head, err := r.Peek(1)
		if err != nil {
			return nil // there are no records, or input has the error
		}
		if !unicode.IsSpace(rune(head[0])) {
			break
		}
		_, _ = r.Discard(1)
	}
	head, _ := r.Peek(len(armor.Header))
	switch {
	case string(head) == armor.Header:
		return f.encrypted(armor.NewReader(r))
	case bytes.HasPrefix(head, []byte("age-encryption.org/")):
		return f.encrypted(r)
	case head[0] == '<':
		return f.container(r)
	}
	return f.lines(r)
}

// passphrase asks for it.
func (f *file) passphrase() (string, error) {
	if f.ask == nil {
		return "", ErrNoPassphrase
	}
	passphrase, err := f.ask()
	if err == nil && passphrase == "" {
		err = ErrNoPassphrase
	}
	return passphrase, err
}

// record hands out a record, or what is wrong with it, unless that ends the file.
func (f *file) record(place string, r Record, err error) error {
	if final := (*finalError)(nil); errors.As(err, &final) {
		return final.err
	}
	if f.records++; f.records > f.limits.maxRecords {
		return ErrTooMany
	}
	if err == nil {
		err = r.check()
	}
	if err == nil && f.duplicate(r) {
		err = ErrDuplicate
	}
	if err != nil {
		r, err = Record{}, &RecordError{place, err}
	}
	if !f.yield(r, err) {
		return errStop
	}
	return nil
}

// duplicate tells whether the file had the record before: by its id, or else the same secret of the same user.
func (f *file) duplicate(r Record) bool {
	id := r.ID
	if id == "" {
		id = r.User + "\x00" + string(r.Key.Secret) // no id has a zero
	}
	hash := maphash.String(f.seed, id)
	_, found := f.seen[hash]
	f.seen[hash] = struct{}{}
	return found
}

// finalError is found in a record, but is about the file.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
