package channel

import (
	"context"
	"errors"

	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

// Letter is a message, ready to be handed over.
type Letter struct {
	ID       string // the same for every try of one message, and never used for another
	To       string // an e-mail address, a phone number in E.164, or the id of a hook
	Subject  string // of an e-mail
	Text     string // plain text in UTF-8, lines ending in "\n"; of a hook, JSON
	Template message.Template
	Lang     lang.Lang
	Code     string // as it stands in Text; vendors with templates of their own fill it in themselves
	Minutes  int    // life of the code
}

// Channel hands letters over to somebody who carries them on.
type Channel interface {
	// Name is for logs and metrics: smtp, aliyun and so on.
	Name() string
	// Recognises tells whether the other side knows by its ID a letter that it has had before, and carries it only once.
	Recognises() bool
	// Deliver hands a letter over. It calls handOver once, right before the moment from which a failure may leave open
	// whether the letter was taken; an error of handOver stops it. A nil error means that the letter was taken. An error
	// that wraps ErrRefused is final, one that wraps ErrUncertain leaves open whether the letter was taken; after any
	// other the letter was certainly not taken, and another try makes sense. Errors hold neither address nor text.
	Deliver(ctx context.Context, l Letter, handOver func(context.Context) error) error
}

// How a delivery can fail.
var (
	ErrRefused   = errors.New("refused for good")
	ErrUncertain = errors.New("taken or not: unknown")
)
