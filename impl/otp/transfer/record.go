package transfer

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

// Format is how a file is written.
type Format string

// The formats; package transfer tells where they come from.
const (
	PSKC    Format = "pskc"
	OTPAuth Format = "otpauth"
)

// Record is one authenticator on its way. Texts have at most 512 bytes of UTF-8 and no control characters.
type Record struct {
	User string // who has it, by whichever identifier the operator chose; of a file without one, the account, or empty
	ID   string // of the factor, unlike any other in the file; may be empty
	Name string // the authenticator's name; may be empty
	Key  otpauth.Key
	// LastStep is the newest time step whose code was used (RFC 6238 section 5.2), 0 if that is unknown, less than 2^31. One in
	// the future locks the user out until then: whoever imports has the clock to judge it by.
	LastStep int64
	// Drift is how far the authenticator's clock is from the server's, in time steps: negative when it is slow, 0 if that is
	// unknown (RFC 6030 section 4.2, TimeDrift).
	Drift int
}

// maxText is the most bytes that each text of a record has.
const maxText = 512

// What ends reading or writing.
var (
	ErrFormat       = errors.New("neither a PSKC key container (RFC 6030) nor otpauth URIs, one a line")
	ErrPassphrase   = errors.New("the passphrase is wrong, or the file was altered")
	ErrNoPassphrase = errors.New("the file is encrypted, and there is no passphrase")
	ErrAltered      = errors.New("the file was altered or is damaged")
	ErrPreSharedKey = errors.New("the file is encrypted with a key that was agreed on elsewhere; only passphrases are supported")
	ErrCertificate  = errors.New("the file is encrypted for the holder of a private key; only passphrases are supported")
	ErrTooMany      = errors.New("the file has too many records")
)

// What is wrong with a record; the errors of otpauth.Key.Check and otpauth.Parse too.
var (
	ErrDuplicate = errors.New("the same authenticator is in the file already")
	ErrText      = errors.New("is too long, has a control character or is not UTF-8")
	ErrRange     = errors.New("is out of range")
)

// RecordError is about one record; those after it are read all the same. It wraps what is wrong.
type RecordError struct {
	Place string // "line 3" of a file of URIs, "key 3" of a key container, "record 3" of those written; the first is 1
	Err   error
}

func (e *RecordError) Error() string { return e.Place + ": " + e.Err.Error() }

func (e *RecordError) Unwrap() error { return e.Err }

// check tells what keeps a record from being written, or from being handed out.
func (r Record) check() error {
	for _, field := range []struct{ name, text string }{
		{"user", r.User}, {"id", r.ID}, {"name", r.Name}, {"issuer", r.Key.Issuer}, {"account", r.Key.Account},
	} {
		if len(field.text) > maxText || !utf8.ValidString(field.text) || strings.ContainsFunc(field.text, unprintable) {
			return fmt.Errorf("the %s %w", field.name, ErrText)
		}
	}
	if r.LastStep < 0 || r.LastStep > math.MaxInt32 { // xs:int, as all of RFC 6030's times
		return fmt.Errorf("the last time step %w", ErrRange)
	}
	if r.Drift < math.MinInt32 || r.Drift > math.MaxInt32 {
		return fmt.Errorf("the drift %w", ErrRange)
	}
	return r.Key.Check()
}

// unprintable is true of control characters, and of the two others that XML cannot hold.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF }
