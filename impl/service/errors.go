package service

import "github.com/menshen-auth/menshen/impl/internal/apierr"

// ErrNotReady means that requests would fail; a load balancer should send none.
var ErrNotReady = apierr.Define(apierr.Error{
	Kind: apierr.Unavailable, Code: "service.not_ready",
	EN: "The service is not ready.", ZH: "服务未就绪。",
})
