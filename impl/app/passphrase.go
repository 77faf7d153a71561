package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// passphrase is where a command has the passphrase of a file from: another file, or the person at the terminal. An argument
// or a variable could be read by others on the machine.
type passphrase struct {
	PassphraseFile string `type:"existingfile" help:"File whose first line is the passphrase; without it, it is asked for."`
}

// minPassphrase is the shortest passphrase that is taken for a new file, in characters.
const minPassphrase = 12

// choose returns the passphrase of a new file.
func (p passphrase) choose(ctx context.Context) (string, error) {
	chosen, err := p.ask(ctx)
	if err != nil {
		return "", err
	}
	if len([]rune(chosen)) < minPassphrase {
		return "", fmt.Errorf("the passphrase is too short: at least %d characters, such as of `openssl rand -base64 18`",
			minPassphrase)
	}
	if p.PassphraseFile != "" {
		return chosen, nil
	}
	again, err := prompt(ctx, "The same again: ")
	if err == nil && again != chosen {
		err = errors.New("the two are not the same")
	}
	return chosen, err
}

// ask returns the passphrase of a file that is there.
func (p passphrase) ask(ctx context.Context) (string, error) {
	if p.PassphraseFile == "" {
		return prompt(ctx, "Passphrase of the file: ")
	}
	text, err := os.ReadFile(p.PassphraseFile)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("%s has no passphrase in its first line", p.PassphraseFile)
	}
	return line, nil
}
