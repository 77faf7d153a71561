package captcha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

// stopped is a clock that only a test moves.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

// rig is the service with answers that the test knows.
type rig struct {
	*Service
	t      *testing.T
	clock  *stopped
	answer string // of the newest image
	made   int
}

var (
	once sync.Once
	ring *keyring.Ring // one for all tests: to make the keys takes long
)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, clock: &stopped{time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}}
	store := dbtest.New(t)
	once.Do(func() {
		var err error
		ring, err = keyring.Open(t.Context(), store, r.clock, bytes.Repeat([]byte{7}, keyring.MasterKeySize))
		r.must(err)
	})
	settings := Settings{TTL: 180 * time.Second, ImagesPerIP: limit.Rule{Name: "captcha.ip", Max: 20, Per: time.Minute}}
	r.Service = New(settings, store, ring, r.clock, limit.New(store, r.clock), func(n int) string {
		r.made++
		r.answer = fmt.Sprintf("%0*d", n, 270000+r.made)
		return r.answer
	})
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// want checks an outcome; nil is success.
func (r *rig) want(what string, err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// image makes a captcha for logging in.
func (r *rig) image() Image {
	r.t.Helper()
	image, err := r.Create(r.t.Context(), "pool", "image", "login", "")
	r.must(err)
	return image
}

// from is a request of an address.
func from(ctx context.Context, ip string) context.Context {
	return reqinfo.With(ctx, &reqinfo.Info{IP: ip})
}
