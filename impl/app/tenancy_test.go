package app

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/tenancy"
)

// TestPrintedSecretThatDoesNotWork: who interrupts a command after the secret was printed, before it is the application's, is told
// that it is not; and the one of before works.
func TestPrintedSecretThatDoesNotWork(t *testing.T) {
	t.Parallel()
	o := newTown(t)
	s := tenancy.New(o.Store, o.ring, o.Clock)
	before, err := o.Store.Tenancy().DefaultApplication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	var printed []byte
	err = cards{}.secret(writer(func(text []byte) { printed = text; interrupt() }), func(show func(card) error) error {
		return s.RotateSecret(ctx, before.ID, withSecret(show))
	})
	if !bytes.Contains(printed, []byte("secret")) || err == nil || !strings.Contains(told(ctx, err).Error(), "do not use the secret") {
		t.Errorf("%v after\n%s", err, printed)
	}
	after, err := o.Store.Tenancy().DefaultApplication(t.Context())
	if err != nil || !bytes.Equal(before.SecretHash, after.SecretHash) {
		t.Errorf("the secret was replaced: %v", err)
	}
}

// TestCardsPlayNoTricks: a name that was given where nobody looked at it does not play with the terminal of who lists it.
func TestCardsPlayNoTricks(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	shown := showPool(db.Userpool{ID: "7", Name: "\x1b[2J\n8", Logo: "\x07"})
	if err := errors.Join(cards{}.list(&text, []card{shown}), cards{}.one(&text, shown)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.String(), "\x1b\x07") || strings.Contains(text.String(), "\n8") {
		t.Errorf("%q", text.String())
	}
}
