package apierr

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// Kind is what a refusal means, independent of dialect.
type Kind uint8

// The kinds.
const (
	Invalid          Kind = iota + 1 // the request makes no sense
	Unauthenticated                  // nobody, or not provably somebody
	Forbidden                        // somebody, who may not
	NotFound                         // no such thing
	MethodNotAllowed                 // the route exists for other methods
	Conflict                         // clashes with what is there
	TooLarge                         // the body is too long
	UnsupportedMedia                 // the body is of a type that the operation does not take
	Unprocessable                    // makes sense, but not now or not here
	RateLimited                      // too often
	Internal                         // our fault
	Unavailable                      // cannot work right now
)

// numbers are what a kind is in HTTP and the status dialect, and in the code and oauth dialects where a refusal has none of
// its own. The names are those of RFC 6749 (section 5.2, and 4.1.2.1 for the last three) and RFC 8628 (section 3.5).
var numbers = map[Kind]struct {
	status, code int
	oauth        string
}{
	Invalid:          {http.StatusBadRequest, 100006, "invalid_request"},
	Unauthenticated:  {http.StatusUnauthorized, 100005, "invalid_client"},
	Forbidden:        {http.StatusForbidden, 100012, "access_denied"},
	NotFound:         {http.StatusNotFound, 100009, "invalid_request"},
	MethodNotAllowed: {http.StatusMethodNotAllowed, 100013, "invalid_request"},
	Conflict:         {http.StatusConflict, 100010, "invalid_request"},
	TooLarge:         {http.StatusRequestEntityTooLarge, 100015, "invalid_request"},
	UnsupportedMedia: {http.StatusUnsupportedMediaType, 100014, "invalid_request"},
	Unprocessable:    {http.StatusUnprocessableEntity, 100021, "invalid_request"},
	RateLimited:      {http.StatusTooManyRequests, 100027, "slow_down"},
	Internal:         {http.StatusInternalServerError, 100007, "server_error"},
	Unavailable:      {http.StatusServiceUnavailable, 100016, "temporarily_unavailable"},
}

// Status is the HTTP status of a kind, which is also its statusCode in the status dialect.
func (k Kind) Status() int { return numbers[k].status }

// OAuth is what a refusal of the kind is in the oauth dialect, unless it says otherwise.
func (k Kind) OAuth() string { return numbers[k].oauth }

// Error is a refusal. Values made by Define are shared: the With methods copy.
type Error struct {
	Kind   Kind
	Code   string // stable name, the same in every dialect and language: <capability>.<what>
	API    int    // apiCode of the status dialect; 0 for none
	Number int    // code of the code dialect; Define fills in that of the kind
	OAuth  string // error of the oauth dialect; Define fills in that of the kind
	Gate   bool   // answered with its real HTTP status in every dialect, not as an outcome of the operation
	EN, ZH string // for people

	Detail     string        // for developers: which part of the request; never a value of it
	RetryAfter time.Duration // when trying again makes sense; 0 for unknown
	// Continuation, if not nil, finishes what this refusal has interrupted.
	Continuation *Continuation
	cause        error
}

// Continuation is a token for the next step. It is a secret of whoever is answered, and no part of the text for logs.
type Continuation struct {
	Token     string
	ExpiresIn time.Duration
}

var catalogue = map[string]*Error{}

// Define adds a refusal to the catalogue. It is for package variables, and panics on a code that is taken or on a
// missing part.
func Define(e Error) *Error {
	if _, taken := catalogue[e.Code]; taken {
		panic("apierr: code defined twice: " + e.Code)
	}
	if e.Kind == 0 || e.Code == "" || e.EN == "" || e.ZH == "" {
		panic(fmt.Sprintf("apierr: incomplete: %+v", e))
	}
	if e.Number == 0 {
		e.Number = numbers[e.Kind].code
	}
	if e.OAuth == "" {
		e.OAuth = numbers[e.Kind].oauth
	}
	catalogue[e.Code] = &e
	return &e
}

// Catalogue returns every refusal of the program, by code.
func Catalogue() []*Error {
	list := make([]*Error, 0, len(catalogue))
	for _, e := range catalogue {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *Error) int { return cmp.Compare(a.Code, b.Code) })
	return list
}

// Lookup returns the refusal with the code, nil if there is none.
func Lookup(code string) *Error { return catalogue[code] }

// Error is for logs. It includes the cause, so it is never an answer.
func (e *Error) Error() string {
	text := e.Code
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the hidden cause.
func (e *Error) Unwrap() error { return e.cause }

// Is compares by code, so that a copy made by a With method is still the refusal that was defined.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// Message is the text for people.
func (e *Error) Message(l lang.Lang) string {
	if l == lang.Chinese {
		return e.ZH
	}
	return e.EN
}

// WithCause keeps the reason for the log.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// WithDetail tells a developer which part of the request is meant. It must not quote a value.
func (e *Error) WithDetail(detail string) *Error {
	c := *e
	c.Detail = detail
	return &c
}

// WithMessage replaces the text for people, in every language. It is no part of the text for logs.
func (e *Error) WithMessage(text string) *Error {
	c := *e
	c.EN, c.ZH = text, text
	return &c
}

// WithRetryAfter tells when trying again makes sense.
func (e *Error) WithRetryAfter(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}

// WithContinuation tells how to go on.
func (e *Error) WithContinuation(token string, expiresIn time.Duration) *Error {
	c := *e
	c.Continuation = &Continuation{token, expiresIn}
	return &c
}

// From returns the refusal in err's chain, or ErrInternal with err as its cause.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return ErrInternal.WithCause(err)
}
