package app

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
)

// listenAside serves what is for the operator only, each on an address of its own, if it has one.
func (a *App) listenAside() (stop func(), err error) {
	metrics := http.NewServeMux()
	metrics.Handle("GET /metrics", a.MetricsHandler())
	stopMetrics, err := a.listenAt(a.Config.MetricsAddr, "MENSHEN_METRICS_ADDR", metrics)
	if err != nil {
		return nil, err
	}
	stopProfiles, err := a.listenAt(a.Config.ProfileAddr, "MENSHEN_PROFILE_ADDR", profiles())
	if err != nil {
		stopMetrics()
		return nil, err
	}
	return func() {
		stopProfiles()
		stopMetrics()
	}, nil
}

// profiles are those of the Go runtime. The package that has them also offers them on http.DefaultServeMux, which nothing here
// serves.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// MetricsHandler is what Prometheus reads.
func (a *App) MetricsHandler() http.Handler { return a.metrics.Handler() }

// listenAt serves a handler at an address, unless that is empty; variable is where it comes from.
func (a *App) listenAt(addr, variable string, handler http.Handler) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w; choose another %s", err, variable)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
	}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }, nil
}

// isLoopback tells whether only this machine can reach an address, host:port.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
