package embedded

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	maxLogSize = 10 << 20 // bytes; a longer log is emptied at the next start
	tailLines  = 10
	tailSize   = 4 << 10 // bytes
)

// serverLog is the file that receives what the server prints.
type serverLog struct {
	file  *os.File
	start int64 // where the current run begins
}

// openServerLog opens the log in dir for appending. The server inherits the
// open file, so it needs no permission on it.
func openServerLog(dir string) (*serverLog, error) {
	f, err := os.OpenFile(filepath.Join(dir, "postgres.log"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	size := info.Size()
	if size > maxLogSize {
		if err := f.Truncate(0); err != nil {
			f.Close()
			return nil, err
		}
		size = 0
	}
	return &serverLog{file: f, start: size}, nil
}

// tail is the end of the log of this run, ready to be appended to an error.
func (l *serverLog) tail() string {
	info, err := l.file.Stat()
	if err != nil {
		return ""
	}
	from := max(l.start, info.Size()-tailSize)
	content, err := io.ReadAll(io.NewSectionReader(l.file, from, info.Size()-from))
	if err != nil || len(content) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return "\n\t" + strings.Join(lines, "\n\t")
}

func (l *serverLog) close() { l.file.Close() }
