package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/admission"
	"github.com/menshen-auth/menshen/impl/internal/apierr"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/envelope"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
	"github.com/menshen-auth/menshen/impl/internal/wire"
)

// Options of New.
type Options struct {
	Contract *Contract
	Auth     *authn.Authenticator
	Log      *slog.Logger
	// Proxies are the addresses whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	// ReportOnly sends answers that break the contract all the same, and only logs them.
	ReportOnly bool
	// Timeout is how long an operation may take.
	Timeout time.Duration
	// Queue is where requests wait for their turn.
	Queue *admission.Queue
	// Requests is told how long each request took, by operation and HTTP status.
	Requests *prometheus.HistogramVec
}

type gate struct{ Options }

// exchange is a request on its way through the gate.
type exchange struct {
	op      *operation // nil when there is none
	dialect envelope.Dialect
	info    *reqinfo.Info
	problem bool   // the client wants problem details
	code    string // of the refusal, for the log
	cause   error  // of the refusal, for the log
	// renewed is the pair that replaced the client's own. It goes out with any answer, also a refusal: the old pair is
	// spent, and without the new one the client would lose its session.
	renewed *authn.Pair
}

type exchangeKey struct{}

// New returns the handler that guards server.
func New(server gen.StrictServerInterface, o Options) http.Handler {
	g := &gate{o}
	onError := func(w http.ResponseWriter, r *http.Request, err error) { g.fail(w, r, err) }
	badRequest := func(w http.ResponseWriter, r *http.Request, err error) {
		g.fail(w, r, apierr.ErrRequest.WithCause(err)) // the text may quote a value
	}
	strict := gen.NewStrictHandlerWithOptions(server, []gen.StrictMiddlewareFunc{fillEnvelope},
		gen.StrictHTTPServerOptions{RequestErrorHandlerFunc: badRequest, ResponseErrorHandlerFunc: onError})

	router := chi.NewRouter()
	router.Use(g.guard)
	router.NotFound(func(w http.ResponseWriter, r *http.Request) { g.fail(w, r, apierr.ErrRoute) })
	router.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) { g.fail(w, r, apierr.ErrMethod) })
	return gen.HandlerWithOptions(strict, gen.ChiServerOptions{BaseRouter: router, ErrorHandlerFunc: badRequest})
}

// fillEnvelope completes what a handler returned: handlers set only Data.
func fillEnvelope(next gen.StrictHandlerFunc, _ string) gen.StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		answer, err := next(ctx, w, r, request)
		if err != nil || answer == nil {
			return answer, err
		}
		x := exchangeOf(r)
		return envelope.Fill(x.dialect, answer, x.info.Lang, x.info.ID, x.info.Hint), nil
	}
}

func exchangeOf(r *http.Request) *exchange { return r.Context().Value(exchangeKey{}).(*exchange) }

// guard is the middleware around all routes: the only way in and out.
func (g *gate) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(client http.ResponseWriter, r *http.Request) {
		started := time.Now()
		w := newResponse()
		defer w.release()
		head := r.Method == http.MethodHead
		if head { // a GET whose body net/http leaves out (RFC 9110 section 9.3.2)
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		op, dialect, err := g.Contract.find(r)
		x := &exchange{op: op, dialect: dialect, info: describe(r, g.Proxies), problem: wantsProblem(r)}
		ctx, cancel := reqinfo.With(context.WithValue(r.Context(), exchangeKey{}, x), x.info), context.CancelFunc(nil)
		if op != nil && op.events != nil {
			w.stream = &stream{to: client, schemas: op.events, request: x.info.ID, head: head}
			ctx, cancel = context.WithCancel(ctx) // it ends when the client goes or there is no more to tell
		} else {
			ctx, cancel = context.WithTimeout(ctx, g.Timeout)
		}
		defer cancel()
		r = r.WithContext(ctx)

		switch {
		case err != nil:
		case w.stream == nil:
			err = g.serve(next, client, w, r, x)
		default:
			err = deep(func() error { return g.serve(next, client, w, r, x) })
			if err == nil && w.streamed && w.stream.text != nil {
				err = w.stream.pump()
			}
		}
		if w.streamed {
			g.endStream(w, r, x, err)
			g.count(x, w, started)
			g.log(r, x, w, started)
			return
		}
		if err != nil {
			g.fail(w, r, err)
		}
		if w.input != nil {
			g.checkAnswer(w, r, x)
		}
		w.revalidate(r)
		if x.renewed != nil {
			w.header.Set("Access-Token", x.renewed.Access)
			w.header.Set("Refresh-Token", x.renewed.Refresh)
		}
		w.header.Set("X-Request-Id", x.info.ID)
		w.header.Set("X-Content-Type-Options", "nosniff")
		if w.header.Get("Cache-Control") == "" {
			w.header.Set("Cache-Control", "no-store") // answers are about one person (T13)
		}
		w.send(client)
		g.count(x, w, started)
		g.log(r, x, w, started)
	})
}

// serve authenticates, validates and hands over, when it is the request's turn. It leaves in w what the answer will be
// validated with. A client that is slow to send or to read, or that waits for events, takes nobody's turn.
func (g *gate) serve(next http.Handler, client http.ResponseWriter, w *response, r *http.Request, x *exchange) (err error) {
	defer caught(&err)
	w.input = &openapi3filter.RequestValidationInput{Request: r, Route: x.op.route, Options: options}
	body, err := readBody(client, r, x.op)
	if err != nil {
		return err
	}
	ctx := r.Context()
	if !x.op.always {
		inside, leave, err := g.Queue.Enter(ctx, x.op.id)
		if err != nil {
			return err
		}
		defer leave()
		ctx = inside
	}
	principal, err := g.Auth.Authenticate(ctx, x.op.security, r, body)
	if err != nil {
		return err
	}
	x.renewed = principal.Renewed
	r = r.WithContext(wire.WithBody(authn.With(ctx, principal), body))
	if err := tidyHeaders(r, x.op); err != nil {
		return err
	}
	if w.input, err = validateRequest(r.Context(), r, x.op); err != nil {
		return err
	}
	next.ServeHTTP(w, r)
	if w.stream != nil && w.stream.text != nil {
		return w.startStream()
	}
	return nil
}

// caught turns a panic into an error.
func caught(err *error) {
	if panicked := recover(); panicked != nil {
		*err = apierr.ErrInternal.WithCause(fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()))
	}
}

// endStream says in the log why a stream ended, unless it came to its end or the client went.
func (g *gate) endStream(w *response, r *http.Request, x *exchange, err error) {
	_ = w.stream.control.SetWriteDeadline(time.Now().Add(streamWrite)) // the end is written too, after any silence
	if w.stream.broken != nil {
		err = fmt.Errorf("event breaks the contract and was not sent: %w", w.stream.broken)
	}
	if err == nil {
		err = x.cause
	}
	if err == nil && w.stream.partial.Len() > 0 {
		err = errors.New("the last event is not whole")
	}
	if err != nil && !w.stream.gone && r.Context().Err() == nil {
		x.cause = err
		g.Log.ErrorContext(r.Context(), "a stream was cut off", "operation", x.op.id, "request_id", x.info.ID, "reason", err.Error())
	}
}

// checkAnswer replaces an answer that breaks the contract by an internal error, so that it never leaves.
func (g *gate) checkAnswer(w *response, r *http.Request, x *exchange) {
	err := w.validate(r.Context())
	if err == nil {
		return
	}
	if g.ReportOnly && w.status != 0 { // a handler that wrote nothing at all has nothing to be sent
		g.Log.ErrorContext(r.Context(), "answer breaks the contract and was sent", "operation", x.op.id, "request_id", x.info.ID, "reason", err.Error())
		return
	}
	g.fail(w, r, apierr.ErrInternal.WithCause(fmt.Errorf("answer breaks the contract: %w", err)))
}
