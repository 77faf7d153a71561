// Package port finds addresses for programs that tests start. It is not in the harness, so that the tests of what that is made of
// can use it too.
package port

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// ErrNone means that no port was free.
var ErrNone = errors.New("no port is free")

// Free returns an address of this machine on which nobody listens. Its port is outside of the range that connections take theirs
// from: until the program listens, or while it is away, nobody is given it.
func Free() (addr string, err error) {
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.N(10000)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", ErrNone
}

// Must is Free, and fails the test if there is none.
func Must(t testing.TB) string {
	t.Helper()
	addr, err := Free()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
