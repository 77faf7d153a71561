package channel

import (
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/lang"
)

// TestACS3 checks against the example of fixed parameters that Alibaba Cloud publishes with the method:
// https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
func TestACS3(t *testing.T) {
	t.Parallel()
	r := acs3{
		host: "ecs.cn-shanghai.aliyuncs.com", action: "RunInstances", version: "2014-05-26",
		query: url.Values{"RegionId": {"cn-shanghai"}, "ImageId": {"win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}},
		at:    time.Date(2023, 10, 26, 18, 22, 32, 0, time.FixedZone("CST", 8*3600)),
		nonce: "3156853299f313e23d1673dc12e1703d",
	}
	const (
		hashed = "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
		signed = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
	)
	if got := r.stringToSign(); got != "ACS3-HMAC-SHA256\n"+hashed {
		t.Errorf("signs %q, for\n%s", got, r.canonicalRequest())
	}
	want := "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=" +
		"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=" + signed
	if got := r.authorization("YourAccessKeyId", "YourAccessKeySecret"); got != want {
		t.Errorf("authorization is %s, want %s", got, want)
	}
}

// TestACS3Escapes: the query is escaped as RFC 3986 has it, unlike a form: their documentation names space, asterisk and
// tilde.
func TestACS3Escapes(t *testing.T) {
	t.Parallel()
	r := acs3{query: url.Values{"b": {"~-_.*+/=&? é门"}, "a b": {""}}}
	if got, want := r.canonicalQuery(), "a%20b=&b=~-_.%2A%2B%2F%3D%26%3F%20%C3%A9%E9%97%A8"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestTC3 checks against the example that Tencent Cloud publishes with the method. The key is printed as asterisks there,
// and was asterisks when they made it: the derived key (printed as well) and the signature are those of 32 of them.
// https://cloud.tencent.com/document/api/382/52072
func TestTC3(t *testing.T) {
	t.Parallel()
	r := tc3{
		host: "cvm.tencentcloudapi.com", service: "cvm", action: "DescribeInstances",
		body: []byte(`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`),
		at:   time.Unix(1551113065, 0).In(time.FixedZone("CST", 8*3600)), // the 26th there, the 25th in UTC
	}
	if got := sha256Hex(r.body); got != "35e9c5b0e3ae67532d3c9f17ead6c90222632e5b1ff7f6e89887f1398934f064" {
		t.Errorf("hash of the body is %s", got)
	}
	const hashed = "7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84"
	if got := r.stringToSign(); got != "TC3-HMAC-SHA256\n1551113065\n2019-02-25/cvm/tc3_request\n"+hashed {
		t.Errorf("signs %q, for\n%s", got, r.canonicalRequest())
	}
	id, key := "AKID"+strings.Repeat("*", 32), strings.Repeat("*", 32)
	if got := hex.EncodeToString(r.signingKey(key)); got != "b596b923aad85185e2d1f6659d2a062e0a86731226e021e61bfe06f7ed05f5af" {
		t.Errorf("the signing key is %s", got)
	}
	want := "TC3-HMAC-SHA256 Credential=" + id + "/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, " +
		"Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
	if got := r.authorization(id, key); got != want {
		t.Errorf("authorization is %s, want %s", got, want)
	}
}

// TestRequestsAreExact: with clock and nonce held, whole requests are these, byte for byte. The signatures were computed
// with Python's hmac and hashlib from the vendors' documents.
func TestRequestsAreExact(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 12, 0, 0, 999, time.UTC)
	l := anSMS()
	l.Lang = lang.Chinese

	a := newAliyun(t, "").(*aliyun)
	a.now, a.nonce = func() time.Time { return at }, func() string { return "00112233445566778899aabbccddeeff" }
	r := a.request(l, "SMS_154950909")
	const query = "OutId=65f0c0ffee00000000000001&PhoneNumbers=13812349876&SignName=%E9%97%A8%E7%A5%9E%20%26%20Co&" +
		"TemplateCode=SMS_154950909&TemplateParam=%7B%22code%22%3A%22739164%22%2C%22minutes%22%3A%225%22%7D"
	if got := r.canonicalQuery(); got != query {
		t.Errorf("query is %s, want %s", got, query)
	}
	if got := r.authorization("key-id", canaryKey); !strings.HasSuffix(got, ",Signature=96635078aaab6d41d02b08241e4d7d108a1043b30e03a08e70f9a99f537fdd83") {
		t.Errorf("aliyun: %s", got)
	}

	x := newTencent(t, "").(*tencent)
	x.now = a.now
	q := x.request(l, "1234")
	const body = `{"PhoneNumberSet":["+8613812349876"],"SessionContext":"65f0c0ffee00000000000001","SignName":"门神 \u0026 Co",` +
		`"SmsSdkAppId":"1400006666","TemplateId":"1234","TemplateParamSet":["739164","5"]}`
	if string(q.body) != body {
		t.Errorf("body is %s, want %s", q.body, body)
	}
	if got := q.authorization("key-id", canaryKey); !strings.HasSuffix(got, " Signature=9a0ab3b20d969d32cdead0997f973e88ff8aa216a0295de145f8819d683402d3") {
		t.Errorf("tencent: %s", got)
	}
}
