package app

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/impl/captcha"
	"github.com/menshen-auth/menshen/impl/internal/message"
	"github.com/menshen-auth/menshen/impl/notify"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// Messages is how e-mails and SMS are sent.
type Messages struct {
	TextsDir string `env:"MENSHEN_TEXTS_DIR"` // an operator's own texts: <userpool id>/<en|zh>/<email|phone>/<template>.txt

	SMTPAddr     string `env:"MENSHEN_SMTP_ADDR"`                      // host:port; empty: no e-mail
	SMTPTLS      string `env:"MENSHEN_SMTP_TLS" envDefault:"starttls"` // starttls, tls (from the first byte), none
	SMTPUsername string `env:"MENSHEN_SMTP_USERNAME"`
	SMTPPassword string `env:"MENSHEN_SMTP_PASSWORD"`
	SMTPFrom     string `env:"MENSHEN_SMTP_FROM"` // Menshen <no-reply@example.com>
	SMTPCA       string `env:"MENSHEN_SMTP_CA"`   // PEM, beside the system's; most likely as MENSHEN_SMTP_CA_FILE

	SMSProvider  string            `env:"MENSHEN_SMS_PROVIDER"`                         // aliyun, tencent, webhook; empty: no SMS
	SMSEndpoint  string            `env:"MENSHEN_SMS_ENDPOINT"`                         // URL; the vendor's own by default
	SMSKeyID     string            `env:"MENSHEN_SMS_KEY_ID"`                           // AccessKey ID, or SecretId
	SMSKeySecret string            `env:"MENSHEN_SMS_KEY_SECRET"`                       // its secret; of a webhook whsec_..., several separated by spaces
	SMSSign      string            `env:"MENSHEN_SMS_SIGN"`                             // the approved signature that opens the text
	SMSAppID     string            `env:"MENSHEN_SMS_APP_ID"`                           // tencent: SmsSdkAppId
	SMSRegion    string            `env:"MENSHEN_SMS_REGION"`                           // tencent: ap-guangzhou by default
	SMSTemplates map[string]string `env:"MENSHEN_SMS_TEMPLATES" envKeyValSeparator:"="` // the vendor's, by ours: code=SMS_1,code.en=SMS_2,registered=SMS_3

	SMSCountries captcha.Countries `env:"MENSHEN_SMS_COUNTRIES"`                // C7: such as CN,SG=50; by default MENSHEN_REGION
	SMSBudget    int               `env:"MENSHEN_SMS_BUDGET" envDefault:"1000"` // C7: SMS of a userpool in a day (UTC); 0: any number
}

// Delivery of messages.
const (
	deliveryTimeout       = 15 * time.Second
	deliveryPoll          = time.Second
	deliveryParallel      = 4
	deliveryParallelHooks = 16
	deliveryDrain         = 2 * time.Second // after requests are drained; all of a stop takes ten seconds at most
	outboxKept            = 24 * time.Hour  // of the development outbox
)

var delivery = notify.Settings{
	Timeout: deliveryTimeout, Parallel: deliveryParallel, ParallelHooks: deliveryParallelHooks, Poll: deliveryPoll, Drain: deliveryDrain,
}

// outboxDir is where the development outbox is.
func outboxDir(dataDir string) string { return filepath.Join(dataDir, "outbox") }

// channels makes the configured channels. With an outbox, which is for development, what is not configured goes there.
func (m Messages) channels(outbox string) (map[message.Channel]channel.Channel, error) {
	made := map[message.Channel]channel.Channel{}
	email, err1 := m.email()
	sms, err2 := m.sms()
	for name, c := range map[message.Channel]channel.Channel{message.Email: email, message.Phone: sms} {
		if c != nil {
			made[name] = c
		} else if outbox != "" {
			directory, err := channel.NewDirectory(outbox, name)
			if err != nil {
				return nil, err
			}
			made[name] = directory
		}
	}
	return made, errors.Join(err1, err2)
}

func (m Messages) email() (channel.Channel, error) {
	if m.SMTPAddr == "" {
		return nil, nil
	}
	return channel.NewSMTP(channel.SMTP{
		Addr: m.SMTPAddr, TLS: m.SMTPTLS, Username: m.SMTPUsername, Password: m.SMTPPassword, From: m.SMTPFrom,
		CA: []byte(m.SMTPCA), Timeout: deliveryTimeout,
	})
}

func (m Messages) sms() (channel.Channel, error) {
	switch m.SMSProvider {
	case "aliyun":
		return channel.NewAliyun(channel.Aliyun{
			KeyID: m.SMSKeyID, KeySecret: m.SMSKeySecret, Endpoint: m.SMSEndpoint, SignName: m.SMSSign, Templates: m.SMSTemplates,
			Timeout: deliveryTimeout,
		})
	case "tencent":
		return channel.NewTencent(channel.Tencent{
			KeyID: m.SMSKeyID, KeySecret: m.SMSKeySecret, AppID: m.SMSAppID, Region: m.SMSRegion, Endpoint: m.SMSEndpoint,
			SignName: m.SMSSign, Templates: m.SMSTemplates, Timeout: deliveryTimeout,
		})
	case "webhook":
		return channel.NewWebhook(channel.Webhook{URL: m.SMSEndpoint, Secret: m.SMSKeySecret, Timeout: deliveryTimeout})
	}
	return nil, nil
}

// check says what is wrong with the settings of a channel, in the words of whoever knows the channel.
func (m Messages) check() (problems []error) {
	if _, err := m.email(); err != nil {
		problems = append(problems, fmt.Errorf("MENSHEN_SMTP_*: %w", err))
	}
	if m.SMTPAddr == "" && m.SMTPUsername+m.SMTPPassword+m.SMTPFrom+m.SMTPCA != "" {
		problems = append(problems, errors.New("MENSHEN_SMTP_ADDR: is missing; without it nothing is sent by e-mail"))
	}
	if m.SMSProvider == "" && (m.SMSEndpoint+m.SMSKeyID+m.SMSKeySecret+m.SMSSign+m.SMSAppID+m.SMSRegion != "" || m.SMSTemplates != nil) {
		problems = append(problems, errors.New("MENSHEN_SMS_PROVIDER: is missing; write aliyun, tencent or webhook"))
	}
	switch m.SMSProvider {
	case "", "aliyun", "tencent", "webhook":
		if _, err := m.sms(); err != nil {
			problems = append(problems, fmt.Errorf("MENSHEN_SMS_*: %w", err))
		}
	default:
		problems = append(problems, fmt.Errorf("MENSHEN_SMS_PROVIDER: %q is not aliyun, tencent or webhook", m.SMSProvider))
	}
	if _, err := notify.LoadTexts(m.TextsDir); err != nil {
		problems = append(problems, fmt.Errorf("MENSHEN_TEXTS_DIR: %w", err))
	}
	if m.SMSBudget < 0 {
		problems = append(problems, errors.New("MENSHEN_SMS_BUDGET: SMS a day, or 0 for any number"))
	}
	return problems
}

// countries are where SMS may go.
func (c Config) countries() captcha.Countries {
	if c.SMSCountries != nil {
		return c.SMSCountries
	}
	return captcha.Countries{strings.ToUpper(c.Region): 0}
}
