package channel

import (
	"strings"
	"testing"
	"time"
)

// TestVendorSettings: mistakes are found at the start, all at once, and told without the key.
func TestVendorSettings(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(a *Aliyun, x *Tencent){
		"":                     func(*Aliyun, *Tencent) {},
		"key ID, key secret":   func(a *Aliyun, x *Tencent) { a.KeyID, x.KeyID = "", "" },
		"key secret":           func(a *Aliyun, x *Tencent) { a.KeySecret, x.KeySecret = "", "" },
		"signature are needed": func(a *Aliyun, x *Tencent) { a.SignName, x.SignName = "", "" },
		"has to be https":      func(a *Aliyun, x *Tencent) { a.Endpoint, x.Endpoint = "http://example.com", "http://example.com" },
		"not like https://":    func(a *Aliyun, x *Tencent) { a.Endpoint, x.Endpoint = "ftp://"+canaryKey, ":"+canaryKey },
		"scheme and host, nothing": func(a *Aliyun, x *Tencent) {
			a.Endpoint, x.Endpoint = "https://example.com/x", "https://u:"+canaryKey+"@example.com"
		},
		`template "code" is missing`: func(a *Aliyun, x *Tencent) { a.Templates, x.Templates = nil, map[string]string{"registered": "T"} },
		`template "registered" is missing`: func(a *Aliyun, x *Tencent) {
			a.Templates, x.Templates = map[string]string{"code": "T"}, map[string]string{"code.en": "T"}
		},
		`there is no SMS "cdoe"`:       func(a *Aliyun, x *Tencent) { a.Templates["cdoe"], x.Templates["cdoe.zh"] = "T", "T" },
		"in no language that we speak": func(a *Aliyun, x *Tencent) { a.Templates["code.fr"], x.Templates["code."] = "T", "T" },
		`template "code.en" is empty`:  func(a *Aliyun, x *Tencent) { a.Templates["code.en"], x.Templates["code.en"] = "", "" },
		"time-out":                     func(a *Aliyun, x *Tencent) { a.Timeout, x.Timeout = -time.Second, -time.Second },
	} {
		a := Aliyun{KeyID: "i", KeySecret: canaryKey, SignName: "n", Templates: map[string]string{"code": "T", "registered": "R"}}
		x := Tencent{KeyID: "i", KeySecret: canaryKey, AppID: "1", SignName: "n", Templates: map[string]string{"code": "T", "registered": "R"}}
		change(&a, &x)
		_, err1 := NewAliyun(a)
		_, err2 := NewTencent(x)
		for _, err := range []error{err1, err2} {
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canaryKey)) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
	if _, err := NewTencent(Tencent{Endpoint: "x"}); strings.Count(err.Error(), "\n") < 2 {
		t.Errorf("not all mistakes at once: %v", err)
	}
}
