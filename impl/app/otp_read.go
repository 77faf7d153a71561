package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/menshen-auth/menshen/impl/otp/transfer"
)

// maxImported is how many records a file can have. They are held in memory, some 300 bytes each: a pipe can be read only once,
// and everything is tried before anything is kept.
const maxImported = 1_000_000

// read reads the file, and asks for its passphrase if it is encrypted.
func (o otpImportCommand) read(ctx context.Context, report io.Writer) (gathered, error) {
	file := pour(ctx, o.File)
	g, err := gather(transfer.Read(file, func() (string, error) { return o.ask(ctx) }), maxImported, report)
	return g, errors.Join(err, file.Close())
}

// gathered is what a file holds.
type gathered struct {
	records []transfer.Record
	wrong   int // records that cannot be read
}

// gather reads a file to its end, and reports the records that it cannot read. A file of none fails: most likely it is what is
// left when a command before it in a pipe has failed.
func gather(records iter.Seq2[transfer.Record, error], limit int, report io.Writer) (g gathered, err error) {
	for record, err := range records {
		var bad *transfer.RecordError
		switch {
		case errors.As(err, &bad):
			g.wrong++
			if _, err := fmt.Fprintln(report, err); err != nil {
				return g, err
			}
		case err != nil:
			return g, err
		case len(g.records) == limit:
			return g, fmt.Errorf("the file has more than %d authenticators; divide it", limit)
		default:
			g.records = append(g.records, record)
		}
	}
	if len(g.records)+g.wrong == 0 {
		return g, errors.New("the file has no authenticators")
	}
	return g, nil
}

// pour returns what is in a file; "-" is standard input. Unlike of the file itself, a Read ends with ctx: a pipe may stay open
// for long.
func pour(ctx context.Context, path string) io.ReadCloser {
	out, in := io.Pipe()
	stop := context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	go func() {
		defer stop()
		in.CloseWithError(copyFrom(path, in))
	}()
	return out
}

func copyFrom(path string, w io.Writer) error {
	if path == "-" {
		_, err := io.Copy(w, os.Stdin)
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, file)
	return errors.Join(err, file.Close())
}
