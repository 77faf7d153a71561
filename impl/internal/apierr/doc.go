// Package apierr is the one form in which Menshen refuses. A capability declares its refusals with Define in its own
// errors.go; services return them, with a hidden cause where there is one; only the edge (envelope, httpapi) turns them
// into an answer. Any other error that reaches the edge is an internal error, whose text nobody outside sees.
package apierr
