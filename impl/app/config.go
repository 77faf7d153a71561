package app

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/impl/captcha"
	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
	"github.com/menshen-auth/menshen/impl/internal/address"
	"github.com/menshen-auth/menshen/impl/internal/keyring"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/tenant"
	"github.com/menshen-auth/menshen/impl/wechat"
)

// Config is every setting, from the environment. A variable with _FILE appended names a file that holds the value.
type Config struct {
	Addr        string `env:"MENSHEN_ADDR" envDefault:"127.0.0.1:8080"` // where to listen
	PublicURL   string `env:"MENSHEN_PUBLIC_URL"`                       // where clients reach the service; by default http://Addr
	Name        string `env:"MENSHEN_NAME" envDefault:"Menshen"`        // of the default userpool; authenticator apps show it
	DataDir     string `env:"MENSHEN_DATA_DIR" envDefault:".data"`
	DatabaseURL string `env:"MENSHEN_DATABASE_URL"`        // empty: a private PostgreSQL in DataDir
	DirectURL   string `env:"MENSHEN_DATABASE_DIRECT_URL"` // around the transaction pooler that DatabaseURL leads through, if there is one
	MasterKey   string `env:"MENSHEN_MASTER_KEY"`          // base64 of 32 bytes; needed with DatabaseURL
	MaxConns    int    `env:"MENSHEN_DATABASE_CONNS" envDefault:"16"`

	LogLevel  slog.Level `env:"MENSHEN_LOG_LEVEL" envDefault:"info"`
	LogFormat string     `env:"MENSHEN_LOG_FORMAT" envDefault:"text"` // text or json

	Console string `env:"MENSHEN_CONSOLE"`              // on, off; empty: on with the private PostgreSQL, since what production shows is to be chosen
	Docs    string `env:"MENSHEN_DOCS" envDefault:"on"` // on, off: the reference, which tells no more than the contract

	TrustedProxies     []netip.Prefix `env:"MENSHEN_TRUSTED_PROXIES"` // whose X-Forwarded-For is believed
	CORSOrigins        []string       `env:"MENSHEN_CORS_ORIGINS"`    // whose pages may call from browsers, such as https://app.example.com
	ResponseValidation string         `env:"MENSHEN_RESPONSE_VALIDATION" envDefault:"enforce"`
	RequestTimeout     time.Duration  `env:"MENSHEN_REQUEST_TIMEOUT" envDefault:"10s"`
	ParallelRequests   int            `env:"MENSHEN_PARALLEL_REQUESTS" envDefault:"0"` // at work at a time; 0: one a database connection
	QueueWait          time.Duration  `env:"MENSHEN_QUEUE_WAIT" envDefault:"400ms"`    // for that, and for a connection or a hash: who waits longer is refused
	DrainDelay         time.Duration  `env:"MENSHEN_DRAIN_DELAY" envDefault:"500ms"`   // not ready but still serving, after SIGTERM
	DrainTimeout       time.Duration  `env:"MENSHEN_DRAIN_TIMEOUT" envDefault:"7s"`    // of requests in flight after that

	Region         string        `env:"MENSHEN_REGION" envDefault:"CN"` // of phone numbers without country code
	AccessTTL      time.Duration `env:"MENSHEN_ACCESS_TTL" envDefault:"15m"`
	SessionTTL     time.Duration `env:"MENSHEN_SESSION_TTL" envDefault:"720h"`
	ManagementTTL  time.Duration `env:"MENSHEN_MANAGEMENT_TTL" envDefault:"2h"`
	RefreshGrace   time.Duration `env:"MENSHEN_REFRESH_GRACE" envDefault:"10s"`
	SignatureSkew  time.Duration `env:"MENSHEN_SIGNATURE_SKEW" envDefault:"5m"`
	CaptchaTTL     time.Duration `env:"MENSHEN_CAPTCHA_TTL" envDefault:"180s"`    // C2: images
	CodeTTL        time.Duration `env:"MENSHEN_CODE_TTL" envDefault:"5m"`         // C2: codes by e-mail and SMS
	CodeWindow     time.Duration `env:"MENSHEN_CODE_WINDOW" envDefault:"10m"`     // C4: how long the five wrong codes for an address count
	TOTPSkew       int           `env:"MENSHEN_TOTP_SKEW" envDefault:"1"`         // T3
	TOTPAlgorithm  string        `env:"MENSHEN_TOTP_ALGORITHM" envDefault:"SHA1"` // T2: of new secrets; SHA256, SHA512: many apps ignore it
	TOTPDigits     int           `env:"MENSHEN_TOTP_DIGITS" envDefault:"6"`       // T2: the same
	PendingTTL     time.Duration `env:"MENSHEN_MFA_PENDING_TTL" envDefault:"10m"` // T11
	QRTTL          time.Duration `env:"MENSHEN_QR_TTL" envDefault:"120s"`         // Q2
	TicketTTL      time.Duration `env:"MENSHEN_TICKET_TTL" envDefault:"60s"`      // Q2
	FastpassTTL    time.Duration `env:"MENSHEN_FASTPASS_TTL" envDefault:"60s"`    // Q7
	ParallelHashes int           `env:"MENSHEN_PARALLEL_HASHES" envDefault:"0"`   // argon2id, 19 MiB each; 0: one a core, but one core left for others

	// By userpool: a value for all, then ,<userpool id>=<value> for some.
	CaptchaKind   tenant.Setting[puzzle.Kind] `env:"MENSHEN_CAPTCHA_KIND" envDefault:"digits"`  // digits, letters, arithmetic, chinese, audio
	AutoRegister  tenant.Setting[bool]        `env:"MENSHEN_AUTO_REGISTER" envDefault:"false"`  // a login code makes the account that is missing
	RegisterTells tenant.Setting[bool]        `env:"MENSHEN_REGISTER_TELLS" envDefault:"false"` // C6: at register, say that there is an account

	Messages
	WechatAPI   string `env:"MENSHEN_WECHAT_API" envDefault:"https://api.weixin.qq.com"` // WeChat's server API
	MetricsAddr string `env:"MENSHEN_METRICS_ADDR"`                                      // where Prometheus may read, host:port; empty: nowhere
	ProfileAddr string `env:"MENSHEN_PROFILE_ADDR"`                                      // where pprof may, on this machine only, host:port; empty: nowhere

	LimitSignIn       limit.Rule `env:"MENSHEN_LIMIT_SIGNIN" envDefault:"10/5m"`           // one account from one address
	LimitAccount      limit.Rule `env:"MENSHEN_LIMIT_SIGNIN_ACCOUNT" envDefault:"100/1h"`  // one account from anywhere, until a success
	LimitSignInFree   limit.Rule `env:"MENSHEN_LIMIT_SIGNIN_FREE" envDefault:"3/5m"`       // one account without an image captcha, until a success
	LimitFreeIP       limit.Rule `env:"MENSHEN_LIMIT_SIGNIN_FREE_IP" envDefault:"20/5m"`   // one address without an image captcha
	LimitSignInIP     limit.Rule `env:"MENSHEN_LIMIT_SIGNIN_IP" envDefault:"60/1m"`        // one address
	LimitRegisterIP   limit.Rule `env:"MENSHEN_LIMIT_REGISTER_IP" envDefault:"20/1h"`      // one address
	LimitSecretIP     limit.Rule `env:"MENSHEN_LIMIT_SECRET_IP" envDefault:"120/1m"`       // secrets of one application from one address, until a right one
	LimitCaptchaIP    limit.Rule `env:"MENSHEN_LIMIT_CAPTCHA_IP" envDefault:"20/1m"`       // C8: one address
	LimitSendAsk      limit.Rule `env:"MENSHEN_LIMIT_SEND_ASK" envDefault:"60/1m"`         // requests for codes, whatever becomes of them, one address
	LimitSendIP       limit.Rule `env:"MENSHEN_LIMIT_SEND_IP" envDefault:"10/10m"`         // C7: codes sent, one address
	LimitSendUser     limit.Rule `env:"MENSHEN_LIMIT_SEND_USER" envDefault:"10/1h"`        // codes sent, one signed-in user
	LimitSendFree     limit.Rule `env:"MENSHEN_LIMIT_SEND_FREE" envDefault:"3/5m"`         // C9: one target, and one address, without an image captcha
	LimitSendFreeHour limit.Rule `env:"MENSHEN_LIMIT_SEND_FREE_HOUR" envDefault:"10/1h"`   // C9: the same
	LimitSendFreeDays limit.Rule `env:"MENSHEN_LIMIT_SEND_FREE_DAYS" envDefault:"20/120h"` // C9: the same
	LimitSendFreePool limit.Rule `env:"MENSHEN_LIMIT_SEND_FREE_POOL" envDefault:"100/5m"`  // C9: one userpool, without an image captcha
	LimitSend         limit.Rule `env:"MENSHEN_LIMIT_SEND" envDefault:"1/1m"`              // C7: one target
	LimitSendHour     limit.Rule `env:"MENSHEN_LIMIT_SEND_HOUR" envDefault:"5/1h"`         // C7: one target
	LimitSendDay      limit.Rule `env:"MENSHEN_LIMIT_SEND_DAY" envDefault:"10/24h"`        // C7: one target
	LimitSendPool     limit.Rule `env:"MENSHEN_LIMIT_SEND_POOL" envDefault:"1000/1h"`      // C7: one userpool
	LimitSMSPrefix    limit.Rule `env:"MENSHEN_LIMIT_SMS_PREFIX" envDefault:"30/1h"`       // C7: one block of ten thousand numbers
	LimitQRCodeIP     limit.Rule `env:"MENSHEN_LIMIT_QRCODE_IP" envDefault:"60/1m"`        // Q9: one address and application
	LimitPicture      limit.Rule `env:"MENSHEN_LIMIT_PICTURE" envDefault:"300/1m"`         // pictures of QR codes, one address
	LimitScan         limit.Rule `env:"MENSHEN_LIMIT_SCAN" envDefault:"30/1m"`             // Q9: one user
	LimitWechatIP     limit.Rule `env:"MENSHEN_LIMIT_WECHAT_IP" envDefault:"60/1m"`        // Q9: steps in a mini program, one address
	LimitWechatCodes  limit.Rule `env:"MENSHEN_LIMIT_WECHAT_CODES" envDefault:"90000/24h"` // QR codes of one connection; WeChat makes 100,000 a day
	LimitFastpass     limit.Rule `env:"MENSHEN_LIMIT_FASTPASS" envDefault:"30/1m"`         // one user
	LimitTicket       limit.Rule `env:"MENSHEN_LIMIT_TICKET" envDefault:"10/1m"`           // exchanges of one ticket or fastpass that can be used
	LimitOTPLookup    limit.Rule `env:"MENSHEN_LIMIT_OTP_LOOKUP" envDefault:"600/1m"`      // T15: one access key
}

// Guessing of authenticator codes (T5). Not configurable: every figure is a requirement.
var guessing = db.Guessing{Free: 5, Wait: 30 * time.Second, MaxWait: time.Hour, Disabled: 100}

// queueTarget is which part of QueueWait a request waits for its turn at most when others always do (see package admission). Not
// configurable: by default it is 10 ms, short as against what a person notices, and long as against what a request takes.
const queueTarget = 40

// bindAttempts is how many wrong codes void a secret that waits to be bound. Not configurable.
const bindAttempts = 5

// signInTTL is how long a sign-in waits for the authenticator's code: a person looks for the phone.
const signInTTL = 5 * time.Minute

// codeAttempts is how many wrong codes may be tried on an address and use (C4). Not configurable.
const codeAttempts = 5

// What is there or not.
const (
	settingOn  = "on"
	settingOff = "off"
)

// LoadConfig reads the environment (as os.Environ gives it). The error names everything that is wrong, each with its
// remedy.
func LoadConfig(environ []string) (Config, error) {
	var c Config
	vars, problems := variables(environ)
	if err := env.ParseWithOptions(&c, env.Options{Environment: vars}); err != nil {
		var many env.AggregateError
		if !errors.As(err, &many) {
			many.Errors = []error{err}
		}
		for _, err := range many.Errors {
			problems = append(problems, unreadable(err))
		}
	}
	problems = append(problems, c.check(unreadNames(problems))...)
	if len(problems) > 0 {
		return c, configError(problems)
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + dialable(c.Addr)
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if c.Console == "" {
		c.Console = map[bool]string{true: settingOn, false: settingOff}[c.DatabaseURL == ""]
	}
	if c.ParallelHashes == 0 {
		c.ParallelHashes = max(1, runtime.NumCPU()-1)
	}
	return c, nil
}

// unreadable says of a value that is not of its setting's type what it should look like. It does not repeat the value.
func unreadable(err error) error {
	var parse env.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
	if why, ok := explained(field.Type, parse.Err); ok {
		return unreadableError{field.Tag.Get("env"), why}
	}
	looks := map[reflect.Type]string{
		reflect.TypeFor[time.Duration]():     "a duration; write for example 90s or 15m",
		reflect.TypeFor[int]():               "a whole number",
		reflect.TypeFor[slog.Level]():        "a log level; write debug, info, warn or error",
		reflect.TypeFor[netip.Prefix]():      "networks; write for example 10.0.0.0/8,192.168.1.7/32",
		reflect.TypeFor[[]netip.Prefix]():    "networks; write for example 10.0.0.0/8,192.168.1.7/32",
		reflect.TypeFor[limit.Rule]():        "a limit; write for example 20/1m, or off",
		reflect.TypeFor[map[string]string](): "a list; write for example code=SMS_1,registered=SMS_2",
	}[field.Type]
	return unreadableError{field.Tag.Get("env"), "is not " + looks}
}

// explained is the error of a type that says itself what is wrong.
func explained(t reflect.Type, err error) (string, bool) {
	switch t {
	case reflect.TypeFor[captcha.Countries](), reflect.TypeFor[tenant.Setting[puzzle.Kind]](), reflect.TypeFor[tenant.Setting[bool]]():
		return err.Error(), true
	}
	return "", false
}

type unreadableError struct{ name, why string }

func (e unreadableError) Error() string { return e.name + ": " + e.why }

// unreadNames are the settings that could not be read; their values mean nothing.
func unreadNames(problems []error) map[string]bool {
	names := map[string]bool{}
	for _, problem := range problems {
		var unread unreadableError
		if errors.As(problem, &unread) {
			names[unread.name] = true
		}
	}
	return names
}

// foreign are variables that look like ours but are made by Kubernetes for a Service called menshen.
var foreign = regexp.MustCompile(`^MENSHEN_(PORT|SERVICE)(_|$)`)

// variables returns the variables of the environment that are ours, with _FILE resolved. An unknown one is most likely a
// misspelt one, and a setting that silently does not apply is worse than an error.
func variables(environ []string) (map[string]string, []error) {
	known := map[string]bool{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		known[field.Tag.Get("env")] = true
	}
	vars := map[string]string{}
	var problems []error
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "MENSHEN_") || strings.HasPrefix(name, "MENSHEN_TEST_") || foreign.MatchString(name) || value == "" {
			continue
		}
		if target, isFile := strings.CutSuffix(name, "_FILE"); isFile && known[target] {
			text, err := os.ReadFile(value)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w; make the file readable, or unset the variable", name, err))
			}
			if vars[target] != "" {
				problems = append(problems, fmt.Errorf("%s and %s are both set; unset one", target, name))
			}
			name, value = target, strings.TrimSpace(string(text))
			if err == nil && value == "" {
				problems = append(problems, fmt.Errorf("%s_FILE: the file is empty; write the value into it, or unset the variable", target))
			}
		}
		if !known[name] {
			problems = append(problems, fmt.Errorf("%s is no setting of menshen; correct or unset it", name))
		}
		vars[name] = value
	}
	return vars, problems
}

// check looks at the values, except for those that could not be read.
func (c Config) check(unread map[string]bool) (problems []error) {
	complain := func(bad bool, format string, args ...any) {
		name, _, _ := strings.Cut(fmt.Sprintf(format, args...), ":")
		if bad && !unread[name] {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	_, _, err := net.SplitHostPort(c.Addr)
	complain(err != nil, "MENSHEN_ADDR: %q is not host:port; write for example 127.0.0.1:8080", c.Addr)
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		complain(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil,
			"MENSHEN_PUBLIC_URL: is not a plain http or https URL; write for example https://id.example.com")
	}
	complain(c.DatabaseURL != "" && db.CheckURL(c.DatabaseURL) != nil,
		"MENSHEN_DATABASE_URL: is not a PostgreSQL URL; write postgres://user:password@host/database, special characters of the password percent-encoded")
	complain(c.DirectURL != "" && db.CheckURL(c.DirectURL) != nil,
		"MENSHEN_DATABASE_DIRECT_URL: is not a PostgreSQL URL; write it like MENSHEN_DATABASE_URL, with the host and port of the server itself")
	complain(c.DirectURL != "" && c.DatabaseURL == "",
		"MENSHEN_DATABASE_DIRECT_URL: is the way around the pooler that MENSHEN_DATABASE_URL leads through, which is missing")
	complain(c.DatabaseURL != "" && c.PublicURL == "",
		"MENSHEN_PUBLIC_URL: is missing; replicas on one database must agree where clients reach them, for example https://id.example.com")
	complain(c.DatabaseURL != "" && c.MasterKey == "",
		"MENSHEN_MASTER_KEY: is missing; with a database of your own, make one with `openssl rand -base64 32` and keep it outside the database")
	if c.MasterKey != "" {
		_, err := decodeMasterKey(c.MasterKey)
		complain(err != nil, "MENSHEN_MASTER_KEY: is not base64 of %d bytes; make one with `openssl rand -base64 32`", keyring.MasterKeySize)
	}
	complain(slices.ContainsFunc(c.CORSOrigins, func(o string) bool { return !isOrigin(o) }),
		"MENSHEN_CORS_ORIGINS: is no list of origins; write for example https://app.example.com,https://www.example.com")
	complain(c.Console != "" && c.Console != settingOn && c.Console != settingOff, "MENSHEN_CONSOLE: %q is neither on nor off", c.Console)
	complain(c.Docs != settingOn && c.Docs != settingOff, "MENSHEN_DOCS: %q is neither on nor off", c.Docs)
	complain(c.LogFormat != "text" && c.LogFormat != "json", "MENSHEN_LOG_FORMAT: %q is neither text nor json", c.LogFormat)
	complain(c.ResponseValidation != "enforce" && c.ResponseValidation != "report",
		"MENSHEN_RESPONSE_VALIDATION: %q is neither enforce nor report", c.ResponseValidation)
	problems = append(problems, c.Messages.check()...)
	err = wechat.CheckAPI(c.WechatAPI)
	complain(err != nil, "MENSHEN_WECHAT_API: %v", err)
	_, _, err = net.SplitHostPort(c.MetricsAddr)
	complain(c.MetricsAddr != "" && err != nil, "MENSHEN_METRICS_ADDR: %q is not host:port; write for example 127.0.0.1:9090", c.MetricsAddr)
	// A profile costs processor time and tells how the program is used, and whoever reaches the address may take one.
	complain(c.ProfileAddr != "" && !isLoopback(c.ProfileAddr),
		"MENSHEN_PROFILE_ADDR: %q is no address of this machine alone; write for example 127.0.0.1:6060, and reach it from elsewhere through ssh -L or kubectl port-forward", c.ProfileAddr)
	complain(c.MaxConns < 1, "MENSHEN_DATABASE_CONNS: at least 1, such as %d", db.DefaultMaxConns)
	complain(c.TOTPAlgorithm != "SHA1" && c.TOTPAlgorithm != "SHA256" && c.TOTPAlgorithm != "SHA512",
		"MENSHEN_TOTP_ALGORITHM: %q is not SHA1, SHA256 or SHA512", c.TOTPAlgorithm)
	complain(c.TOTPDigits < 6 || c.TOTPDigits > 8, "MENSHEN_TOTP_DIGITS: 6, 7 or 8")
	complain(c.TOTPSkew < 0 || c.TOTPSkew > 2, "MENSHEN_TOTP_SKEW: 0, 1 or 2 time steps")
	complain(c.ParallelRequests < 0, "MENSHEN_PARALLEL_REQUESTS: 0 for one a database connection, or more")
	complain(c.ParallelHashes < 0, "MENSHEN_PARALLEL_HASHES: 0 for one a core but one, or more")
	complain(len([]rune(c.Name)) > 64, "MENSHEN_NAME: at most 64 characters, or it does not fit into a QR code")
	complain(!address.Countries()[c.Region], "MENSHEN_REGION: two capital letters (ISO 3166-1), such as CN")
	complain(c.CodeWindow < c.CodeTTL, "MENSHEN_CODE_WINDOW: is shorter than MENSHEN_CODE_TTL")
	for _, d := range []struct {
		name     string
		value    time.Duration
		min, max time.Duration
	}{
		{"MENSHEN_REQUEST_TIMEOUT", c.RequestTimeout, 100 * time.Millisecond, time.Minute},
		{"MENSHEN_QUEUE_WAIT", c.QueueWait, time.Millisecond, 10 * time.Second},
		{"MENSHEN_DRAIN_DELAY", c.DrainDelay, 0, 2 * time.Second},
		{"MENSHEN_DRAIN_TIMEOUT", c.DrainTimeout, 0, 7 * time.Second},
		{"MENSHEN_ACCESS_TTL", c.AccessTTL, time.Second, 24 * time.Hour},
		{"MENSHEN_SESSION_TTL", c.SessionTTL, time.Second, 10 * 365 * 24 * time.Hour},
		{"MENSHEN_MANAGEMENT_TTL", c.ManagementTTL, time.Minute, 24 * time.Hour},
		{"MENSHEN_REFRESH_GRACE", c.RefreshGrace, 0, time.Minute},
		{"MENSHEN_SIGNATURE_SKEW", c.SignatureSkew, time.Second, time.Hour},
		{"MENSHEN_CAPTCHA_TTL", c.CaptchaTTL, time.Second, 10 * time.Minute},
		{"MENSHEN_CODE_TTL", c.CodeTTL, time.Minute, 10 * time.Minute},
		{"MENSHEN_CODE_WINDOW", c.CodeWindow, time.Minute, 24 * time.Hour},
		{"MENSHEN_MFA_PENDING_TTL", c.PendingTTL, time.Second, time.Hour},
		{"MENSHEN_QR_TTL", c.QRTTL, time.Second, 10 * time.Minute},
		{"MENSHEN_TICKET_TTL", c.TicketTTL, time.Second, 300 * time.Second},
		{"MENSHEN_FASTPASS_TTL", c.FastpassTTL, time.Second, 10 * time.Minute},
	} {
		complain(d.value < d.min || d.value > d.max, "%s: %s is not between %s and %s", d.name, d.value, d.min, d.max)
	}
	return problems
}

func decodeMasterKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(key) != keyring.MasterKeySize {
		err = errors.New("wrong length")
	}
	return key, err
}

// dialable is addr with a host that a client on this machine can use.
func dialable(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// configError lists everything that is wrong with the configuration.
type configError []error

func (e configError) Error() string {
	var b strings.Builder
	b.WriteString("the configuration is wrong:")
	for _, problem := range e {
		b.WriteString("\n  - " + problem.Error())
	}
	return b.String()
}
