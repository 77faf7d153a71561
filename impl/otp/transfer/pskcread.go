package transfer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/menshen-auth/menshen/impl/internal/otpauth"
)

// What is wrong with a key of a container.
var (
	ErrAlgorithm = errors.New("not a time-based key (TOTP)")
	ErrResponse  = errors.New("the code is not one of decimal digits without a check digit")
	ErrPolicy    = errors.New("the policy of the key asks for what is not supported (RFC 6030 section 5)")
	ErrMalformed = errors.New("a value is missing or malformed")
)

// container reads a key container (RFC 6030 section 4).
func (f *file) container(r *bufio.Reader) error {
	d := newDocument(r)
	root, err := d.root()
	if err != nil {
		return err
	}
	if root.name.Local != "KeyContainer" || root.name.Space != nsPSKC {
		return ErrFormat
	}
	if version := root.attribute("Version"); version != "1.0" && version != "1" {
		return errors.New("the key container is not of version 1.0")
	}
	e := &encryption{file: f}
	for packages, keys := 0, 0; ; {
		part, err := d.next()
		if err == nil && part == nil && packages == 0 {
			return errors.New("the key container has no key packages; those of drafts of RFC 6030 are not read")
		}
		if err != nil || part == nil {
			return err
		}
		if part.name.Space != nsPSKC {
			continue // a signature
		}
		switch part.name.Local {
		case "EncryptionKey", "MACMethod":
			if err := e.declare(part, keys); err != nil {
				return err
			}
		case "KeyPackage":
			packages++
			key, err := part.child("Key")
			if key == nil && err == nil {
				continue // a device without a key
			}
			keys++
			var record Record
			if err == nil {
				record, err = e.record(part, key)
			}
			if err := f.record(fmt.Sprintf("key %d", keys), record, err); err != nil {
				return err
			}
		}
	}
}

// declare takes what precedes the keys.
func (e *encryption) declare(part *element, keys int) error {
	declared := &e.key
	if part.name.Local == "MACMethod" {
		declared = &e.mac
	}
	if *declared != nil || keys > 0 {
		return fmt.Errorf("%s is given twice, or after keys", part.name.Local)
	}
	*declared = part
	return nil
}

// record reads a key. Of its device there is the serial number, for a key that has no name, and the user.
func (e *encryption) record(pkg, key *element) (Record, error) {
	s := selector{}
	data := s.find(key, "Data")
	r := Record{ID: key.attribute("Id"), Name: s.find(key, "FriendlyName").words()}
	if r.Name == "" {
		r.Name = s.find(pkg, "DeviceInfo", "SerialNo").words()
	}
	if user := s.find(key, "UserId"); user != nil {
		r.User = parseDN(user.words())
	} else {
		r.User = parseDN(s.find(pkg, "DeviceInfo", "UserId").words())
	}
	r.Key = otpauth.Key{
		Issuer: s.find(key, "Issuer").words(), Account: r.User,
		Algorithm: otpauth.DefaultAlgorithm, Digits: otpauth.DefaultDigits, Period: otpauth.DefaultPeriod,
	}
	parameters, policy := s.find(key, "AlgorithmParameters"), s.find(key, "Policy")
	if s.err != nil {
		return Record{}, s.err
	}
	for _, step := range []func() error{
		func() error { return profile(key.attribute("Algorithm"), data) },
		func() error { return response(&r.Key, parameters) },
		func() error { return allowed(policy) },
		func() error { return e.data(&r, data) },
		func() error { return extensions(&r, key) },
	} {
		if err := step(); err != nil {
			return Record{}, err
		}
	}
	return r, nil
}

// selector keeps the first error of many look-ups.
type selector struct{ err error }

func (s *selector) find(e *element, path ...string) *element {
	found, err := e.find(path...)
	if s.err == nil {
		s.err = err
	}
	return found
}

// profile tells whether the key is a time-based one. The attribute is optional; a key that has a time is one of time.
func profile(algorithm string, data *element) error {
	switch strings.ToLower(algorithm) {
	case algorithmTOTP, nsPSKC + "#totp":
		return nil
	case nsPSKC + ":hotp", nsPSKC + "#hotp":
		return otpauth.ErrHOTP
	case "":
		interval, err := data.child("TimeInterval")
		if interval != nil || err != nil {
			return err
		}
	}
	return ErrAlgorithm
}

// response reads how codes are made and shown (RFC 6030 section 4.3.4).
func response(k *otpauth.Key, parameters *element) (err error) {
	s := selector{}
	suite, format := s.find(parameters, "Suite"), s.find(parameters, "ResponseFormat")
	if s.err != nil {
		return s.err
	}
	if name := strings.TrimSpace(suite.words()); name != "" {
		if k.Algorithm, err = otpauth.ParseAlgorithm(name); err != nil {
			return err
		}
	}
	if format == nil {
		return nil
	}
	if encoding := format.attribute("Encoding"); encoding != "" && !strings.EqualFold(encoding, "DECIMAL") {
		return ErrResponse
	}
	for _, name := range []string{"CheckDigits", "CheckDigit"} { // as the schema and as the text of the RFC has it
		if check := format.attribute(name); check != "" && check != "0" && !strings.EqualFold(check, "false") {
			return ErrResponse
		}
	}
	if length := format.attribute("Length"); length != "" {
		if k.Digits, err = strconv.Atoi(length); err != nil {
			return otpauth.ErrDigits
		}
	}
	return nil
}

// allowed tells whether the key may be used for codes, as far as its policy is understood; otherwise it may not (RFC 6030
// section 5). Dates are passed over: they are those of a hardware token's battery.
func allowed(policy *element) error {
	if policy == nil {
		return nil
	}
	usages, otp := 0, false
	for _, c := range policy.children {
		switch name := c.name; {
		case name.Space == nsPSKC && (name.Local == "StartDate" || name.Local == "ExpiryDate"):
		case name.Space == nsPSKC && name.Local == "KeyUsage":
			usages++
			otp = otp || strings.TrimSpace(c.text) == "OTP"
		case name.Space == nsPSKC && name.Local == "PINPolicy" && c.attribute("PINUsageMode") == "Local":
			// The device asks for the PIN; no server sees it.
		default:
			return ErrPolicy
		}
	}
	if usages > 0 && !otp {
		return ErrPolicy
	}
	return nil
}

// data reads the values (RFC 6030 section 4.2).
func (e *encryption) data(r *Record, data *element) (err error) {
	if r.Key.Secret, err = e.value(data, "Secret"); err != nil {
		return err
	}
	if r.Key.Secret == nil {
		return otpauth.ErrNoSecret
	}
	period, drift := int64(r.Key.Period), int64(0)
	for _, field := range []struct {
		name   string
		number *int64
	}{{"Time", &r.LastStep}, {"TimeInterval", &period}, {"TimeDrift", &drift}} {
		if err := e.number(data, field.name, field.number); err != nil {
			return err
		}
	}
	r.Key.Period, r.Drift = int(period), int(drift)
	return nil
}

// value returns what is in an element of Data: octets of a secret, the text of a number, or either decrypted; nil if it is
// absent.
func (e *encryption) value(data *element, name string) ([]byte, error) {
	s := selector{}
	value := s.find(data, name)
	plain, encrypted, mac := s.find(value, "PlainValue"), s.find(value, "EncryptedValue"), s.find(value, "ValueMAC")
	switch {
	case s.err != nil:
		return nil, s.err
	case value == nil:
		return nil, nil
	case (plain == nil) == (encrypted == nil):
		return nil, ErrMalformed
	case encrypted != nil:
		return e.open(encrypted, mac)
	case name != "Secret":
		return []byte(strings.TrimSpace(plain.text)), nil
	}
	secret, ok := plain.base64()
	if !ok {
		return nil, ErrMalformed
	}
	return secret, nil
}

// number reads a number, if there is one. Encrypted, it may also be binary, in network order, which python-pskc writes.
func (e *encryption) number(data *element, name string, number *int64) error {
	text, err := e.value(data, name)
	if text == nil || err != nil {
		return err
	}
	if *number, err = strconv.ParseInt(string(text), 10, 64); err == nil {
		return nil
	}
	value, err := data.find(name, "EncryptedValue")
	if value == nil || err != nil || len(text) == 0 || len(text) > 7 {
		return fmt.Errorf("%s: %w", name, ErrMalformed)
	}
	*number = int64(binary.BigEndian.Uint64(slices.Concat(make([]byte, 8-len(text)), text)))
	return nil
}

// extensions reads what a Writer adds.
func extensions(r *Record, key *element) error {
	for _, extension := range key.children {
		if extension.name.Space != nsPSKC || extension.name.Local != "Extensions" {
			continue
		}
		for _, c := range extension.children {
			if c.name.Space != nsOwn {
				continue
			}
			switch c.name.Local {
			case "Account":
				r.Key.Account = c.words()
			case "LastStep":
				step, err := strconv.ParseInt(strings.TrimSpace(c.text), 10, 64)
				if err != nil {
					return fmt.Errorf("LastStep: %w", ErrMalformed)
				}
				r.LastStep = step
			}
		}
	}
	return nil
}
