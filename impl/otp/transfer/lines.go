package transfer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

// What a line has beyond the Key Uri Format. Apps pass over parameters that they do not know; these have a prefix, so that
// none of another system is taken for them.
const (
	paramUser     = "menshen_user" // if it is not the account
	paramID       = "menshen_id"
	paramName     = "menshen_name"
	paramLastStep = "menshen_last_step"
	paramDrift    = "menshen_drift"
)

// maxLine is the longest line, in bytes; one of ours has less than 10 KiB.
const maxLine = 16 << 10

// lines writes one URI a line.
type lines struct {
	w       *bufio.Writer
	closers []io.Closer
}

func newLines(w io.Writer, passphrase string, l limits) (*lines, error) {
	if passphrase == "" {
		return &lines{w: bufio.NewWriter(w)}, nil
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(l.workFactor)
	armored := armor.NewWriter(w)
	encrypted, err := age.Encrypt(armored, recipient)
	if err != nil {
		return nil, err
	}
	return &lines{bufio.NewWriter(encrypted), []io.Closer{encrypted, armored}}, nil
}

func (l *lines) write(r Record) error {
	var b strings.Builder
	b.WriteString(r.Key.String())
	add := func(name, value string) {
		b.WriteString("&" + name + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
	}
	// The account that is read has no colon and no space in front: what is not the user then, has the user beside it.
	if r.User != r.Key.Account || strings.Contains(r.User, ":") || strings.HasPrefix(r.User, " ") {
		add(paramUser, r.User)
	}
	if r.ID != "" {
		add(paramID, r.ID)
	}
	if r.Name != "" {
		add(paramName, r.Name)
	}
	if r.LastStep != 0 {
		add(paramLastStep, strconv.FormatInt(r.LastStep, 10))
	}
	if r.Drift != 0 {
		add(paramDrift, strconv.Itoa(r.Drift))
	}
	b.WriteByte('\n')
	_, err := l.w.WriteString(b.String())
	return err
}

func (l *lines) close() error {
	err := l.w.Flush()
	for _, c := range l.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

// lines reads URIs. Empty lines and those that begin with "#" are passed over. A file that does not begin with a URI is none.
func (f *file) lines(r io.Reader) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxLine)
	for n := 1; scanner.Scan(); n++ {
		text := strings.TrimSpace(scanner.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		if f.records == 0 && !strings.HasPrefix(strings.ToLower(text), "otpauth://") {
			return ErrFormat
		}
		record, err := parseLine(text)
		if err := f.record(fmt.Sprintf("line %d", n), record, err); err != nil {
			return err
		}
	}
	if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a line is longer than %d bytes: %w", maxLine, ErrFormat)
	}
	return nil // or input has the error
}

func parseLine(text string) (Record, error) {
	key, err := otpauth.Parse(text)
	if err != nil {
		return Record{}, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return Record{}, otpauth.ErrURI
	}
	query := u.Query()
	r := Record{User: key.Account, ID: query.Get(paramID), Name: query.Get(paramName), Key: key}
	if query.Has(paramUser) {
		r.User = query.Get(paramUser)
	}
	if query.Has(paramLastStep) {
		if r.LastStep, err = strconv.ParseInt(query.Get(paramLastStep), 10, 64); err != nil {
			return Record{}, fmt.Errorf("the last time step %w", ErrRange)
		}
	}
	if query.Has(paramDrift) {
		if r.Drift, err = strconv.Atoi(query.Get(paramDrift)); err != nil {
			return Record{}, fmt.Errorf("the drift %w", ErrRange)
		}
	}
	return r, nil
}

// encrypted reads a file of age. What age says of it may quote it, so its errors become ours.
func (f *file) encrypted(r io.Reader) error {
	if f.inside {
		return ErrFormat
	}
	f.inside = true
	identity := &passphraseIdentity{file: f}
	decrypted, err := age.Decrypt(r, identity)
	switch {
	case identity.err != nil:
		return identity.err
	case err != nil:
		return ErrAltered
	}
	plain := &input{r: decrypted}
	err = f.read(bufio.NewReader(plain))
	if plain.err != nil && err != errStop {
		return ErrAltered // or cut, or input below has the error
	}
	return err
}

// passphraseIdentity asks for the passphrase once a header is seen that needs one.
type passphraseIdentity struct {
	file *file
	err  error
}

// Unwrap implements age.Identity.
func (i *passphraseIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	var key []byte
	key, i.err = i.unwrap(stanzas)
	return key, i.err
}

func (i *passphraseIdentity) unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" {
		return nil, ErrCertificate
	}
	passphrase, err := i.file.passphrase()
	if err != nil {
		return nil, err
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(i.file.limits.maxWorkFactor)
	key, err := identity.Unwrap(stanzas)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity):
		return nil, ErrPassphrase
	case err != nil:
		return nil, fmt.Errorf("its passphrase costs more than a work factor of %d, or %w", i.file.limits.maxWorkFactor, ErrAltered)
	}
	return key, nil
}
