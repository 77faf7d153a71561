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

// prompt asks for a secret at the terminal, which does not show it. An interrupt ends it and leaves the terminal as it was.
func prompt(ctx context.Context, question string) (string, error) {
	stdin := int(os.Stdin.Fd())
	if !term.IsTerminal(stdin) {
		return "", errors.New("there is no terminal to ask for the passphrase; write it into a file and say --passphrase-file")
	}
	before, err := term.GetState(stdin)
	if err != nil {
		return "", err
	}
	fmt.Fprint(os.Stderr, question)
	text, err := unlessInterrupted(ctx, func() ([]byte, error) { return term.ReadPassword(stdin) })
	if ctx.Err() != nil { // who reads goes on waiting, and would put back what it has changed only after that
		err = errors.Join(ctx.Err(), term.Restore(stdin, before))
	}
	fmt.Fprintln(os.Stderr)
	return string(text), err
}

// confirm asks at the terminal whether something is meant.
func confirm(ctx context.Context, question string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("there is no terminal to ask whether this is meant; say --yes")
	}
	fmt.Fprint(os.Stderr, question+" (yes/no) ")
	answer, err := unlessInterrupted(ctx, func() (string, error) { return bufio.NewReader(os.Stdin).ReadString('\n') })
	if err != nil && err != io.EOF {
		return err
	}
	if strings.ToLower(strings.TrimSpace(answer)) != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// unlessInterrupted waits for a read that knows no context. An interrupt leaves it behind: the program is about to end.
func unlessInterrupted[T any](ctx context.Context, read func() (T, error)) (result T, err error) {
	done := make(chan error, 1)
	var got T
	go func() {
		var err error
		got, err = read()
		done <- err
	}()
	select {
	case err = <-done:
		return got, err
	case <-ctx.Done():
		return result, ctx.Err()
	}
}
