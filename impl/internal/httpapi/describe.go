package httpapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/reqinfo"
)

const (
	retryUnavailable = time.Second
	maxUserAgent     = 512
)

// requestID is what a caller may name its own request.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// describe collects what every layer may want to know of the request.
func describe(r *http.Request, proxies []netip.Prefix) *reqinfo.Info {
	id := r.Header.Get("X-Request-Id")
	if !requestID.MatchString(id) {
		id = uuid.NewString()
	}
	agent := strings.ToValidUTF8(strings.ReplaceAll(r.UserAgent(), "\x00", ""), "")
	if len(agent) > maxUserAgent {
		agent = strings.ToValidUTF8(agent[:maxUserAgent], "")
	}
	return &reqinfo.Info{
		ID:        id,
		IP:        clientIP(r, proxies),
		UserAgent: agent,
		Lang:      lang.Match(append(r.Header.Values("Accept-Language"), r.Header.Get("x-authing-lang"))...),
	}
}

// clientIP is the address of the client. X-Forwarded-For is read from its end and only as far as configured proxies
// vouch for it: what stands before them the client can write itself.
func clientIP(r *http.Request, proxies []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	ip := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(ip, proxies); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		ip = hop.Unmap().WithZone("")
	}
	return ip.String()
}

func trusted(ip netip.Addr, proxies []netip.Prefix) bool {
	for _, p := range proxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// count tells the metrics of a request. What is no operation counts together: a path is the client's to choose.
func (g *gate) count(x *exchange, w *response, started time.Time) {
	operation := "none"
	if x.op != nil {
		operation = x.op.id
	}
	g.Requests.WithLabelValues(operation, strconv.Itoa(w.status)).Observe(time.Since(started).Seconds())
}

// log writes one line for a request. It has the path and never the query or a body, which may hold secrets.
func (g *gate) log(r *http.Request, x *exchange, w *response, started time.Time) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("request_id", x.info.ID),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", w.status),
		slog.Int("bytes", w.sent()),
		slog.Duration("took", time.Since(started)),
		slog.String("ip", x.info.IP),
	}
	if x.op != nil {
		attrs = append(attrs, slog.String("operation", x.op.id))
	}
	if x.code != "" {
		attrs = append(attrs, slog.String("refused", x.code))
	}
	if w.status >= http.StatusInternalServerError {
		level = slog.LevelError
		if x.cause != nil {
			attrs = append(attrs, slog.String("cause", x.cause.Error()))
		}
	}
	g.Log.LogAttrs(r.Context(), level, "request", attrs...)
}
