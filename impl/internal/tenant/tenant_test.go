package tenant

import (
	"fmt"
	"strings"
	"testing"
)

// TestSettingFromText: what operators write: a value for all, and others for some userpools. What is not understood is an
// error that says why, because a setting that silently is another one surprises.
func TestSettingFromText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // of the userpools "", "a", "b" and "a "; or what the error says
		"true":                   "true true true true",
		"false":                  "false false false false",
		"false,a=true":           "false true false false",
		"true,a=false,b=false":   "true false false true",
		"false, a=true , b=true": "false true true false",
		"":                       "neither true nor false",
		"yes":                    "neither true nor false",
		"TRUE":                   "neither true nor false",
		"1":                      "neither true nor false",
		"true,a=":                "neither true nor false",
		"true,a=maybe":           "neither true nor false",
		"true,a= false":          "neither true nor false",
		"a=true":                 "is not a value, followed by",
		"true,false":             "is not a value, followed by",
		"true,":                  "is not a value, followed by",
		",a=true":                "neither true nor false",
		"true;a=false":           "is not a value, followed by",
		"true,a=true,a=true":     "two values for the userpool a",
		"true,a=true,a=false":    "two values for the userpool a",
		"true,a=b=false":         "neither true nor false",
	} {
		s := For(true)
		err := s.UnmarshalText([]byte(text))
		got := fmt.Sprint(s.Of(""), s.Of("a"), s.Of("b"), s.Of("a "))
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
			want = "true true true true" // what it was
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// level is a type that reads itself.
type level string

func (l *level) UnmarshalText(text []byte) error {
	if len(text) != 1 {
		return fmt.Errorf("%q is no level", text)
	}
	*l = level(text)
	return nil
}

// TestSettingOfItsOwnType: a type that reads itself does so, and says itself what is wrong.
func TestSettingOfItsOwnType(t *testing.T) {
	t.Parallel()
	var s Setting[level]
	if err := s.UnmarshalText([]byte("1,pool=2")); err != nil || s.Of("other") != "1" || s.Of("pool") != "2" {
		t.Errorf("%+v, %v", s, err)
	}
	for _, text := range []string{"12", "1,pool=12", ""} {
		if err := s.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "is no level") || s.Of("pool") != "2" {
			t.Errorf("%q: %v, and the setting is %+v", text, err, s)
		}
	}
}

// TestFor: one value for all, whoever asks; the zero setting is the zero value.
func TestFor(t *testing.T) {
	t.Parallel()
	if s := For("x"); s.Of("") != "x" || s.Of("pool") != "x" {
		t.Errorf("%+v", s)
	}
	if s := (Setting[string]{}); s.Of("pool") != "" {
		t.Errorf("%+v", s)
	}
}

// TestUnreadableType: a type that cannot be read is a mistake of the program, found at the first start.
func TestUnreadableType(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a setting of ints was read")
		}
	}()
	var s Setting[int]
	t.Error(s.UnmarshalText([]byte("1")))
}
