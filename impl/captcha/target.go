package captcha

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/menshen-auth/menshen/impl/internal/address"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// target is an address that a code may go to. Of an e-mail address it is the form in which addresses are compared: what is
// proved by a code is then exactly what is sent to, and what is stored.
type target struct {
	channel message.Channel
	address string // where a message is sent
	key     string // how addresses are compared
	country string // of a phone number, ISO 3166-1 alpha-2
	prefix  string // of a phone number: its block
}

// target reads an address as somebody typed it (C10).
func (s *Service) target(c message.Channel, account string) (target, error) {
	if c == message.Phone {
		e164, err := address.Phone(account, "", s.Region)
		if err != nil || !address.Mobile(e164) {
			return target{}, ErrAddress
		}
		return target{c, e164, e164, address.Country(e164), address.Prefix(e164)}, nil
	}
	_, key, err := address.Email(account)
	if err != nil {
		return target{}, ErrAddress
	}
	return target{channel: c, address: key, key: key}, nil
}

// limitKey is under which name the sends to a mailbox or phone are counted. It does not tell the address.
func (s *Service) limitKey(to target) string {
	return hex.EncodeToString(s.ring.MAC("limits", string(to.channel), address.Mailbox(to.key)))
}

// Countries are where SMS may go, by ISO 3166-1 alpha-2 code, each with the most that may go there in a day (UTC); 0 is
// as many as the budget of all together allows.
type Countries map[string]int

// allow tells whether something may be sent there. E-mail knows no countries.
func (c Countries) allow(to target) bool {
	_, ok := c[to.country]
	return ok || to.channel != message.Phone
}

var errCountries = errors.New("is not a list of countries; write for example CN,SG=50: two letters each (ISO 3166-1), and after = the most SMS in a day")

// UnmarshalText reads "CN,SG=50".
func (c *Countries) UnmarshalText(text []byte) error {
	parsed := Countries{}
	for part := range strings.SplitSeq(string(text), ",") {
		country, budget, limited := strings.Cut(strings.TrimSpace(part), "=")
		if len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return errCountries
		}
		if !address.Countries()[country] {
			return fmt.Errorf("%w; there is no country %s", errCountries, country)
		}
		if _, twice := parsed[country]; twice {
			return fmt.Errorf("%w; %s is there twice", errCountries, country)
		}
		parsed[country] = 0
		if limited {
			n, err := strconv.Atoi(budget)
			if err != nil || n < 1 {
				return errCountries
			}
			parsed[country] = n
		}
	}
	*c = parsed
	return nil
}
