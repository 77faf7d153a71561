package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// askForIt is the name of a file that stands for the person at the terminal, or else for standard input.
const askForIt = "-"

// secretReader is where a command has secrets from: files, or standard input, of which each takes a line. An argument or a
// variable could be read by others on the machine.
type secretReader struct {
	in       *bufio.Reader
	terminal bool
}

func newSecretReader(in *os.File) *secretReader {
	return &secretReader{bufio.NewReader(in), term.IsTerminal(int(in.Fd()))}
}

// read returns the first line of a file.
func (r *secretReader) read(ctx context.Context, file, what string) (string, error) {
	if file == askForIt && r.terminal {
		return prompt(ctx, what+": ")
	}
	source := r.in
	if file != askForIt {
		opened, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer func() { _ = opened.Close() }()
		source = bufio.NewReader(opened)
	}
	line, err := unlessInterrupted(ctx, func() (string, error) { return source.ReadString('\n') })
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("%s: there is none in the first line of %s", what, map[bool]string{true: "standard input", false: file}[file == askForIt])
	}
	return line, nil
}
