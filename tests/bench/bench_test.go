// Package bench measures what tests/bench/load does not compare with a reference: signing in, sent codes and streams, over HTTP
// on a real PostgreSQL, everything on. Compare ratios within one run; absolute times say more about the machine.
//
//	go test -run '^$' -bench . ./tests/bench
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
