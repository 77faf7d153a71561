package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

var errDisk = errors.New("disk full")

// TestErrorsOfTheDisk: that the file could not be written or read is not taken for its end, nor for damage.
func TestErrorsOfTheDisk(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		for _, p := range passphrases {
			file := write(t, f, p, fleet()...)
			for _, n := range []int{0, 1, len(file) / 2, len(file) - 1} {
				in := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(errDisk))
				if _, _, err := readAll(in, p); !errors.Is(err, errDisk) {
					t.Errorf("%s, %d of %d bytes are read: %v", f, n, len(file), err)
				}
			}
			w, err := quick.newWriter(full{}, f, p)
			for range 200 {
				if err == nil {
					err = w.Write(record("a"))
				}
			}
			if err == nil {
				err = w.Close()
			}
			if !errors.Is(err, errDisk) {
				t.Errorf("%s is written to a full disk: %v", f, err)
			}
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errDisk }

// TestAMillionRecordsDoNotSitInMemory: many are written and read at once through a pipe, and what is kept does not grow with
// them, but for what finds duplicates.
func TestAMillionRecordsDoNotSitInMemory(t *testing.T) {
	const records, perRecord, slack = 5000, 64, 1 << 20
	for _, f := range formats {
		for _, p := range passphrases {
			in, out := io.Pipe()
			go func() {
				w, err := quick.newWriter(out, f, p)
				for i := 0; i < records && err == nil; i++ {
					r := record(fmt.Sprintf("user %d %s", i, strings.Repeat("x", 400)))
					r.ID = fmt.Sprint(i)
					err = w.Write(r)
				}
				if err == nil {
					err = w.Close()
				}
				out.CloseWithError(err)
			}()
			n, before := 0, heap()
			for _, err := range quick.read(in, func() (string, error) { return p, nil }) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == records-1 {
					if grown := heap() - before; grown > records*perRecord+slack {
						t.Errorf("%s, passphrase %q: %d bytes for %d records", f, p, grown, records)
					}
				}
			}
			if n != records {
				t.Errorf("%s: %d records", f, n)
			}
		}
	}
}

func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// TestReadingStopsWhenNobodyWantsMore: a loop may be left at any record.
func TestReadingStopsWhenNobodyWantsMore(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		n := 0
		for range quick.read(bytes.NewReader(write(t, f, "", fleet()...)), nil) {
			if n++; n == 2 {
				break
			}
		}
		if n != 2 {
			t.Errorf("%s: %d records", f, n)
		}
	}
}
