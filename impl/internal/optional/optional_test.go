package optional

import "testing"

// TestRoundTrip: absent is the zero value and back; anything else survives, in a place of its own.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	if Value[string](nil) != "" || Of("") != nil || Value[bool](nil) || Of(false) != nil || Of(0) != nil {
		t.Error("absent is not the zero value")
	}
	text := "门"
	p := Of(text)
	if p == nil || Value(p) != text || p == &text {
		t.Errorf("%q came back as %q", text, Value(p))
	}
	text = "changed"
	if *p != "门" {
		t.Error("the pointer is to the original")
	}
	empty := ""
	if Value(&empty) != "" {
		t.Error("present and empty is not empty")
	}
}
