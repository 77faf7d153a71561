package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/captcha"
	"github.com/menshen-auth/menshen/impl/fastpass"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/httpapi"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/secret"
	"github.com/menshen-auth/menshen/impl/mfa"
	"github.com/menshen-auth/menshen/impl/otp"
	"github.com/menshen-auth/menshen/impl/qrlogin"
	"github.com/menshen-auth/menshen/impl/service"
)

// Options of New.
type Options struct {
	Config    Config
	Store     *db.DB // migrated
	MasterKey []byte
	Clock     clock.Clock
	Log       *slog.Logger
	Digits    func(n int) string // makes verification codes; nil for crypto/rand
}

// App is the service on a database. It holds no state that a second one on the same database would miss.
type App struct {
	Handler  http.Handler
	accounts *account.Service
	service  *service.Service
	ring     *keyring.Ring
	Options
}

// The operations of the contract, by capability. The names differ so that they can be embedded side by side.
type (
	accountAPI  = account.API
	captchaAPI  = captcha.API
	fastpassAPI = fastpass.API
	mfaAPI      = mfa.API
	otpAPI      = otp.API
	qrloginAPI  = qrlogin.API
	serviceAPI  = service.API
)

// server is every operation of the contract. If this does not compile after `make gen`, the message names the operation
// that has no handler yet.
type server struct {
	*accountAPI
	*captchaAPI
	*fastpassAPI
	*mfaAPI
	*otpAPI
	*qrloginAPI
	*serviceAPI
}

var _ gen.StrictServerInterface = (*server)(nil)

// New builds the service.
func New(ctx context.Context, o Options) (*App, error) {
	if o.Digits == nil {
		o.Digits = secret.Digits
	}
	ring, err := keyring.Open(ctx, o.Store, o.Clock, o.MasterKey)
	if err != nil {
		return nil, err
	}
	c, limiter := o.Config, limit.New(o.Store, o.Clock)
	captchas := captcha.New(captcha.Settings{TTL: c.CaptchaTTL, ImagesPerIP: named("captcha.ip", c.LimitCaptchaIP)},
		o.Store, ring, o.Clock, limiter, o.Digits)
	labels := &labels{}
	factors := mfa.New(mfa.Settings{Skew: c.TOTPSkew, PendingTTL: c.PendingTTL, BindAttempts: guessing.Free, Guessing: guessing},
		o.Store, ring, o.Clock, labels)
	accounts := account.New(account.Settings{
		Issuer: c.PublicURL + "/oidc", AccessTTL: c.AccessTTL, SessionTTL: c.SessionTTL, ManagementTTL: c.ManagementTTL,
		RefreshGrace: c.RefreshGrace, SignatureSkew: c.SignatureSkew, Region: c.Region, ParallelHash: c.ParallelHashes,
		SignInPerAccount: named("signin.account", c.LimitSignIn), SignInPerIP: named("signin.ip", c.LimitSignInIP),
		RegisterPerIP: named("register.ip", c.LimitRegisterIP),
	}, o.Store, ring, o.Clock, limiter, captchas, factors)
	labels.Service = accounts
	logins := qrlogin.New(qrlogin.Settings{
		PublicURL: c.PublicURL, QRTTL: c.QRTTL, TicketTTL: c.TicketTTL,
		PerIP: named("qrlogin.ip", c.LimitQRCodeIP), ScansPerID: named("qrlogin.scan", c.LimitScan),
	}, o.Store, ring, o.Clock, limiter, accounts)
	passes := fastpass.New(fastpass.Settings{TTL: c.FastpassTTL, PerUser: named("fastpass.user", c.LimitFastpass)},
		o.Store, ring, o.Clock, limiter, accounts)
	lookups := otp.New(otp.Settings{LookupsPerKey: named("otp.key", c.LimitOTPLookup)}, o.Store, o.Clock, limiter, accounts, factors)
	self := service.New(o.Store, o.Clock)

	doc, err := gen.GetSpec()
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	asJSON, err := doc.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	selfAPI, err := service.NewAPI(self, asJSON)
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	auth := authn.New(accounts)
	contract, err := httpapi.Compile(doc, auth)
	if err != nil {
		return nil, err
	}
	handler := httpapi.New(&server{
		accountAPI:  account.NewAPI(accounts),
		captchaAPI:  captcha.NewAPI(captchas, accounts),
		fastpassAPI: fastpass.NewAPI(passes, accounts, c.PublicURL),
		mfaAPI:      mfa.NewAPI(factors),
		otpAPI:      otp.NewAPI(lookups),
		qrloginAPI:  qrlogin.NewAPI(logins, accounts),
		serviceAPI:  selfAPI,
	}, httpapi.Options{
		Contract: contract, Auth: auth, Log: o.Log, Proxies: c.TrustedProxies,
		ReportOnly: c.ResponseValidation == "report", Timeout: c.RequestTimeout,
	})
	return &App{Handler: handler, accounts: accounts, service: self, ring: ring, Options: o}, nil
}

// labels closes the circle between accounts, which ask for factors, and factors, which are labelled by account.
type labels struct{ *account.Service }

// named gives a configured rule the name under which it counts.
func named(name string, r limit.Rule) limit.Rule {
	r.Name = name
	return r
}
