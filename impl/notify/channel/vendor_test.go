package channel

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/menshen-auth/menshen/impl/internal/lang"
	"github.com/menshen-auth/menshen/impl/internal/message"
)

var testTemplates = map[string]string{"code": "T_EN", "code.zh": "T_ZH", "registered.zh": "T_REG"}

func newAliyun(t *testing.T, url string) Channel {
	t.Helper()
	c, err := NewAliyun(Aliyun{KeyID: "key-id", KeySecret: canaryKey, Endpoint: url, SignName: "门神 & Co", Templates: testTemplates, Timeout: patient})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// hurried is a channel that does not wait for long.
func hurried(c Channel) Channel {
	switch c := c.(type) {
	case *aliyun:
		c.Timeout = brief
	case *tencent:
		c.Timeout = brief
	case *webhookChannel:
		c.timeout = brief
	}
	return c
}

func newTencent(t *testing.T, url string) Channel {
	t.Helper()
	c, err := NewTencent(Tencent{
		KeyID: "key-id", KeySecret: canaryKey, AppID: "1400006666", Endpoint: url, SignName: "门神 & Co", Templates: testTemplates, Timeout: patient,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// vendors are the two, side by side.
var vendors = map[string]struct {
	double   func(*testing.T) *double
	channel  func(t *testing.T, url string) Channel
	answer   string // with %s for a code
	national string // how a number of mainland China is written
	foreign  string // how +442079460958 is
	code     string // parameters of a code
	none     string // parameters of a notice
}{
	"aliyun": {
		aliyunDouble, newAliyun, `{"Code":"%s","Message":"m","RequestId":"R"}`,
		"13812349876", "442079460958", `{"code":"739164","minutes":"5"}`, `{}`,
	},
	"tencent": {
		tencentDouble, newTencent, `{"Response":{"SendStatusSet":[{"Code":"%s","Message":"m"}],"RequestId":"R"}}`,
		"+8613812349876", "+442079460958", "739164,5", "",
	},
}

// TestVendorsDeliver: each vendor gets the number in its own form, its own name of the template in the language of the
// letter, code and minutes where the text has them, the ID, and a signature that holds.
func TestVendorsDeliver(t *testing.T) {
	t.Parallel()
	for name, vendor := range vendors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := vendor.double(t)
			c := vendor.channel(t, d.URL)
			code, foreign, notice := anSMS(), anSMS(), anSMS()
			foreign.To, foreign.Lang = "+442079460958", lang.Chinese
			notice.Template, notice.Lang, notice.Code = message.Registered, lang.Chinese, ""
			for _, l := range []Letter{code, foreign, notice} {
				if got, err := deliver(t, c, l); got != taken {
					t.Fatal(err)
				}
			}
			const sign = "门神 & Co"
			for i, want := range []sms{
				{vendor.national, "T_EN", vendor.code, sign, code.ID},
				{vendor.foreign, "T_ZH", vendor.code, sign, code.ID},
				{vendor.national, "T_REG", vendor.none, sign, code.ID},
			} {
				if got := d.got()[i]; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			if c.Name() != name || c.Recognises() {
				t.Error("the vendor does not know repeats")
			}
		})
	}
}

// TestVendorsRefuse: what is no phone number, or has no template, is refused before anybody hears of it.
func TestVendorsRefuse(t *testing.T) {
	t.Parallel()
	for name, vendor := range vendors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := vendor.double(t)
			c := vendor.channel(t, d.URL)
			for _, to := range []string{"", "13812349876", "+86", "+86 138 1234 9876", "+8613812349876,+8613812349877", "+0123456789", canaryTo, "+1234567890123456", "+8613812349876\n"} {
				l := anSMS()
				l.To = to
				if got, err := deliver(t, c, l); got != refusedly {
					t.Errorf("to %q: %v", to, err)
				}
			}
			for _, id := range []string{"", "a.b", "a b", "a\n", strings.Repeat("a", 65)} {
				l := anSMS()
				l.ID = id
				if got, err := deliver(t, c, l); got != refusedly {
					t.Errorf("ID %q: %v", id, err)
				}
			}
			l := anSMS()
			l.Template, l.Lang = message.Registered, lang.English
			if got, err := deliver(t, c, l); got != refusedly || !strings.Contains(err.Error(), "no template for registered in en") {
				t.Errorf("without a template: %v", err)
			}
			if n := len(d.got()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestVendorCodes: a code of the vendor decides, whatever the HTTP status is. Number and text are refused for good; limits
// pass; keys, signature, templates and money are the operator's to repair, and an unknown code is taken for that; where
// the vendor itself has lost track, so have we.
func TestVendorCodes(t *testing.T) {
	t.Parallel()
	for name, codes := range map[string]map[string]outcome{
		"aliyun": {
			"OK":                          taken,
			"isv.MOBILE_NUMBER_ILLEGAL":   refusedly,
			"isv.SMS_CONTENT_ILLEGAL":     refusedly,
			"isv.BUSINESS_LIMIT_CONTROL":  later,
			"isv.DAY_LIMIT_CONTROL":       later,
			"isp.SYSTEM_ERROR":            later,
			"Throttling":                  later,
			"Throttling.User":             later,
			"ServiceUnavailable":          later,
			"isv.AMOUNT_NOT_ENOUGH":       later,
			"isv.SMS_SIGNATURE_ILLEGAL":   later,
			"isv.SMS_TEMPLATE_ILLEGAL":    later,
			"isp.RAM_PERMISSION_DENY":     later,
			"SignatureDoesNotMatch":       later,
			"InvalidAccessKeyId.NotFound": later,
			"InvalidTimeStamp.Expired":    later,
			"isv.SOMETHING_NEW":           later,
			"Ok":                          later, // of the other vendor
			"InternalError":               uncertain,
		},
		"tencent": {
			"Ok": taken,
			"InvalidParameterValue.IncorrectPhoneNumber":      refusedly,
			"FailedOperation.PhoneNumberInBlacklist":          refusedly,
			"FailedOperation.ContainSensitiveWord":            refusedly,
			"UnsupportedOperation.UnsuportedRegion":           refusedly,
			"LimitExceeded.PhoneNumberThirtySecondLimit":      later,
			"LimitExceeded.DeliveryFrequencyLimit":            later,
			"RequestLimitExceeded":                            later,
			"InternalError":                                   later,
			"InternalError.OtherError":                        later,
			"FailedOperation.InsufficientBalanceInSmsPackage": later,
			"FailedOperation.SignatureIncorrectOrUnapproved":  later,
			"FailedOperation.TemplateIncorrectOrUnapproved":   later,
			"UnauthorizedOperation.SmsSdkAppIdVerifyFail":     later,
			"AuthFailure.SignatureFailure":                    later,
			"InvalidParameterValue.SdkAppIdNotExist":          later,
			"SomethingNew":                                    later,
			"OK":                                              later, // of the other vendor
			"InternalError.Timeout":                           uncertain,
			"InternalError.SendAndRecvFail":                   uncertain,
		},
	} {
		vendor := vendors[name]
		d := vendor.double(t)
		c := vendor.channel(t, d.URL)
		for code, want := range codes {
			for _, status := range []int{200, 400, 403, 429, 500, 503} {
				d.mu.Lock()
				d.status, d.answer = status, fmt.Sprintf(vendor.answer, code)
				d.mu.Unlock()
				got, err := deliver(t, c, anSMS())
				if got != want || err != nil && !strings.Contains(err.Error(), code) {
					t.Errorf("%s: %s (HTTP %d): %s, %v; want %s", name, code, status, got, err, want)
				}
			}
		}
	}
}

// TestTencentRequestFails: codes for the request as a whole count like those for the number.
func TestTencentRequestFails(t *testing.T) {
	t.Parallel()
	d := tencentDouble(t)
	c := newTencent(t, d.URL)
	for code, want := range map[string]outcome{
		"AuthFailure.SecretIdNotFound": later, "RequestLimitExceeded": later, "InternalError.Timeout": uncertain,
		"InvalidParameterValue.IncorrectPhoneNumber": refusedly,
	} {
		d.mu.Lock()
		d.answer = fmt.Sprintf(`{"Response":{"Error":{"Code":"%s","Message":"m"},"RequestId":"R"}}`, code)
		d.mu.Unlock()
		if got, err := deliver(t, c, anSMS()); got != want || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: %s, %v; want %s", code, got, err, want)
		}
	}
}

// TestVendorsWithoutCode: an answer without a code is not the API's. After 2xx and 5xx nobody knows whether the request
// went through; anything else has stopped it.
func TestVendorsWithoutCode(t *testing.T) {
	t.Parallel()
	for name, vendor := range vendors {
		d := vendor.double(t)
		c := vendor.channel(t, d.URL)
		answers := []string{
			"", "<html>busy</html>", "{}", "null", "[]", `{"Code":7}`, `{"Code":""}`, `{"Code":"two words"}`, `{"Code":"739164"}`,
			`{"Response":{}}`, `{"Response":{"SendStatusSet":[]}}`, `{"Response":{"SendStatusSet":[{"Code":"Ok"},{"Code":"Ok"}]}}`,
			"\x00\xff", strings.Repeat(" ", maxAnswer) + fmt.Sprintf(vendor.answer, "OK"), fmt.Sprintf(vendor.answer, "OK")[:20],
		}
		for _, answer := range answers {
			for status, want := range map[int]outcome{200: uncertain, 204: uncertain, 302: later, 400: later, 403: later, 404: later, 429: later, 500: uncertain, 502: uncertain, 503: uncertain, 504: uncertain} {
				d.mu.Lock()
				d.status, d.answer = status, answer
				d.mu.Unlock()
				if got, err := deliver(t, c, anSMS()); got != want {
					t.Errorf("%s: %.40q (HTTP %d): %v; want %s", name, answer, status, err, want)
				}
			}
		}
	}
}

// TestVendorsInParallel: one channel sends many SMS at once, each with a signature and a nonce of its own.
func TestVendorsInParallel(t *testing.T) {
	t.Parallel()
	for name, vendor := range vendors {
		d := vendor.double(t)
		c := vendor.channel(t, d.URL)
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				l := anSMS()
				l.ID = fmt.Sprint("id-", i)
				if got, err := deliver(t, c, l); got != taken {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		all.Wait()
		seen := map[string]bool{}
		for _, s := range d.got() {
			seen[s.id] = true
		}
		if len(seen) != 16 {
			t.Errorf("%s: %d letters arrived, want 16", name, len(seen))
		}
	}
}
