// Package bench measures the jobs that Menshen exists for, over HTTP on a real PostgreSQL: everything on, nothing left
// out for speed. Compare ratios within one run; absolute times say more about the machine.
//
//	make bench
package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// unlimited takes the limits away that one client would run into, whoever it asks for. Those of single people and addresses
// stay, and are counted as ever.
func unlimited(c *app.Config) {
	own := *c
	harness.NoLimits(c)
	c.LimitSend, c.LimitSendHour, c.LimitSendDay = own.LimitSend, own.LimitSendHour, own.LimitSendDay
	c.LimitSMSPrefix, c.SMSBudget = own.LimitSMSPrefix, own.SMSBudget
	c.LimitSignIn, c.LimitAccount = own.LimitSignIn, own.LimitAccount
}

// BenchmarkJobs runs each job from several clients at once.
func BenchmarkJobs(b *testing.B) {
	h := harness.New(b, unlimited)
	alice, bob := h.SignUp("alice").EnrolTOTP(), h.SignUp("bob")
	key := managementToken(b, h)
	ctx := context.Background()
	created, err := h.Client.CreateQRCodeWithResponse(ctx, nil, gen.CreateQRCodeJSONRequestBody{Type: gen.GeneQRCodeDtoTypeMobileApp})
	if err != nil || created.JSON200.Data == nil {
		b.Fatal(err, string(created.Body))
	}
	for _, job := range []struct {
		name, method, path, body string
		header                   map[string]string
	}{
		{"health", http.MethodGet, "/healthz", "", nil},
		{"captcha-image", http.MethodPost, "/api/v1/system/user/captcha", `{"type":"image","use":"login"}`, nil},
		{"enrolment-picture", http.MethodGet, "/auth/mfa/qrcode", "", map[string]string{"Access-Token": bob.AccessToken}},
		{"qr-create", http.MethodPost, "/api/v3/gene-qrcode", `{"type":"MOBILE_APP"}`, nil},
		{"qr-status", http.MethodGet, "/api/v3/get-qrcode-status?qrcodeId=" + created.JSON200.Data.QrcodeID, "", nil},
		{"otp-lookup", http.MethodGet, "/api/v3/get-otp-secret-by-user?userId=" + alice.ID, "", map[string]string{"Authorization": "Bearer " + key}},
	} {
		b.Run(job.name, func(b *testing.B) {
			parallel(b, func(client *http.Client) error {
				return call(client, job.method, h.URL+job.path, job.body, job.header)
			})
		})
	}
}

// parallel runs a job from several clients at once.
func parallel(b *testing.B, job func(client *http.Client) error) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
		for p.Next() {
			if err := job(client); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func managementToken(b *testing.B, h *harness.Instance) string {
	b.Helper()
	r, err := h.Client.GetManagementTokenWithResponse(context.Background(), gen.GetManagementTokenJSONRequestBody{
		AccessKeyID: h.Credentials.AccessKeyID, AccessKeySecret: h.Credentials.AccessKeySecret,
	})
	if err != nil || r.JSON200.Data == nil {
		b.Fatal(err, string(r.Body))
	}
	return r.JSON200.Data.AccessToken
}

// call makes one request, and fails unless its answer is a success in its dialect: a benchmark of refusals would be fast.
func call(client *http.Client, method, url, body string, header map[string]string) error {
	request, err := http.NewRequest(method, url, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	for _, success := range []string{`"status":"ok"`, `"code":0`, `"code":10000`, `"statusCode":200`} {
		if bytes.Contains(answer, []byte(success)) {
			return nil
		}
	}
	return fmt.Errorf("%s %s: HTTP %d %.200s", method, url, response.StatusCode, answer)
}
