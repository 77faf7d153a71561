package transfer

import (
	"errors"
	"fmt"
	"io"
)

// limits are how much work a passphrase takes, of a file written and at most of one read, and how long a file may be.
type limits struct {
	iterations, maxIterations int // PBKDF2
	workFactor, maxWorkFactor int // scrypt, as the power of two
	maxRecords                int // what is kept of each to find duplicates takes memory
}

// standard is what OWASP recommends for PBKDF2 with SHA-256, and what age does. At its maximum, a file takes some seconds, and
// 1 GiB for scrypt.
var standard = limits{iterations: 600_000, maxIterations: 10_000_000, workFactor: 18, maxWorkFactor: 20, maxRecords: 5_000_000}

var errClosed = errors.New("the file is complete already")

// Writer writes records to a file, one by one. It is not safe for concurrent use.
type Writer struct {
	encoder encoder
	records int
	err     error // of the file; sticks
}

// encoder writes what was checked.
type encoder interface {
	write(Record) error
	close() error
}

// NewWriter begins a file. With a passphrase it is encrypted, which takes a moment once; without, it is in plain text.
func NewWriter(w io.Writer, f Format, passphrase string) (*Writer, error) {
	return standard.newWriter(w, f, passphrase)
}

func (l limits) newWriter(w io.Writer, f Format, passphrase string) (*Writer, error) {
	var e encoder
	var err error
	switch f {
	case PSKC:
		e, err = newContainer(w, passphrase, l)
	case OTPAuth:
		e, err = newLines(w, passphrase, l)
	default:
		return nil, fmt.Errorf("format %q is neither %s nor %s", f, PSKC, OTPAuth)
	}
	if err != nil {
		return nil, err
	}
	return &Writer{encoder: e}, nil
}

// Write adds a record. A RecordError tells what is wrong with it, and leaves it out; any other error spoils the file.
func (w *Writer) Write(r Record) error {
	if w.err != nil {
		return w.err
	}
	w.records++
	if err := r.check(); err != nil {
		return &RecordError{fmt.Sprintf("record %d", w.records), err}
	}
	w.err = w.encoder.write(r)
	return w.err
}

// Close completes the file; until then it cannot be read. It does not close what it writes to.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.err = errClosed
	return w.encoder.close()
}
