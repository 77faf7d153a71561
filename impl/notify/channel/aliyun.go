package channel

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/secret"
)

// Aliyun are the settings of a channel to the SMS service of Alibaba Cloud.
type Aliyun struct {
	KeyID     string // of an AccessKey that may call dysms:SendSms
	KeySecret string
	Endpoint  string            // https://dysmsapi.aliyuncs.com by default
	SignName  string            // the signature that opens the text, approved by them
	Templates map[string]string // their TemplateCode by ours: "code", or "code.zh" where languages differ
	Timeout   time.Duration     // of a whole delivery; 15 s by default
}

const aliyunEndpoint = "https://dysmsapi.aliyuncs.com"

// aliyunVerdicts is from https://help.aliyun.com/document_detail/101346.html, and the codes that all their APIs share.
var aliyunVerdicts = verdicts{
	"isv.MOBILE_NUMBER_ILLEGAL":         refused,
	"isv.DOMESTIC_NUMBER_NOT_SUPPORTED": refused,
	"isv.SMS_CONTENT_ILLEGAL":           refused,
	"isv.BLACK_KEY_CONTROL_LIMIT":       refused,
	"isv.PARAM_LENGTH_LIMIT":            refused,
	"isv.PARAM_NOT_SUPPORT_URL":         refused,

	"isv.BUSINESS_LIMIT_CONTROL": busy, // of one number: 1 a minute, 5 an hour, 10 a day
	"isv.DAY_LIMIT_CONTROL":      busy,
	"isv.MONTH_LIMIT_CONTROL":    busy,
	"isp.SYSTEM_ERROR":           busy, // they ask to call again
	"Throttling*":                busy,
	"ServiceUnavailable*":        busy,

	"InternalError*": unclear, // "has failed due to some unknown error": it may have been after the sending
}

type aliyun struct {
	Aliyun
	endpoint  *url.URL
	templates templates
	now       func() time.Time
	nonce     func() string
}

// NewAliyun checks the settings, all of them; it does not connect. The channel does not recognise letters: the vendor
// says that SendSms is not idempotent, and OutId is for reports only.
func NewAliyun(s Aliyun) (Channel, error) {
	u, err := vendorEndpoint(orDefault(s.Endpoint, aliyunEndpoint))
	errs := []error{err, templates(s.Templates).check()}
	if s.KeyID == "" || s.KeySecret == "" || s.SignName == "" {
		errs = append(errs, errors.New("key ID, key secret and signature are needed"))
	}
	if s.Timeout < 0 {
		errs = append(errs, errors.New("the time-out is negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("aliyun: %w", err)
	}
	s.Timeout = orDefault(s.Timeout, defaultHTTPTimeout)
	nonce := func() string { return hex.EncodeToString(secret.Bytes(16)) }
	return &aliyun{Aliyun: s, endpoint: u, templates: s.Templates, now: time.Now, nonce: nonce}, nil
}

func (c *aliyun) Name() string     { return "aliyun" }
func (c *aliyun) Recognises() bool { return false }

func (c *aliyun) Deliver(ctx context.Context, l Letter, handOver func(context.Context) error) error {
	if err := l.checkSMS(); err != nil {
		return err
	}
	template, err := c.templates.find(l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	if err := handOver(ctx); err != nil {
		return err
	}
	request := c.request(l, template)
	header := request.header()
	header["authorization"] = request.authorization(c.KeyID, c.KeySecret)
	header["accept"] = "application/json"
	to := *c.endpoint
	to.RawQuery = request.canonicalQuery()
	status, body, err := exchange(ctx, &to, header, request.body, maxAnswer)
	if err != nil {
		return fmt.Errorf("aliyun: %w", err)
	}
	var answer struct{ Code string }
	_ = json.Unmarshal(body, &answer) // what is no JSON has no code
	if answer.Code == "OK" {
		return nil
	}
	return aliyunVerdicts.no("aliyun", status, answer.Code)
}

// request is SendSms, https://help.aliyun.com/document_detail/55284.html: it has its parameters in the query.
func (c *aliyun) request(l Letter, template string) acs3 {
	parameters := map[string]string{}
	if l.Code != "" {
		parameters = map[string]string{"code": l.Code, "minutes": strconv.Itoa(l.Minutes)}
	}
	encoded, _ := json.Marshal(parameters) // strings never fail
	return acs3{
		host:    c.endpoint.Host,
		action:  "SendSms",
		version: "2017-05-25",
		query: url.Values{
			"PhoneNumbers":  {aliyunNumber(l.To)},
			"SignName":      {c.SignName},
			"TemplateCode":  {template},
			"TemplateParam": {string(encoded)},
			"OutId":         {l.ID},
		},
		at:    c.now(),
		nonce: c.nonce(),
	}
}

// aliyunNumber writes a number in E.164 as they want it: those of mainland China as they are dialled there, others with
// their country code, and no plus.
func aliyunNumber(e164 string) string {
	if national, ok := strings.CutPrefix(e164, "+86"); ok {
		return national
	}
	return strings.TrimPrefix(e164, "+")
}
