// Package optional goes between pointers, as generated code marks what may be absent, and plain values, where absent is
// the zero value.
package optional

// Value returns what p points to; absent, the zero value.
func Value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Of returns a pointer to v; for the zero value, nil.
func Of[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
