package httpapi

import (
	"encoding/json"
	"errors"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/envelope"
)

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
)

// fail is the one exit for errors, whoever noticed them. What was written before is forgotten.
func (g *gate) fail(to http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r)
	w := to.(*response) // guard hands no other writer to the handlers
	if w.streamed {
		x.cause = err // the headers are gone already
		return
	}
	e := refusal(err)
	x.code, x.cause = e.Code, e.Unwrap()
	g.checkRefusal(r, x, e)
	w.reset()
	var noMethod methodError
	if errors.As(err, &noMethod) {
		w.header.Set("Allow", noMethod.allow)
	}
	if e.RetryAfter > 0 {
		w.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if challenge := envelope.Challenge(x.dialect, e); challenge != "" {
		w.header.Set("WWW-Authenticate", challenge)
	}
	language := x.dialect.Language(x.info.Lang)
	media, status, value := mediaJSON, x.status(e), envelope.Failure(x.dialect, e, language, x.info.ID)
	if x.problem {
		language = x.info.Lang
		media, status, value = mediaProblem, e.Kind.Status(), envelope.Problem(e, language, x.info.ID)
	}
	w.header.Set("Content-Type", media)
	w.header.Set("Content-Language", language.String())
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // a buffer takes everything, and the values are plain
}

// refusal reads err as an apierr.Error. A database that cannot be reached is not our failure to answer but a reason to
// try again.
func refusal(err error) *apierr.Error {
	e := apierr.From(err)
	if e.Kind == apierr.Internal && errors.Is(err, db.ErrUnavailable) {
		e = apierr.ErrUnavailable.WithCause(err)
	}
	if e.Kind == apierr.Unavailable && e.RetryAfter == 0 {
		e = e.WithRetryAfter(retryUnavailable)
	}
	return e
}

// status is the HTTP status of a refusal in the operation's dialect: 200 for what the operation itself answers, the real
// one for what the gate answers. In the code dialect who is nobody is 401, which its clients wait for.
func (x *exchange) status(e *apierr.Error) int {
	switch {
	case e.Gate, x.op == nil, !x.op.enveloped:
		return e.Kind.Status()
	case x.dialect == envelope.Code && e.Kind == apierr.Unauthenticated:
		return http.StatusUnauthorized
	}
	return http.StatusOK
}

// wantsProblem tells whether the client asks for problem details (RFC 9457) by name.
func wantsProblem(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(value, ",") {
			media, params, err := mime.ParseMediaType(part)
			if err != nil || media != mediaProblem {
				continue
			}
			if q, err := strconv.ParseFloat(params["q"], 64); err != nil || q > 0 { // without a weight it is 1
				return true
			}
		}
	}
	return false
}
