// Package tenant is for settings that differ from userpool to userpool.
package tenant

import (
	"encoding"
	"fmt"
	"strings"
)

// Setting is a value for all userpools, and others for some.
type Setting[T any] struct {
	all  T
	some map[string]T
}

// For returns a setting that has one value for all userpools.
func For[T any](value T) Setting[T] { return Setting[T]{all: value} }

// Of returns the value for a userpool.
func (s Setting[T]) Of(userpoolID string) T {
	if value, ok := s.some[userpoolID]; ok {
		return value
	}
	return s.all
}

// UnmarshalText reads "value" or "value,<userpool id>=other value,...".
func (s *Setting[T]) UnmarshalText(text []byte) error {
	parsed := Setting[T]{some: map[string]T{}}
	for i, part := range strings.Split(string(text), ",") {
		id, value, own := strings.Cut(strings.TrimSpace(part), "=")
		switch _, twice := parsed.some[id]; {
		case own != (i > 0), own && id == "":
			return fmt.Errorf("is not a value, followed by ,<userpool id>=<value> for userpools that have another")
		case !own:
			if err := read(id, &parsed.all); err != nil {
				return err
			}
			continue
		case twice:
			return fmt.Errorf("has two values for the userpool %s", id)
		}
		var v T
		if err := read(value, &v); err != nil {
			return err
		}
		parsed.some[id] = v
	}
	*s = parsed
	return nil
}

func read[T any](text string, value *T) error {
	switch v := any(value).(type) {
	case encoding.TextUnmarshaler:
		return v.UnmarshalText([]byte(text))
	case *bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("is neither true nor false")
		}
		*v = text == "true"
		return nil
	}
	panic(fmt.Sprintf("tenant: no text for %T", value))
}
