package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/app"
	"github.com/menshen-auth/menshen/tests/harness"
)

// request is what a job does again and again.
type request struct {
	method, path, body string
	header             map[string]string
	success            string // what is in the answer, since a profile of refusals would show little
}

// jobs make what a job needs in the service at a URL.
var jobs = map[string]func(ctx context.Context, c *gen.ClientWithResponses, own app.Credentials) (request, error){
	"health": func(context.Context, *gen.ClientWithResponses, app.Credentials) (request, error) {
		return request{method: http.MethodGet, path: "/healthz", success: `"status":"ok"`}, nil
	},
	"captcha": func(context.Context, *gen.ClientWithResponses, app.Credentials) (request, error) {
		return request{
			method: http.MethodPost, path: "/api/v1/system/user/captcha", body: `{"type":"image","use":"login"}`, success: `"code":0`,
		}, nil
	},
	"enrolment": func(ctx context.Context, c *gen.ClientWithResponses, _ app.Credentials) (request, error) {
		const name = "enrolling"
		if _, err := c.RegisterUserWithResponse(ctx, gen.RegisterUserJSONRequestBody{Username: name, Password: harness.Password}); err != nil {
			return request{}, err
		}
		r, err := c.LoginUserWithResponse(ctx, gen.LoginUserJSONRequestBody{Username: name, Password: harness.Password})
		if err != nil {
			return request{}, err
		}
		return request{
			method: http.MethodGet, path: "/auth/mfa/qrcode", success: `"code":10000`,
			header: map[string]string{"Access-Token": r.HTTPResponse.Header.Get("Access-Token")},
		}, nil
	},
	"qr-create": func(context.Context, *gen.ClientWithResponses, app.Credentials) (request, error) {
		return request{method: http.MethodPost, path: "/api/v3/gene-qrcode", body: `{"type":"MOBILE_APP"}`, success: `"statusCode":200`}, nil
	},
	"qr-status": func(ctx context.Context, c *gen.ClientWithResponses, _ app.Credentials) (request, error) {
		r, err := c.CreateQRCodeWithResponse(ctx, nil, gen.CreateQRCodeJSONRequestBody{Type: gen.GeneQRCodeDtoTypeMobileApp})
		if err != nil || r.JSON200 == nil || r.JSON200.Data == nil {
			return request{}, errors.Join(err, errors.New("no QR code was made"))
		}
		return request{
			method: http.MethodGet, path: "/api/v3/get-qrcode-status?qrcodeId=" + url.QueryEscape(r.JSON200.Data.QrcodeID), success: `"statusCode":200`,
		}, nil
	},
	"otp-lookup": lookUp,
}

func lookUp(ctx context.Context, c *gen.ClientWithResponses, own app.Credentials) (request, error) {
	token, err := c.GetManagementTokenWithResponse(ctx, gen.GetManagementTokenJSONRequestBody{
		AccessKeyID: own.AccessKeyID, AccessKeySecret: own.AccessKeySecret,
	})
	if err != nil || token.JSON200 == nil || token.JSON200.Data == nil {
		return request{}, errors.Join(err, errors.New("no management token was given"))
	}
	name, header := "looked-up", map[string]string{"Authorization": "Bearer " + token.JSON200.Data.AccessToken}
	user, err := c.CreateUserWithResponse(ctx, gen.CreateUserReqDto{
		Username: &name, OTP: &gen.UserOTPDto{Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
	}, func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", header["Authorization"])
		return nil
	})
	if err != nil || user.JSON200 == nil || user.JSON200.Data == nil {
		return request{}, errors.Join(err, errors.New("no user was made"))
	}
	path := "/api/v3/get-otp-secret-by-user?userIdType=username&userId=" + name
	return request{method: http.MethodGet, path: path, header: header, success: `"statusCode":200`}, nil
}

// send makes the request once.
func (r request) send(ctx context.Context, client *http.Client, server string) error {
	request, err := http.NewRequestWithContext(ctx, r.method, server+r.path, bytes.NewBufferString(r.body))
	if err != nil {
		return err
	}
	if r.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && !bytes.Contains(answer, []byte(r.success)) {
		err = fmt.Errorf("%s %s: HTTP %d %.200s", r.method, r.path, response.StatusCode, answer)
	}
	return err
}
