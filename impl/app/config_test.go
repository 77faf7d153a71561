package app

import (
	"encoding/base64"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/db/dbtest"
	"github.com/menshen-auth/menshen/db/dbtest/port"
	"github.com/menshen-auth/menshen/impl/captcha"
	"github.com/menshen-auth/menshen/impl/captcha/puzzle"
	"github.com/menshen-auth/menshen/impl/internal/limit"
	"github.com/menshen-auth/menshen/impl/internal/tenant"
)

var aMasterKey = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

// TestConfigDefaults: without a single variable the service runs, with the figures of the requirements (T2, T3, T11, Q2, Q7,
// C2, C4, C7, C8, C9); this is the table that the README shows, so a change shows in review.
func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	per := func(n int, d time.Duration) limit.Rule { return limit.Rule{Max: n, Per: d} }
	want := Config{
		Addr: "127.0.0.1:8080", PublicURL: "http://127.0.0.1:8080", Name: "Menshen", DataDir: ".data", MaxConns: 16,
		LogLevel: slog.LevelInfo, LogFormat: "text", Console: "on", Docs: "on", ResponseValidation: "enforce", RequestTimeout: 10 * time.Second,
		QueueWait:  400 * time.Millisecond,
		DrainDelay: 500 * time.Millisecond, DrainTimeout: 7 * time.Second, Region: "CN", AccessTTL: 15 * time.Minute, SessionTTL: 720 * time.Hour,
		ManagementTTL: 2 * time.Hour, RefreshGrace: 10 * time.Second, SignatureSkew: 5 * time.Minute,
		CaptchaTTL: 180 * time.Second, CodeTTL: 5 * time.Minute, CodeWindow: 10 * time.Minute,
		TOTPSkew: 1, TOTPAlgorithm: "SHA1", TOTPDigits: 6, PendingTTL: 10 * time.Minute, QRTTL: 120 * time.Second,
		TicketTTL: 60 * time.Second, FastpassTTL: 60 * time.Second, ParallelHashes: max(1, runtime.NumCPU()-1),
		CaptchaKind: setting[puzzle.Kind](t, "digits"), AutoRegister: setting[bool](t, "false"), RegisterTells: setting[bool](t, "false"),
		Messages:    Messages{SMTPTLS: "starttls", SMSBudget: 1000},
		LimitSignIn: per(10, 5*time.Minute), LimitAccount: per(100, time.Hour), LimitSignInFree: per(3, 5*time.Minute),
		LimitFreeIP: per(20, 5*time.Minute), LimitSignInIP: per(60, time.Minute), LimitRegisterIP: per(20, time.Hour), LimitSecretIP: per(120, time.Minute),
		LimitCaptchaIP: per(20, time.Minute), LimitSendAsk: per(60, time.Minute), LimitSendIP: per(10, 10*time.Minute),
		LimitSendUser: per(10, time.Hour), LimitSendFree: per(3, 5*time.Minute), LimitSendFreeHour: per(10, time.Hour),
		LimitSendFreeDays: per(20, 120*time.Hour), LimitSendFreePool: per(100, 5*time.Minute), LimitSend: per(1, time.Minute),
		LimitSendHour: per(5, time.Hour), LimitSendDay: per(10, 24*time.Hour), LimitSendPool: per(1000, time.Hour),
		LimitSMSPrefix: per(30, time.Hour), LimitQRCodeIP: per(60, time.Minute), LimitScan: per(30, time.Minute),
		WechatAPI: "https://api.weixin.qq.com", LimitTicket: per(10, time.Minute), LimitPicture: per(300, time.Minute), LimitWechatIP: per(60, time.Minute), LimitWechatCodes: per(90000, 24*time.Hour),
		LimitFastpass: per(30, time.Minute), LimitOTPLookup: per(600, time.Minute),
	}
	for name, environ := range map[string][]string{
		"empty":                nil,
		"others' variables":    {"PATH=/bin", "HOME=/root", "MENSHEN=1", "menshen_addr=:1", "XMENSHEN_ADDR=:1"},
		"tests' variables":     {"MENSHEN_TEST_DATABASE_URL=postgres://", "MENSHEN_TEST_ANYTHING=1"},
		"those of Kubernetes":  {"MENSHEN_PORT=tcp://10.0.0.1:80", "MENSHEN_PORT_80_TCP_ADDR=10.0.0.1", "MENSHEN_SERVICE_HOST=10.0.0.1", "MENSHEN_SERVICE_PORT=80"},
		"set to nothing":       {"MENSHEN_ADDR=", "MENSHEN_MASTER_KEY=", "MENSHEN_QR_TTL=", "MENSHEN_UNKNOWN=", "MENSHEN_SMS_TEMPLATES=", "MENSHEN_SMS_COUNTRIES="},
		"the same, explicitly": {"MENSHEN_ADDR=127.0.0.1:8080", "MENSHEN_QR_TTL=2m", "MENSHEN_LIMIT_SCAN=30/60s", "MENSHEN_LOG_LEVEL=INFO", "MENSHEN_CODE_TTL=300s", "MENSHEN_CAPTCHA_KIND=digits", "MENSHEN_SMTP_TLS=starttls"},
	} {
		if c, err := LoadConfig(environ); err != nil || !reflect.DeepEqual(c, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", name, c, err, want)
		}
	}
}

// TestConfigValues: what an operator sets is what applies.
func TestConfigValues(t *testing.T) {
	t.Parallel()
	texts := t.TempDir()
	c, err := LoadConfig([]string{
		"MENSHEN_ADDR=0.0.0.0:80", "MENSHEN_PUBLIC_URL=https://id.example.com/base/", "MENSHEN_NAME=门神", "MENSHEN_DATA_DIR=/var/lib/menshen",
		"MENSHEN_DATABASE_URL=postgres://u:p=w@db/menshen?sslmode=verify-full", "MENSHEN_MASTER_KEY=" + aMasterKey, "MENSHEN_DATABASE_CONNS=7",
		"MENSHEN_LOG_LEVEL=debug", "MENSHEN_LOG_FORMAT=json", "MENSHEN_TRUSTED_PROXIES=10.0.0.0/8,2001:db8::/32", "MENSHEN_RESPONSE_VALIDATION=report",
		"MENSHEN_TOTP_SKEW=0", "MENSHEN_TOTP_ALGORITHM=SHA512", "MENSHEN_TOTP_DIGITS=8", "MENSHEN_PARALLEL_HASHES=3", "MENSHEN_PARALLEL_REQUESTS=40", "MENSHEN_QUEUE_WAIT=1s", "MENSHEN_LIMIT_SIGNIN=off", "MENSHEN_LIMIT_SCAN=1/2h", "MENSHEN_TICKET_TTL=300s",
		"MENSHEN_CODE_TTL=10m", "MENSHEN_CODE_WINDOW=1h", "MENSHEN_CAPTCHA_KIND=letters,pool=chinese", "MENSHEN_AUTO_REGISTER=false,pool=true",
		"MENSHEN_REGISTER_TELLS=true", "MENSHEN_METRICS_ADDR=127.0.0.1:9090", "MENSHEN_PROFILE_ADDR=[::1]:6060", "MENSHEN_SMS_COUNTRIES=CN,SG=50", "MENSHEN_SMS_BUDGET=0",
		"MENSHEN_SMTP_ADDR=smtp.example.com:465", "MENSHEN_SMTP_TLS=tls", "MENSHEN_SMTP_USERNAME=u", "MENSHEN_SMTP_PASSWORD=p", "MENSHEN_SMTP_FROM=no-reply@example.com",
		"MENSHEN_SMS_PROVIDER=tencent", "MENSHEN_SMS_ENDPOINT=https://sms.example.com", "MENSHEN_SMS_KEY_ID=id", "MENSHEN_SMS_KEY_SECRET=secret",
		"MENSHEN_SMS_SIGN=雅客", "MENSHEN_SMS_APP_ID=1400006666", "MENSHEN_SMS_REGION=ap-beijing", "MENSHEN_SMS_TEMPLATES=code=1,code.en=2,registered=3",
		"MENSHEN_TEXTS_DIR=" + texts, "MENSHEN_LIMIT_SEND=off", "MENSHEN_LIMIT_SEND_FREE_POOL=7/3h",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, same := range map[string]bool{
		"PublicURL": c.PublicURL == "https://id.example.com/base", "Name": c.Name == "门神", "DataDir": c.DataDir == "/var/lib/menshen",
		"DatabaseURL": c.DatabaseURL == "postgres://u:p=w@db/menshen?sslmode=verify-full", "MaxConns": c.MaxConns == 7,
		"LogLevel": c.LogLevel == slog.LevelDebug, "LogFormat": c.LogFormat == "json", "TOTPSkew": c.TOTPSkew == 0,
		"TOTP":           c.TOTPAlgorithm == "SHA512" && c.TOTPDigits == 8,
		"TrustedProxies": slices.Equal(c.TrustedProxies, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}),
		"Parallel":       c.ParallelRequests == 40 && c.QueueWait == time.Second,
		"ParallelHashes": c.ParallelHashes == 3, "LimitSignIn": c.LimitSignIn.Max == 0, "LimitScan": c.LimitScan.Max == 1 && c.LimitScan.Per == 2*time.Hour,
		"TicketTTL": c.TicketTTL == 300*time.Second, "ResponseValidation": c.ResponseValidation == "report",
		"CodeTTL": c.CodeTTL == 10*time.Minute, "CodeWindow": c.CodeWindow == time.Hour, "MetricsAddr": c.MetricsAddr == "127.0.0.1:9090", "ProfileAddr": c.ProfileAddr == "[::1]:6060",
		"CaptchaKind":   c.CaptchaKind.Of("pool") == puzzle.Chinese && c.CaptchaKind.Of("other") == puzzle.Letters,
		"AutoRegister":  c.AutoRegister.Of("pool") && !c.AutoRegister.Of("other"),
		"RegisterTells": c.RegisterTells.Of("pool") && c.RegisterTells.Of("other"),
		"LimitSend":     c.LimitSend.Max == 0 && c.LimitSendFreePool.Max == 7 && c.LimitSendFreePool.Per == 3*time.Hour,
		"Messages": reflect.DeepEqual(c.Messages, Messages{
			TextsDir: texts, SMTPAddr: "smtp.example.com:465", SMTPTLS: "tls", SMTPUsername: "u", SMTPPassword: "p", SMTPFrom: "no-reply@example.com",
			SMSProvider: "tencent", SMSEndpoint: "https://sms.example.com", SMSKeyID: "id", SMSKeySecret: "secret", SMSSign: "雅客", SMSAppID: "1400006666",
			SMSRegion: "ap-beijing", SMSTemplates: map[string]string{"code": "1", "code.en": "2", "registered": "3"}, SMSCountries: captcha.Countries{"CN": 0, "SG": 50},
		}),
	} {
		if !same {
			t.Errorf("%s in %+v", name, c)
		}
	}
}

// setting is one of a userpool's, as LoadConfig reads it.
func setting[T any](t *testing.T, text string) (s tenant.Setting[T]) {
	t.Helper()
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPublicURL: where no URL is set, it is one that a client on this machine can dial, whatever the service listens on.
func TestPublicURL(t *testing.T) {
	t.Parallel()
	for environ, want := range map[string]string{
		"MENSHEN_ADDR=0.0.0.0:8080":                        "http://127.0.0.1:8080",
		"MENSHEN_ADDR=:8080":                               "http://127.0.0.1:8080",
		"MENSHEN_ADDR=[::]:8080":                           "http://127.0.0.1:8080",
		"MENSHEN_ADDR=[::1]:8080":                          "http://[::1]:8080",
		"MENSHEN_ADDR=[2001:db8::1]:80":                    "http://[2001:db8::1]:80",
		"MENSHEN_ADDR=192.0.2.1:80":                        "http://192.0.2.1:80",
		"MENSHEN_ADDR=localhost:80":                        "http://localhost:80",
		"MENSHEN_PUBLIC_URL=https://id.example.com":        "https://id.example.com",
		"MENSHEN_PUBLIC_URL=https://id.example.com/":       "https://id.example.com",
		"MENSHEN_PUBLIC_URL=https://id.example.com:8443/a": "https://id.example.com:8443/a",
	} {
		if c, err := LoadConfig([]string{environ}); err != nil || c.PublicURL != want {
			t.Errorf("%s: %q, %v; want %q", environ, c.PublicURL, err, want)
		}
	}
}

// TestBadSettings: each is refused by the name of its variable, and no message quotes a secret (T13).
func TestBadSettings(t *testing.T) {
	t.Parallel()
	const canary = "hunter2"
	database := "MENSHEN_DATABASE_URL=postgres://menshen:" + canary + "@db/menshen"
	for _, environ := range [][]string{
		{"MENSHEN_ADDR=8080"},
		{"MENSHEN_ADDR=nonsense"},
		{"MENSHEN_ADDR=::1:80"},
		{"MENSHEN_PUBLIC_URL=id.example.com"},
		{"MENSHEN_PUBLIC_URL=ftp://id.example.com"},
		{"MENSHEN_PUBLIC_URL=https://"},
		{"MENSHEN_PUBLIC_URL=https://id.example.com/?a=b"},
		{"MENSHEN_PUBLIC_URL=https://id.example.com/#f"},
		{"MENSHEN_PUBLIC_URL=https://id.example.com/?"},
		{"MENSHEN_PUBLIC_URL=https://user:" + canary + "@id.example.com"},
		{"MENSHEN_MASTER_KEY=" + canary},
		{"MENSHEN_MASTER_KEY=" + base64.StdEncoding.EncodeToString([]byte(canary))},
		{"MENSHEN_MASTER_KEY=", database},
		{"MENSHEN_PUBLIC_URL=", database, "MENSHEN_MASTER_KEY=" + aMasterKey},
		{"MENSHEN_DATABASE_URL=postgres://menshen:" + canary + "%@db/menshen", "MENSHEN_PUBLIC_URL=https://id.example.com", "MENSHEN_MASTER_KEY=" + aMasterKey},
		{"MENSHEN_DATABASE_CONNS=0"},
		{"MENSHEN_DATABASE_DIRECT_URL=postgres://menshen:" + canary + "@db/menshen"},
		{"MENSHEN_DATABASE_DIRECT_URL=postgres://menshen:" + canary + "%@db/menshen", database, "MENSHEN_PUBLIC_URL=https://id.example.com", "MENSHEN_MASTER_KEY=" + aMasterKey},
		{"MENSHEN_DATABASE_CONNS=-1"},
		{"MENSHEN_DATABASE_CONNS=many"},
		{"MENSHEN_DATABASE_CONNS=99999999999999999999"},
		{"MENSHEN_LOG_LEVEL=loud"},
		{"MENSHEN_LOG_FORMAT=xml"},
		{"MENSHEN_RESPONSE_VALIDATION=off"},
		{"MENSHEN_DOCS=false"},
		{"MENSHEN_TRUSTED_PROXIES=10.0.0.0/33"},
		{"MENSHEN_TRUSTED_PROXIES=proxy"},
		{"MENSHEN_CORS_ORIGINS=*"},
		{"MENSHEN_CORS_ORIGINS=https://*.example.com"},
		{"MENSHEN_CORS_ORIGINS=app.example.com"},
		{"MENSHEN_CORS_ORIGINS=https://app.example.com/"},
		{"MENSHEN_REGION=CHN"},
		{"MENSHEN_REGION=?"},
		{"MENSHEN_REGION=cn"},
		{"MENSHEN_REGION=XX"},
		{"MENSHEN_CODE_TTL=59s"},
		{"MENSHEN_CODE_TTL=11m"},
		{"MENSHEN_CODE_TTL=5"},
		{"MENSHEN_CODE_WINDOW=59s"},
		{"MENSHEN_CODE_WINDOW=25h"},
		{"MENSHEN_CODE_WINDOW=4m"},
		{"MENSHEN_METRICS_ADDR=9090"},
		{"MENSHEN_METRICS_ADDR=nonsense"},
		{"MENSHEN_PROFILE_ADDR=6060"},
		{"MENSHEN_PROFILE_ADDR=:6060"},
		{"MENSHEN_PROFILE_ADDR=0.0.0.0:6060"},
		{"MENSHEN_PROFILE_ADDR=[::]:6060"},
		{"MENSHEN_PROFILE_ADDR=192.0.2.1:6060"},
		{"MENSHEN_PROFILE_ADDR=localhost.example.com:6060"},
		{"MENSHEN_WECHAT_API=http://api.weixin.qq.com"},
		{"MENSHEN_WECHAT_API=api.weixin.qq.com"},
		{"MENSHEN_WECHAT_API=https://api.weixin.qq.com/cgi-bin"},
		{"MENSHEN_WECHAT_API=https://name:" + canary + "@api.weixin.qq.com"},
		{"MENSHEN_LIMIT_SIGNIN_ACCOUNT=100"},
		{"MENSHEN_LIMIT_SIGNIN_FREE=3"},
		{"MENSHEN_LIMIT_SIGNIN_FREE_IP=x"},
		{"MENSHEN_LIMIT_SEND_ASK=60"},
		{"MENSHEN_LIMIT_SEND_IP=0/1m"},
		{"MENSHEN_LIMIT_SEND_USER=x"},
		{"MENSHEN_LIMIT_SEND_FREE=3/x"},
		{"MENSHEN_LIMIT_SEND_FREE_HOUR=x"},
		{"MENSHEN_LIMIT_SEND_FREE_DAYS=20/5d"},
		{"MENSHEN_LIMIT_SEND_FREE_POOL=-1/5m"},
		{"MENSHEN_LIMIT_SEND=1"},
		{"MENSHEN_LIMIT_SEND_HOUR=5/0s"},
		{"MENSHEN_LIMIT_SEND_DAY=10/day"},
		{"MENSHEN_LIMIT_SEND_POOL=many"},
		{"MENSHEN_LIMIT_SMS_PREFIX=30/1"},
		{"MENSHEN_SMTP_PORT=25"},
		{"MENSHEN_SMTP_ADDR=", "MENSHEN_SMTP_FROM=a@example.com"},
		{"MENSHEN_SMTP_ADDR=", "MENSHEN_SMTP_USERNAME=u"},
		{"MENSHEN_SMTP_ADDR=", "MENSHEN_SMTP_PASSWORD=" + canary},
		{"MENSHEN_SMTP_ADDR=", "MENSHEN_SMTP_CA=" + canary},
		{"MENSHEN_SMS_PROVIDER=", "MENSHEN_SMS_ENDPOINT=https://sms.example.com"},
		{"MENSHEN_SMS_PROVIDER=", "MENSHEN_SMS_KEY_ID=id"},
		{"MENSHEN_SMS_PROVIDER=", "MENSHEN_SMS_KEY_SECRET=" + canary},
		{"MENSHEN_SMS_PROVIDER=", "MENSHEN_SMS_SIGN=x"},
		{"MENSHEN_SMS_PROVIDER=", "MENSHEN_SMS_APP_ID=1"},
		{"MENSHEN_SMS_PROVIDER=", "MENSHEN_SMS_REGION=x"},
		{"MENSHEN_SMS_PROVIDER=", "MENSHEN_SMS_TEMPLATES=code=SMS_1"},
		{"MENSHEN_TOTP_SKEW=3"},
		{"MENSHEN_TOTP_SKEW=-1"},
		{"MENSHEN_TOTP_ALGORITHM=MD5"},
		{"MENSHEN_TOTP_ALGORITHM=sha1"},
		{"MENSHEN_TOTP_DIGITS=5"},
		{"MENSHEN_TOTP_DIGITS=9"},
		{"MENSHEN_PARALLEL_HASHES=-1"},
		{"MENSHEN_PARALLEL_REQUESTS=-1"},
		{"MENSHEN_QUEUE_WAIT=0s"},
		{"MENSHEN_QUEUE_WAIT=11s"},
		{"MENSHEN_REQUEST_TIMEOUT=0s"},
		{"MENSHEN_REQUEST_TIMEOUT=10"},
		{"MENSHEN_REQUEST_TIMEOUT=soon"},
		{"MENSHEN_DRAIN_TIMEOUT=-1s"},
		{"MENSHEN_DRAIN_TIMEOUT=8s"},
		{"MENSHEN_DRAIN_DELAY=3s"},
		{"MENSHEN_ACCESS_TTL=25h"},
		{"MENSHEN_SESSION_TTL=0s"},
		{"MENSHEN_MANAGEMENT_TTL=1s"},
		{"MENSHEN_REFRESH_GRACE=2m"},
		{"MENSHEN_SIGNATURE_SKEW=2h"},
		{"MENSHEN_CAPTCHA_TTL=11m"},
		{"MENSHEN_MFA_PENDING_TTL=2h"},
		{"MENSHEN_QR_TTL=0s"},
		{"MENSHEN_TICKET_TTL=301s"},
		{"MENSHEN_FASTPASS_TTL=11m"},
		{"MENSHEN_LIMIT_SIGNIN=10"},
		{"MENSHEN_LIMIT_SIGNIN_IP=0/1m"},
		{"MENSHEN_LIMIT_REGISTER_IP=x/1m"},
		{"MENSHEN_LIMIT_CAPTCHA_IP=1/x"},
		{"MENSHEN_LIMIT_QRCODE_IP=1/0s"},
		{"MENSHEN_LIMIT_SCAN=-1/1m"},
		{"MENSHEN_LIMIT_FASTPASS=none"},
		{"MENSHEN_LIMIT_OTP_LOOKUP=1/1m 1"},
		{"MENSHEN_ADR=127.0.0.1:80"},
		{"MENSHEN_UNKNOWN_FILE=/dev/null"},
		{"MENSHEN_MASTER_KEY_FILE=/none/" + "x"},
	} {
		name, _, _ := strings.Cut(environ[0], "=")
		_, err := LoadConfig(environ)
		switch {
		case err == nil:
			t.Errorf("%q is accepted", environ)
		case !strings.Contains(err.Error(), name):
			t.Errorf("%q: the message does not name %s: %v", environ, name, err)
		case strings.Contains(err.Error(), canary):
			t.Errorf("%q: the message quotes a secret: %v", environ, err)
		}
	}
}

// TestAllProblemsAtOnce: who starts the service for the first time is told everything that is wrong, with its remedy, and
// not one thing a start.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := LoadConfig([]string{
		"MENSHEN_ADDR=nowhere", "MENSHEN_QR_TTL=1h", "MENSHEN_LIMIT_SCAN=lots", "MENSHEN_LOG_LEVEL=loud", "MENSHEN_TOTP_SKEW=9",
		"MENSHEN_DATABASE_URL=postgres://db/menshen", "MENSHEN_MISSPELT=1", "MENSHEN_MASTER_KEY_FILE=/none", "MENSHEN_DATABASE_CONNS=x",
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"MENSHEN_ADDR", "127.0.0.1:8080", "MENSHEN_QR_TTL", "10m", "MENSHEN_LIMIT_SCAN", "20/1m", "MENSHEN_LOG_LEVEL", "MENSHEN_TOTP_SKEW",
		"MENSHEN_MISSPELT", "correct or unset it", "MENSHEN_MASTER_KEY_FILE", "make the file readable", "MENSHEN_DATABASE_CONNS",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message does not say %q:\n%v", want, err)
		}
	}
}

// TestConfigFiles: a secret can come from a file, as orchestrators mount them, with or without a line end; two sources
// for one setting are refused, and so is one that cannot be read.
func TestConfigFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, database := write("key", aMasterKey+"\n"), write("database", "postgres://u:p@db/menshen")
	c, err := LoadConfig([]string{"MENSHEN_MASTER_KEY_FILE=" + key, "MENSHEN_DATABASE_URL_FILE=" + database, "MENSHEN_ADDR_FILE=" + write("addr", " :80 \r\n"), "MENSHEN_PUBLIC_URL=https://id.example.com"})
	if err != nil || c.MasterKey != aMasterKey || c.DatabaseURL != "postgres://u:p@db/menshen" || c.Addr != ":80" {
		t.Errorf("read %+v, %v", c, err)
	}
	for name, environ := range map[string][]string{
		"both are set":  {"MENSHEN_MASTER_KEY_FILE=" + key, "MENSHEN_MASTER_KEY=" + aMasterKey},
		"no such file":  {"MENSHEN_MASTER_KEY_FILE=" + filepath.Join(dir, "none")},
		"a directory":   {"MENSHEN_MASTER_KEY_FILE=" + dir},
		"of no setting": {"MENSHEN_SECRET_FILE=" + key},
		"empty":         {"MENSHEN_MASTER_KEY_FILE=" + write("empty", "\n")},
	} {
		_, err := LoadConfig(environ)
		if first, _, _ := strings.Cut(environ[0], "="); err == nil || !strings.Contains(err.Error(), first) {
			t.Errorf("%s: %v, want an error that names %s", name, err, first)
		} else if strings.Contains(err.Error(), aMasterKey) {
			t.Errorf("%s: the message quotes the secret: %v", name, err)
		}
	}
}

// TestMasterKeyIsNeeded (T10, design 7): with a database of one's own the service makes up no master key, and says how to
// make one.
func TestMasterKeyIsNeeded(t *testing.T) {
	t.Parallel()
	database, public := "MENSHEN_DATABASE_URL=postgres://db/menshen", "MENSHEN_PUBLIC_URL=https://id.example.com"
	if _, err := LoadConfig([]string{database, public}); err == nil || !strings.Contains(err.Error(), "openssl rand -base64 32") {
		t.Errorf("without: %v", err)
	}
	if _, err := LoadConfig([]string{database, public, "MENSHEN_MASTER_KEY=" + aMasterKey}); err != nil {
		t.Errorf("with: %v", err)
	}
	if _, err := LoadConfig([]string{"MENSHEN_MASTER_KEY=" + aMasterKey}); err != nil {
		t.Errorf("for the private one: %v", err)
	}
}

// settings are those of a service on a free port, with its data in dir.
func settings(t *testing.T, dir string, environ ...string) Config {
	t.Helper()
	addr := port.Must(t)
	c, err := LoadConfig(append(environ, "MENSHEN_ADDR="+addr, "MENSHEN_PUBLIC_URL=http://"+addr, "MENSHEN_DATA_DIR="+dir))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// own are the settings of a service on a database of one's own.
func own(t *testing.T, environ ...string) Config {
	t.Helper()
	return settings(t, t.TempDir(), append(environ, "MENSHEN_DATABASE_URL="+dbtest.URL(t), "MENSHEN_MASTER_KEY="+aMasterKey)...)
}

// TestConsoleOfProduction: with a database of one's own there is a console only for who asks for it; in the default run there is one
// unless somebody says no.
func TestConsoleOfProduction(t *testing.T) {
	t.Parallel()
	own := []string{
		"MENSHEN_DATABASE_URL=postgres://db/menshen", "MENSHEN_PUBLIC_URL=https://id.example.com",
		"MENSHEN_MASTER_KEY=" + base64.StdEncoding.EncodeToString(make([]byte, 32)),
	}
	for _, test := range []struct {
		environ []string
		console string
	}{
		{nil, "on"},
		{[]string{"MENSHEN_CONSOLE=off"}, "off"},
		{own, "off"},
		{append(own[:len(own):len(own)], "MENSHEN_CONSOLE=on"), "on"},
	} {
		if c, err := LoadConfig(test.environ); err != nil || c.Console != test.console {
			t.Errorf("%q: %s, %v; want %s", test.environ, c.Console, err, test.console)
		}
	}
	if _, err := LoadConfig([]string{"MENSHEN_CONSOLE=yes"}); err == nil || !strings.Contains(err.Error(), "MENSHEN_CONSOLE") {
		t.Errorf("yes: %v", err)
	}
}
