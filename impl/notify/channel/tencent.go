package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Tencent are the settings of a channel to the SMS service of Tencent Cloud.
type Tencent struct {
	KeyID     string // SecretId of a key that may call sms:SendSms
	KeySecret string // SecretKey
	AppID     string // SmsSdkAppId
	Region    string // ap-guangzhou by default
	Endpoint  string // https://sms.tencentcloudapi.com by default
	SignName  string // the signature that opens the text, approved by them
	// Templates has their TemplateId by ours: "code", or "code.zh" where languages differ. Their variables have numbers,
	// not names: in a template for codes {1} is the code and {2} its life in minutes; other templates have none.
	Templates map[string]string
	Timeout   time.Duration // of a whole delivery; 15 s by default
}

const (
	tencentEndpoint = "https://sms.tencentcloudapi.com"
	tencentRegion   = "ap-guangzhou"
)

// tencentVerdicts is from https://cloud.tencent.com/document/api/382/59177.
var tencentVerdicts = verdicts{
	"InvalidParameterValue.IncorrectPhoneNumber":                refused,
	"InvalidParameterValue.ContentLengthLimit":                  refused,
	"InvalidParameterValue.TemplateParameterFormatError":        refused,
	"InvalidParameterValue.TemplateParameterLengthLimit":        refused,
	"InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": refused,
	"FailedOperation.ContainSensitiveWord":                      refused,
	"FailedOperation.PhoneNumberInBlacklist":                    refused, // unsubscribed, or blocked by the carrier
	"UnsupportedOperation.UnsuportedRegion":                     refused, // their spelling: no SMS to that country

	"LimitExceeded*":        busy,
	"RequestLimitExceeded*": busy,
	"InternalError*":        busy,
	"ResourceUnavailable*":  busy,
	"ServiceUnavailable*":   busy,

	"InternalError.Timeout":         unclear, // handing it on took too long
	"InternalError.SendAndRecvFail": unclear,
}

type tencent struct {
	Tencent
	endpoint  *url.URL
	templates templates
	now       func() time.Time
}

// NewTencent checks the settings, all of them; it does not connect. The channel does not recognise letters:
// SessionContext is only handed back.
func NewTencent(s Tencent) (Channel, error) {
	u, err := vendorEndpoint(orDefault(s.Endpoint, tencentEndpoint))
	errs := []error{err, templates(s.Templates).check()}
	if s.KeyID == "" || s.KeySecret == "" || s.SignName == "" || s.AppID == "" {
		errs = append(errs, errors.New("key ID, key secret, app ID and signature are needed"))
	}
	if s.Timeout < 0 {
		errs = append(errs, errors.New("the time-out is negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("tencent: %w", err)
	}
	s.Timeout, s.Region = orDefault(s.Timeout, defaultHTTPTimeout), orDefault(s.Region, tencentRegion)
	return &tencent{Tencent: s, endpoint: u, templates: s.Templates, now: time.Now}, nil
}

func (c *tencent) Name() string     { return "tencent" }
func (c *tencent) Recognises() bool { return false }

func (c *tencent) Deliver(ctx context.Context, l Letter, handOver func(context.Context) error) error {
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
	status, body, err := exchange(ctx, c.endpoint, map[string]string{
		"Authorization":  request.authorization(c.KeyID, c.KeySecret),
		"Content-Type":   tc3ContentType,
		"X-TC-Action":    request.action,
		"X-TC-Version":   "2021-01-11",
		"X-TC-Region":    c.Region,
		"X-TC-Timestamp": request.timestamp(),
	}, request.body, maxAnswer)
	if err != nil {
		return fmt.Errorf("tencent: %w", err)
	}
	code := tencentCode(body)
	if code == "Ok" {
		return nil
	}
	return tencentVerdicts.no("tencent", status, code)
}

// request is SendSms, https://cloud.tencent.com/document/api/382/55981.
func (c *tencent) request(l Letter, template string) tc3 {
	parameters := []string{}
	if l.Code != "" {
		parameters = []string{l.Code, strconv.Itoa(l.Minutes)}
	}
	body, _ := json.Marshal(map[string]any{ // strings never fail
		"PhoneNumberSet":   []string{l.To},
		"SmsSdkAppId":      c.AppID,
		"SignName":         c.SignName,
		"TemplateId":       template,
		"TemplateParamSet": parameters,
		"SessionContext":   l.ID,
	})
	return tc3{host: c.endpoint.Host, service: "sms", action: "SendSms", body: body, at: c.now()}
}

// tencentCode is the code of the request where it failed, otherwise that of the one number that was in it; empty where
// the answer is something else.
func tencentCode(body []byte) string {
	var answer struct {
		Response struct {
			Error         struct{ Code string }
			SendStatusSet []struct{ Code string }
		}
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	if code := answer.Response.Error.Code; code != "" {
		return code
	}
	if set := answer.Response.SendStatusSet; len(set) == 1 {
		return set[0].Code
	}
	return ""
}
