package tenancy

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/authn"
)

// Limits of what people read: a name is part of the QR code of an authenticator, a logo of answers.
const (
	maxName = 64   // characters
	maxLogo = 2048 // bytes
)

// Label is what people see of a userpool or an application. Nil leaves it as it is.
type Label struct {
	Name *string
	Logo *string // URL of a picture; empty for none
}

// Lifetime is a setting that may be left to the service.
type Lifetime struct {
	OfService bool          // as long as the service's setting says
	For       time.Duration // in whole seconds
}

// Settings of an application that are to be changed; nil leaves one as it is.
type Settings struct {
	Label
	AccessTTL       *Lifetime // of access and ID tokens: 1 s to 24 h
	SessionTTL      *Lifetime // of sessions, and so of refresh tokens: 1 s to 10 years; of those that are opened from then on
	QRTTL           *Lifetime // Q2: of login QR codes: 1 s to 10 min
	TicketTTL       *Lifetime // Q2: of tickets: 1 s to 5 min
	BrowserExchange *bool     // tickets are exchanged and tokens renewed without the secret: for an application without a server
	NumberMatching  *bool     // Q5: who confirms a QR login picks the number that the page shows
	QRTypes         []string  // of login QR codes that may be made: of db.QRTypes, at least one
}

// check looks at a label.
func (l Label) check() error {
	if name := l.Name; name != nil {
		n := utf8.RuneCountInString(*name)
		printable := utf8.ValidString(*name) && !strings.ContainsFunc(*name, func(r rune) bool { return !unicode.IsPrint(r) })
		if n < 1 || n > maxName || !printable || strings.TrimSpace(*name) != *name {
			return ErrSetting.WithDetail(fmt.Sprintf("--name: 1 to %d printable characters, no space at either end", maxName))
		}
	}
	if l.Logo != nil && *l.Logo != "" {
		u, err := url.Parse(*l.Logo)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || !isASCII(*l.Logo) ||
			len(*l.Logo) > maxLogo {
			return ErrSetting.WithDetail(fmt.Sprintf("--logo: an http or https URL of at most %d characters, or empty", maxLogo))
		}
	}
	return nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// begin checks the settings of a new application, which needs a name, and writes them into it.
func (s Settings) begin(a *db.Application) error {
	if s.Name == nil {
		s.Name = new(string)
	}
	a.QRTypes = db.QRTypes
	_, err := s.apply(a)
	return err
}

// apply checks the settings and writes them into an application. It returns the names of those that were given.
func (s Settings) apply(a *db.Application) (given []string, err error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	note := func(name string, isGiven bool) bool {
		if isGiven {
			given = append(given, name)
		}
		return isGiven
	}
	if note("name", s.Name != nil) {
		a.Name = *s.Name
	}
	if note("logo", s.Logo != nil) {
		a.Logo = *s.Logo
	}
	for _, l := range []struct {
		name, flag string
		lifetime   *Lifetime
		max        time.Duration
		to         **int
	}{
		{"access_ttl", "--access-ttl", s.AccessTTL, 24 * time.Hour, &a.AccessSeconds},
		{"session_ttl", "--session-ttl", s.SessionTTL, 10 * 365 * 24 * time.Hour, &a.SessionSeconds},
		{"qr_ttl", "--qr-ttl", s.QRTTL, 10 * time.Minute, &a.QRSeconds},
		{"ticket_ttl", "--ticket-ttl", s.TicketTTL, 5 * time.Minute, &a.TicketSeconds},
	} {
		if note(l.name, l.lifetime != nil) {
			if *l.to, err = l.lifetime.seconds(l.flag, l.max); err != nil {
				return nil, err
			}
		}
	}
	if note("browser_exchange", s.BrowserExchange != nil) {
		a.BrowserExchange = *s.BrowserExchange
	}
	if note("number_matching", s.NumberMatching != nil) {
		a.NumberMatching = *s.NumberMatching
	}
	if note("qr_types", s.QRTypes != nil) {
		a.QRTypes, err = someOf("--qr-types", s.QRTypes, db.QRTypes)
	}
	return given, err
}

// seconds are what the database keeps: nil for the setting of the service.
func (l Lifetime) seconds(flag string, longest time.Duration) (*int, error) {
	if l.OfService {
		return nil, nil
	}
	if l.For < time.Second || l.For > longest || l.For%time.Second != 0 {
		return nil, ErrSetting.WithDetail(fmt.Sprintf("%s: 1s to %s in whole seconds, or default", flag, short(longest)))
	}
	n := int(l.For / time.Second)
	return &n, nil
}

// short is a duration without the parts that are zero.
func short(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return strings.TrimSuffix(d.String(), "0s")
}

// someOf returns which of all there are in list, each once and in their order.
func someOf(flag string, list, all []string) ([]string, error) {
	chosen := slices.DeleteFunc(slices.Clone(all), func(one string) bool { return !slices.Contains(list, one) })
	unknown := slices.ContainsFunc(list, func(one string) bool { return !slices.Contains(all, one) })
	if unknown || len(chosen) == 0 {
		return nil, ErrSetting.WithDetail(flag + ": one or more of " + strings.Join(all, ","))
	}
	return chosen, nil
}

// scopesOf checks the scopes of an access key.
func scopesOf(list []string) ([]string, error) { return someOf("--scopes", list, authn.Scopes) }
