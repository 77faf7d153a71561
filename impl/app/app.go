package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/account"
	"github.com/menshen-auth/menshen/impl/captcha"
	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
	"github.com/menshen-auth/menshen/impl/docs"
	"github.com/menshen-auth/menshen/impl/fastpass"
	"github.com/menshen-auth/menshen/impl/hook"
	"github.com/menshen-auth/menshen/impl/internal/admission"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/clock"
	"github.com/menshen-auth/menshen/impl/internal/httpapi"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/internal/metrics"
	"github.com/menshen-auth/menshen/impl/internal/secret"
	"github.com/menshen-auth/menshen/impl/mfa"
	"github.com/menshen-auth/menshen/impl/notify"
	"github.com/menshen-auth/menshen/impl/otp"
	"github.com/menshen-auth/menshen/impl/qrlogin"
	"github.com/menshen-auth/menshen/impl/service"
	"github.com/menshen-auth/menshen/impl/wechat"
)

// Options of New.
type Options struct {
	Config    Config
	Store     *db.DB // migrated
	MasterKey []byte
	Clock     clock.Clock
	Log       *slog.Logger
	Random    puzzle.Random // makes verification codes; nil for crypto/rand
	Outbox    string        // directory for messages of channels that are not configured, for development; empty for none
}

// App is the service on a database. It holds no state that a second one on the same database would miss.
type App struct {
	Handler  http.Handler
	Hooks    *hook.Service
	accounts *account.Service
	factors  *mfa.Service
	messages *notify.Service
	metrics  *metrics.Metrics
	service  *service.Service
	logins   *qrlogin.Service
	ring     *keyring.Ring
	Options
}

// UndeclaredRefusal is what the log says, as an error, of a refusal that the contract does not tell of.
const UndeclaredRefusal = httpapi.UndeclaredRefusal

// The operations of the contract, by capability. The names differ so that they can be embedded side by side.
type (
	accountAPI  = account.API
	captchaAPI  = captcha.API
	fastpassAPI = fastpass.API
	mfaAPI      = mfa.API
	otpAPI      = otp.API
	qrloginAPI  = qrlogin.API
	serviceAPI  = service.API
	wechatAPI   = wechat.API
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
	*wechatAPI
}

var _ gen.StrictServerInterface = (*server)(nil)

// New builds the service.
func New(ctx context.Context, o Options) (*App, error) {
	if o.Random == nil {
		o.Random = random{}
	}
	ring, err := keyring.Open(ctx, o.Store, o.Clock, o.MasterKey)
	if err != nil {
		return nil, err
	}
	c, limiter := o.Config, limit.New(o.Store, o.Clock)
	counts := metrics.New()
	hookSender := hook.NewSender(o.Store, ring, o.Clock, o.Log, counts)
	messages, err := newMessages(o, ring, counts, hookSender)
	if err != nil {
		return nil, err
	}
	hooks := hook.New(hookSender, messages)
	people := &people{}
	captchas := captcha.New(captchaSettings(c), o.Store, ring, o.Clock, limiter, o.Random, messages, people, counts, o.Log)
	factors := mfa.New(mfa.Settings{
		Algorithm: c.TOTPAlgorithm, Digits: c.TOTPDigits, Skew: c.TOTPSkew, PendingTTL: c.PendingTTL, BindAttempts: bindAttempts,
		Guessing: guessing,
	}, o.Store, ring, o.Clock, people)
	accounts := account.New(account.Settings{
		Issuer: c.PublicURL + "/oidc", AccessTTL: c.AccessTTL, SessionTTL: c.SessionTTL, ManagementTTL: c.ManagementTTL,
		SignInTTL:    signInTTL,
		RefreshGrace: c.RefreshGrace, SignatureSkew: c.SignatureSkew, Region: c.Region, ParallelHash: c.ParallelHashes, HashPatience: c.QueueWait,
		SignInPerAccount: named("signin.account", c.LimitSignIn), SignInPerIP: named("signin.ip", c.LimitSignInIP),
		SignInOnAccount: named("signin.on", c.LimitAccount), SignInFree: named("signin.free", c.LimitSignInFree),
		SignInFreeIP: named("signin.free.ip", c.LimitFreeIP), RegisterPerIP: named("register.ip", c.LimitRegisterIP),
		SecretPerIP: named("secret.ip", c.LimitSecretIP), AutoRegister: c.AutoRegister,
	}, o.Store, ring, o.Clock, limiter, captchas, factors, messages, hooks)
	people.Service = accounts
	codes := &codes{}
	logins := qrlogin.New(qrlogin.Settings{
		PublicURL: c.PublicURL, QRTTL: c.QRTTL, TicketTTL: c.TicketTTL,
		PerIP: named("qrlogin.ip", c.LimitQRCodeIP), ScansPerID: named("qrlogin.scan", c.LimitScan),
		TriesPerTicket: named("qrlogin.ticket", c.LimitTicket), PicturesPerIP: named("qrlogin.picture", c.LimitPicture),
	}, o.Store, ring, o.Clock, limiter, accounts, codes)
	passes := fastpass.New(fastpass.Settings{TTL: c.FastpassTTL, PerUser: named("fastpass.user", c.LimitFastpass), TriesPerPass: named("fastpass.try", c.LimitTicket)},
		o.Store, ring, o.Clock, limiter, accounts)
	lookups := otp.New(otp.Settings{LookupsPerKey: named("otp.key", c.LimitOTPLookup)}, o.Store, o.Clock, limiter, accounts, factors)
	wechatClient, err := wechat.NewClient(c.WechatAPI)
	if err != nil {
		return nil, err
	}
	scanners := wechat.New(wechat.Settings{
		PerIP: named("wechat.ip", c.LimitWechatIP), CodesPerConnection: named("wechat.codes", c.LimitWechatCodes),
	}, o.Store, ring, o.Clock, limiter,
		wechatClient, logins, o.Log)
	codes.Service = scanners
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
		fastpassAPI: fastpass.NewAPI(passes, c.PublicURL),
		mfaAPI:      mfa.NewAPI(factors),
		otpAPI:      otp.NewAPI(lookups),
		qrloginAPI:  qrlogin.NewAPI(logins, accounts),
		serviceAPI:  selfAPI,
		wechatAPI:   wechat.NewAPI(scanners, accounts),
	}, httpapi.Options{
		Contract: contract, Auth: auth, Log: o.Log, Proxies: c.TrustedProxies,
		ReportOnly: c.ResponseValidation == "report", Timeout: c.RequestTimeout,
		Requests: counts.Requests, Queue: admission.New(cmp.Or(c.ParallelRequests, c.MaxConns), c.QueueWait, c.QueueWait/queueTarget),
	})
	reference := docs.Settings{Refusals: contract.Refusals}
	handler, err = pages(c, reference, crossOrigin(c.CORSOrigins, handler))
	if err != nil {
		return nil, err
	}
	return &App{Handler: handler, accounts: accounts, factors: factors, messages: messages, metrics: counts, Hooks: hooks, service: self, logins: logins, ring: ring, Options: o}, nil
}

// people closes the circles between accounts, which ask for codes and factors, codes, which are sent to people, and
// factors, which are labelled with their names.
type people struct{ *account.Service }

// codes closes the circle between logins, which show codes of WeChat, and WeChat, which tells who has scanned them.
type codes struct{ *wechat.Service }

// random is the source of verification codes (C1).
type random struct{}

func (random) Digits(n int) string { return secret.Digits(n) }
func (random) Pick(n int) int      { return secret.Pick(n) }

func newMessages(o Options, ring *keyring.Ring, counts *metrics.Metrics, s *hook.Sender) (*notify.Service, error) {
	channels, err := o.Config.channels(o.Outbox)
	if err != nil {
		return nil, err
	}
	for name, c := range channels {
		o.Log.Info("messages are delivered", "channel", name, "by", c.Name())
	}
	channels[message.Hook] = hookChannel{s}
	texts, err := notify.LoadTexts(o.Config.TextsDir)
	if err != nil {
		return nil, err
	}
	return notify.New(delivery, o.Store, ring, o.Clock, o.Log, counts, texts, channels), nil
}

func captchaSettings(c Config) captcha.Settings {
	return captcha.Settings{
		ImageTTL: c.CaptchaTTL, ImagesPerIP: named("captcha.ip", c.LimitCaptchaIP), Kind: c.CaptchaKind,
		CodeTTL: c.CodeTTL, Attempts: codeAttempts, AttemptsWindow: c.CodeWindow,
		AutoRegister: c.AutoRegister, RegisterTells: c.RegisterTells,
		SendsPerIP: named("send.ip", c.LimitSendIP), SendsPerUser: named("send.user", c.LimitSendUser),
		AsksPerIP: named("send.ask", c.LimitSendAsk), FreeSendsPool: named("send.free.pool", c.LimitSendFreePool),
		FreeSends: []limit.Rule{
			named("send.free", c.LimitSendFree), named("send.free.hour", c.LimitSendFreeHour), named("send.free.days", c.LimitSendFreeDays),
		},
		SendsPerTarget: []limit.Rule{named("send", c.LimitSend), named("send.hour", c.LimitSendHour), named("send.day", c.LimitSendDay)},
		SMSPerPrefix:   named("sms.prefix", c.LimitSMSPrefix), SendsPerPool: named("send.pool", c.LimitSendPool),
		SMSCountries: c.countries(), SMSBudget: c.SMSBudget, Region: c.Region,
	}
}

// named gives a configured rule the name under which it counts.
func named(name string, r limit.Rule) limit.Rule {
	r.Name = name
	return r
}
