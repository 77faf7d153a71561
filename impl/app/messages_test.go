package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/message"
)

// Settings of channels that are complete.
var (
	aServer  = []string{"MENSHEN_SMTP_ADDR=smtp.example.com:587", "MENSHEN_SMTP_FROM=Acme <no-reply@example.com>"}
	aliyun   = []string{"MENSHEN_SMS_PROVIDER=aliyun", "MENSHEN_SMS_KEY_ID=id", "MENSHEN_SMS_KEY_SECRET=secret", "MENSHEN_SMS_SIGN=雅客", "MENSHEN_SMS_TEMPLATES=code=SMS_1,registered=SMS_2"}
	tencent  = []string{"MENSHEN_SMS_PROVIDER=tencent", "MENSHEN_SMS_KEY_ID=id", "MENSHEN_SMS_KEY_SECRET=secret", "MENSHEN_SMS_SIGN=雅客", "MENSHEN_SMS_APP_ID=1400006666", "MENSHEN_SMS_TEMPLATES=code=1,registered=2"}
	aWebhook = []string{"MENSHEN_SMS_PROVIDER=webhook", "MENSHEN_SMS_ENDPOINT=https://sms.example.com/send", "MENSHEN_SMS_KEY_SECRET=whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
)

// TestChannels: what is configured is how a message goes; what is not goes into the development outbox, if there is one,
// and otherwise nowhere.
func TestChannels(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		environ    []string
		outbox     bool
		email, sms string // empty: none
	}{
		"nothing":                     {nil, false, "", ""},
		"nothing, in development":     {nil, true, "directory", "directory"},
		"a server":                    {aServer, false, "smtp", ""},
		"a server, in development":    {aServer, true, "smtp", "directory"},
		"Alibaba Cloud":               {aliyun, false, "", "aliyun"},
		"Tencent Cloud":               {tencent, false, "", "tencent"},
		"a webhook":                   {aWebhook, false, "", "webhook"},
		"both":                        {append(aServer[:2:2], aWebhook...), false, "smtp", "webhook"},
		"both, in development":        {append(aServer[:2:2], aliyun...), true, "smtp", "aliyun"},
		"a webhook, in development":   {aWebhook, true, "directory", "webhook"},
		"a server with TLS, password": {append(aServer[:2:2], "MENSHEN_SMTP_TLS=tls", "MENSHEN_SMTP_USERNAME=u", "MENSHEN_SMTP_PASSWORD=p"), false, "smtp", ""},
	} {
		c, err := LoadConfig(test.environ)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		outbox := ""
		if test.outbox {
			outbox = filepath.Join(t.TempDir(), "outbox")
		}
		made, err := c.channels(outbox)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for of, want := range map[message.Channel]string{message.Email: test.email, message.Phone: test.sms} {
			got := ""
			if made[of] != nil {
				got = made[of].Name()
			}
			if got != want {
				t.Errorf("%s: %s goes by %q, want %q", name, of, got, want)
			}
		}
		if outbox == "" {
			continue
		}
		if info, err := os.Stat(outbox); (err == nil) != (test.email == "directory" || test.sms == "directory") || err == nil && info.Mode().Perm() != 0o700 {
			t.Errorf("%s: the outbox is %v, %v", name, info, err)
		}
	}
}

// TestBadMessageSettings: whoever sets up a channel is told at the start what is missing or wrong, by the variable or the
// group that it belongs to, and no message quotes a secret (T13).
func TestBadMessageSettings(t *testing.T) {
	t.Parallel()
	const canary = "hunter2canary"
	with := func(base []string, more ...string) []string { return append(base[:len(base):len(base)], more...) }
	without := func(base []string, name string) (rest []string) {
		for _, entry := range base {
			if !strings.HasPrefix(entry, name+"=") {
				rest = append(rest, entry)
			}
		}
		return rest
	}
	texts := t.TempDir()
	if err := os.WriteFile(filepath.Join(texts, "code.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		environ []string
		want    []string
	}{
		"no sender":             {aServer[:1], []string{"MENSHEN_SMTP_", "sender"}},
		"a sender that is none": {[]string{aServer[0], "MENSHEN_SMTP_FROM=Acme"}, []string{"MENSHEN_SMTP_", "sender"}},
		"no port":               {[]string{"MENSHEN_SMTP_ADDR=smtp.example.com", aServer[1]}, []string{"MENSHEN_SMTP_", "host:port"}},
		"unknown TLS":           {with(aServer, "MENSHEN_SMTP_TLS=ssl"), []string{"MENSHEN_SMTP_", "starttls, tls or none"}},
		"a password in the clear": {
			with(aServer, "MENSHEN_SMTP_TLS=none", "MENSHEN_SMTP_USERNAME=u", "MENSHEN_SMTP_PASSWORD="+canary), []string{"MENSHEN_SMTP_", "without TLS"},
		},
		"half a login":    {with(aServer, "MENSHEN_SMTP_PASSWORD="+canary), []string{"MENSHEN_SMTP_", "go together"}},
		"no certificate":  {with(aServer, "MENSHEN_SMTP_CA="+canary), []string{"MENSHEN_SMTP_", "certificate"}},
		"unknown vendor":  {[]string{"MENSHEN_SMS_PROVIDER=pigeon"}, []string{"MENSHEN_SMS_PROVIDER", "aliyun, tencent or webhook"}},
		"no key":          {without(aliyun, "MENSHEN_SMS_KEY_ID"), []string{"MENSHEN_SMS_", "key ID"}},
		"no signature":    {without(tencent, "MENSHEN_SMS_SIGN"), []string{"MENSHEN_SMS_", "signature"}},
		"no template":     {without(aliyun, "MENSHEN_SMS_TEMPLATES"), []string{"MENSHEN_SMS_", "template"}},
		"no webhook":      {without(aWebhook, "MENSHEN_SMS_ENDPOINT"), []string{"MENSHEN_SMS_", "webhook"}},
		"no secret":       {without(aWebhook, "MENSHEN_SMS_KEY_SECRET"), []string{"MENSHEN_SMS_", "webhook"}},
		"a bad secret":    {with(without(aWebhook, "MENSHEN_SMS_KEY_SECRET"), "MENSHEN_SMS_KEY_SECRET="+canary), []string{"MENSHEN_SMS_", "webhook"}},
		"no list":         {[]string{"MENSHEN_SMS_TEMPLATES=SMS_1"}, []string{"MENSHEN_SMS_TEMPLATES", "code="}},
		"no country":      {[]string{"MENSHEN_SMS_COUNTRIES=China"}, []string{"MENSHEN_SMS_COUNTRIES", "CN,SG=50"}},
		"country twice":   {[]string{"MENSHEN_SMS_COUNTRIES=CN,CN=5"}, []string{"MENSHEN_SMS_COUNTRIES", "CN is there twice"}},
		"budget below 0":  {[]string{"MENSHEN_SMS_BUDGET=-1"}, []string{"MENSHEN_SMS_BUDGET", "0"}},
		"no budget":       {[]string{"MENSHEN_SMS_BUDGET=lots"}, []string{"MENSHEN_SMS_BUDGET", "whole number"}},
		"no texts":        {[]string{"MENSHEN_TEXTS_DIR=/none/texts"}, []string{"MENSHEN_TEXTS_DIR", "/none/texts"}},
		"wrong texts":     {[]string{"MENSHEN_TEXTS_DIR=" + texts}, []string{"MENSHEN_TEXTS_DIR", "code.txt"}},
		"both are wrong":  {[]string{aServer[0], "MENSHEN_SMS_PROVIDER=webhook"}, []string{"MENSHEN_SMTP_", "MENSHEN_SMS_"}},
		"kind of captcha": {[]string{"MENSHEN_CAPTCHA_KIND=riddles"}, []string{"MENSHEN_CAPTCHA_KIND", "arithmetic"}},
		"kind of one":     {[]string{"MENSHEN_CAPTCHA_KIND=digits,pool=riddles"}, []string{"MENSHEN_CAPTCHA_KIND", "arithmetic"}},
		"auto-register":   {[]string{"MENSHEN_AUTO_REGISTER=yes"}, []string{"MENSHEN_AUTO_REGISTER", "neither true nor false"}},
		"register tells":  {[]string{"MENSHEN_REGISTER_TELLS=false,true"}, []string{"MENSHEN_REGISTER_TELLS", "<userpool id>=<value>"}},
	} {
		_, err := LoadConfig(test.environ)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the message does not say %q: %v", name, want, err)
			}
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the message quotes a secret: %v", name, err)
		}
	}
}

// TestCountries (C7): SMS go where the operator says, and by default where numbers without a country code are.
func TestCountries(t *testing.T) {
	t.Parallel()
	for environ, want := range map[string]map[string]int{
		"MENSHEN_REGION=CN":              {"CN": 0},
		"MENSHEN_REGION=SG":              {"SG": 0},
		"MENSHEN_SMS_COUNTRIES=CN,SG=50": {"CN": 0, "SG": 50},
		"MENSHEN_SMS_COUNTRIES=SG":       {"SG": 0},
	} {
		c, err := LoadConfig([]string{environ})
		if err != nil {
			t.Errorf("%s: %v", environ, err)
			continue
		}
		got := c.countries()
		for country, budget := range want {
			if n, ok := got[country]; !ok || n != budget || len(got) != len(want) {
				t.Errorf("%s: %v, want %v", environ, got, want)
			}
		}
	}
}
