package channel

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// maxAddress is the longest address, in bytes (RFC 5321 section 4.5.3.1.3, without the brackets).
const maxAddress = 254

// compose writes the e-mail (RFC 5322): our headers and the text, nothing else (C10).
func (c *smtpChannel) compose(l Letter) ([]byte, error) {
	if err := l.checkID(); err != nil {
		return nil, err
	}
	to, err := mail.ParseAddress(l.To)
	if err != nil || to.Address != l.To || !plain(l.To) || len(l.To) > maxAddress {
		return nil, fmt.Errorf("%w: not an e-mail address", ErrRefused)
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(c.from)
	m.ToMailAddress(to)
	m.Subject(oneLine(l.Subject))
	m.SetDateWithValue(c.now())
	m.SetMessageIDWithValue(l.ID + c.from.Address[strings.LastIndexByte(c.from.Address, '@'):])
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies, please
	m.SetBodyString(gomail.TypeTextPlain, unixLines.Replace(l.Text))
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("%w: the e-mail cannot be written", ErrRefused)
	}
	return out.Bytes(), nil
}

// unixLines leaves no carriage returns, which quoted-printable would mistake for ends of lines now and then.
var unixLines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// oneLine makes one line of words with single spaces in between. Line breaks have no place in a header, and a long row of
// spaces, once folded, is a line that looks empty: to some readers the end of the header (RFC 5322 section 4.2).
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}
