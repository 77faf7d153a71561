package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/menshen-auth/menshen/db/dbtest/fill"
	"github.com/menshen-auth/menshen/tests/bench/r0"
)

// job is what is measured: something that a user waits for.
type job struct {
	name string
	// target is the least ratio to R0; 0 where there is none.
	target float64
	// prepare makes what the job needs and returns its requests.
	prepare func(s *service) (request, error)
	path    string // of the same at R0
	marker  string // of success, in the dialect of the operation
}

func (j job) success() []byte { return []byte(j.marker) }

// The jobs of performance, each with everything on: who asks is authenticated, request and answer are validated, what is
// limited is charged, what is audited is written.
var jobs = []job{
	{"enrolment", 5, enrolment, r0.Enrolment, `"statusCode":200`},
	{"captcha", 2, captcha, r0.Captcha, `"code":0`},
	{"qr-create", 0.8, qrCreate, r0.Create, `"statusCode":200`},
	{"qr-status", 0.9, qrStatus, r0.Status, `"statusCode":200`},
	{"otp-lookup", 0.5, otpLookup, r0.Secret, `"statusCode":200`},
	{"health", 0, health, r0.Constant, `"status":"ok"`},
}

// perAddress is how often one address asks: few enough for all limits, which count it all the same.
const perAddress = 10

// address numbers the clients of a crowd. Each asks by itself: two of one address would wait for each other's charge.
func (s *service) address(worker, n int) int { return n/(perAddress*s.crowd)*s.crowd + worker }

// head is the beginning of a request from a client.
func head(method, path string, client int) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: menshen\r\nX-Forwarded-For: 10.%d.%d.%d\r\n",
		method, path, client>>16&255, client>>8&255, client&255)
}

func get(path string, client int, headers ...string) []byte {
	b := head("GET", path, client)
	for _, header := range headers {
		b = append(append(b, header...), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

func post(path, body string, client int, headers ...string) []byte {
	b := head("POST", path, client)
	for _, header := range headers {
		b = append(append(b, header...), "\r\n"...)
	}
	return fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// plain is the request of R0.
func plain(path string) request {
	text := []byte("GET " + path + " HTTP/1.1\r\nHost: r0\r\n\r\n")
	return func(int, int) []byte { return text }
}

func health(s *service) (request, error) {
	return func(worker, n int) []byte { return get("/healthz", s.address(worker, n)) }, nil
}

func captcha(s *service) (request, error) {
	return func(worker, n int) []byte {
		return post("/api/v1/system/user/captcha", `{"type":"image","use":"login"}`, s.address(worker, n))
	}, nil
}

func qrCreate(s *service) (request, error) {
	return func(worker, n int) []byte {
		return post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP"}`, s.address(worker, n))
	}, nil
}

// qrStatus has every page poll a code of its own.
func qrStatus(s *service) (request, error) {
	ids := make([]string, s.crowd)
	for i := range ids {
		var answer struct {
			Data struct{ QrcodeID string }
		}
		if err := s.ask(post("/api/v3/gene-qrcode", `{"type":"MOBILE_APP"}`, fresh()), &answer); err != nil {
			return nil, err
		}
		ids[i] = answer.Data.QrcodeID
	}
	return func(worker, n int) []byte {
		return get("/api/v3/get-qrcode-status?qrcodeId="+ids[worker], s.address(worker, n))
	}, nil
}

// enrolment has every user ask for a new secret and its picture, over and over; a new one replaces the last.
func enrolment(s *service) (request, error) {
	tokens := make([]string, s.crowd)
	for i := range tokens {
		var err error
		if tokens[i], err = s.signIn(i); err != nil {
			return nil, err
		}
	}
	return func(worker, n int) []byte {
		return post("/api/v3/send-enroll-factor-request", `{"factorType":"OTP","profile":{}}`, s.address(worker, n), "Authorization: "+tokens[worker])
	}, nil
}

func otpLookup(s *service) (request, error) {
	var answer struct {
		Data struct {
			AccessToken string `json:"access_token"`
		}
	}
	body := fmt.Sprintf(`{"accessKeyId":%q,"accessKeySecret":%q}`, s.credentials.AccessKeyID, s.credentials.AccessKeySecret)
	if err := s.ask(post("/api/v3/get-management-token", body, fresh()), &answer); err != nil {
		return nil, err
	}
	bearer := "Authorization: Bearer " + answer.Data.AccessToken
	for i := range s.crowd {
		body := fmt.Sprintf(`{"username":%q,"otp":{"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}}`, s.holder(i))
		if err := s.ask(post("/api/v3/create-user", body, fresh(), bearer), nil); err != nil && !exists(err) {
			return nil, err
		}
	}
	return func(worker, n int) []byte {
		return get("/api/v3/get-otp-secret-by-user?userIdType=username&userId="+s.anyHolder(worker, n), s.address(worker, n), bearer)
	}, nil
}

// anyHolder is somebody with an authenticator: of a million, another one each time.
func (s *service) anyHolder(worker, n int) string {
	if s.people == 0 {
		return s.holder(worker)
	}
	for i := n * 7919 % s.people; ; i = (i + 1) % s.people {
		if fill.HasFactor(i) {
			return fill.Username(i)
		}
	}
}

// next counts the requests that prepare something. Their addresses are none of those of the measured ones.
var next atomic.Int64

func fresh() int { return 200<<16 + int(next.Add(1)) }

// answered is an answer that was no success.
type answered struct {
	status int
	body   string
}

func (e answered) Error() string { return fmt.Sprintf("HTTP %d: %.300s", e.status, e.body) }

// exists tells whether something had been made before.
func exists(err error) bool {
	refusal, ok := err.(answered) //nolint:errorlint // it is never wrapped
	return ok && bytes.Contains([]byte(refusal.body), []byte("exists"))
}

// ask makes one request beside the measured ones.
func (s *service) ask(request []byte, answer any) error {
	c := &connection{addr: s.addr}
	defer c.close()
	status, body, err := c.do(request)
	if err != nil {
		return err
	}
	if status != 200 || !succeeded(body) {
		return answered{status, string(body)}
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}

// succeeded reads the three dialects of success.
func succeeded(body []byte) bool {
	for _, success := range []string{`"code":0`, `"code":10000`, `"statusCode":200`} {
		if bytes.Contains(body, []byte(success)) {
			return true
		}
	}
	return false
}

const password = "correct horse battery"

// signIn makes a user, unless it is there, and returns its access token.
func (s *service) signIn(i int) (string, error) {
	name := fmt.Sprintf("visitor-%d", i)
	body := fmt.Sprintf(`{"username":%q,"password":%q}`, name, password)
	if err := s.ask(post("/user/register", body, fresh()), nil); err != nil && !exists(err) {
		return "", err
	}
	var answer struct {
		Data struct {
			AccessToken string `json:"access_token"`
		}
	}
	body = fmt.Sprintf(`{"connection":"PASSWORD","passwordPayload":{"username":%q,"password":%q}}`, name, password)
	basic := base64.StdEncoding.EncodeToString([]byte(s.credentials.AppID + ":" + s.credentials.AppSecret))
	err := s.ask(post("/api/v3/signin", body, fresh(), "Authorization: Basic "+basic), &answer)
	return answer.Data.AccessToken, err
}

// holder is a user who has an authenticator.
func (s *service) holder(i int) string { return fmt.Sprintf("holder-%d", i) }
