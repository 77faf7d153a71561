package wechat

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/menshen-auth/menshen/impl/internal/wechatid"
)

const (
	// callTimeout is how long WeChat may take for an answer: a person is waiting.
	callTimeout = 3 * time.Second
	maxJSON     = 64 << 10
)

// Client calls WeChat's server API. WeChat wants secrets and tokens in URLs, so no error of it has one, nor anything that
// WeChat answered but for the number of an error.
type Client struct {
	base    *url.URL
	http    *http.Client
	timeout time.Duration
}

// NewClient returns a client of the API at base, such as https://api.weixin.qq.com; http is for this machine only.
func NewClient(base string) (*Client, error) {
	if err := CheckAPI(base); err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		MaxResponseHeaderBytes: maxJSON,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        30 * time.Second,
	}
	return &Client{u, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, callTimeout}, nil
}

// CheckAPI tells whether base can be where the API is.
func CheckAPI(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return errors.New("is not like https://api.weixin.qq.com")
	}
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		return errors.New("has to be https")
	}
	return nil
}

// answerError is that WeChat has answered with the number of an error.
type answerError struct {
	path string
	code int
}

func (e answerError) Error() string { return fmt.Sprintf("%s: errcode %d", e.path, e.code) }

// Numbers of errors, as WeChat documents them.
const (
	codeBusySystem   = -1
	codeNotLatest    = 40001 // the access token is not the latest
	codeBadToken     = 40014
	codeExpired      = 42001
	codeBadLogin     = 40029 // of wx.login
	codeUsedLogin    = 40163
	codeBlockedLogin = 40226 // WeChat finds the person risky
	codeNoAPI        = 48001 // the account has not the right to ask this
	codeQuota        = 45009
	codeFrequency    = 45011
)

// failed tells whether an error is that WeChat answered with one of the numbers.
func failed(err error, codes ...int) bool {
	var answer answerError
	return errors.As(err, &answer) && slices.Contains(codes, answer.code)
}

// Token fetches an access token and tells how long it will live. While one lives WeChat returns the same again, unless
// force says that it shall end at once: that WeChat does 20 times a day, and not twice within 30 seconds.
func (c *Client) Token(ctx context.Context, appID, secret string, force bool) (string, time.Duration, error) {
	const path = "/cgi-bin/stable_token"
	request := struct {
		GrantType    string `json:"grant_type"`
		AppID        string `json:"appid"`
		Secret       string `json:"secret"`
		ForceRefresh bool   `json:"force_refresh"`
	}{"client_credential", appID, secret, force}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := c.json(ctx, path, nil, request, &answer); err != nil {
		return "", 0, err
	}
	if answer.AccessToken == "" || answer.ExpiresIn < 1 || answer.ExpiresIn > 24*3600 {
		return "", 0, fmt.Errorf("%s: %w", path, errBroken)
	}
	return answer.AccessToken, time.Duration(answer.ExpiresIn) * time.Second, nil
}

// QRCode makes a code of an official account, and returns the text to draw. It lives ttl, of which WeChat counts seconds.
func (c *Client) QRCode(ctx context.Context, token, scene string, ttl time.Duration) (string, error) {
	const path = "/cgi-bin/qrcode/create"
	type action struct {
		Scene struct {
			Text string `json:"scene_str"`
		} `json:"scene"`
	}
	request := struct {
		ExpireSeconds int    `json:"expire_seconds"`
		Name          string `json:"action_name"`
		Info          action `json:"action_info"`
	}{ExpireSeconds: max(1, int(ttl/time.Second)), Name: "QR_STR_SCENE"}
	request.Info.Scene.Text = scene
	var answer struct {
		URL string `json:"url"`
	}
	if err := c.json(ctx, path, url.Values{"access_token": {token}}, request, &answer); err != nil {
		return "", err
	}
	if answer.URL == "" || len(answer.URL) > 512 {
		return "", fmt.Errorf("%s: %w", path, errBroken)
	}
	return answer.URL, nil
}

// MiniProgramCode makes a code that opens a page of a mini program with a scene, and returns the picture as WeChat drew it.
// The code has no end.
func (c *Client) MiniProgramCode(ctx context.Context, token, scene, page, envVersion string) ([]byte, error) {
	const path = "/wxa/getwxacodeunlimit"
	request := struct {
		Scene      string `json:"scene"`
		Page       string `json:"page,omitempty"`
		CheckPath  bool   `json:"check_path"`
		EnvVersion string `json:"env_version"`
	}{scene, page, envVersion == "release", envVersion} // a page that is not released yet is not there for the check
	body, err := c.call(ctx, http.MethodPost, path, url.Values{"access_token": {token}}, request, maxPicture)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(body, []byte("{")) { // no picture begins so
		if err := readJSON(path, body, &struct{}{}); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %w", path, errBroken)
	}
	return body, nil
}

// Session tells who a code of wx.login stands for. The session key that comes along is of no use here, and is dropped.
func (c *Client) Session(ctx context.Context, appID, secret, code string) (wechatid.Person, error) {
	const path = "/sns/jscode2session"
	query := url.Values{"appid": {appID}, "secret": {secret}, "js_code": {code}, "grant_type": {"authorization_code"}}
	var answer struct {
		OpenID  string `json:"openid"`
		UnionID string `json:"unionid"`
	}
	if err := c.json(ctx, path, query, nil, &answer); err != nil {
		return wechatid.Person{}, err
	}
	if !isID(answer.OpenID) || answer.UnionID != "" && !isID(answer.UnionID) {
		return wechatid.Person{}, fmt.Errorf("%s: %w", path, errBroken)
	}
	return wechatid.Person{AppID: appID, OpenID: answer.OpenID, UnionID: answer.UnionID}, nil
}

// UnionID returns the union id of somebody who follows an official account; empty if there is none, as for accounts of the kinds
// that WeChat does not let ask.
func (c *Client) UnionID(ctx context.Context, token, openID string) (string, error) {
	const path = "/cgi-bin/user/info"
	var answer struct {
		UnionID string `json:"unionid"`
	}
	err := c.json(ctx, path, url.Values{"access_token": {token}, "openid": {openID}}, nil, &answer)
	var refused answerError
	if errors.As(err, &refused) && refused.code == codeNoAPI {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if answer.UnionID != "" && !isID(answer.UnionID) {
		return "", fmt.Errorf("%s: %w", path, errBroken)
	}
	return answer.UnionID, nil
}

// isID tells whether a text can be the id of a person: visible ASCII, 128 bytes at most.
func isID(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= 128
}

// errBroken is an answer that makes no sense.
var errBroken = errors.New("the answer makes no sense")

// json calls path and reads a JSON answer: with POST if there is a request, else with GET.
func (c *Client) json(ctx context.Context, path string, query url.Values, request, answer any) error {
	method := http.MethodGet
	if request != nil {
		method = http.MethodPost
	}
	body, err := c.call(ctx, method, path, query, request, maxJSON)
	if err != nil {
		return err
	}
	return readJSON(path, body, answer)
}

// readJSON reads an answer that may be an error.
func readJSON(path string, body []byte, answer any) error {
	var outcome struct {
		Code int `json:"errcode"`
	}
	if json.Unmarshal(body, &outcome) != nil {
		return fmt.Errorf("%s: %w", path, errBroken)
	}
	if outcome.Code != 0 {
		return answerError{path, outcome.Code}
	}
	if json.Unmarshal(body, answer) != nil {
		return fmt.Errorf("%s: %w", path, errBroken)
	}
	return nil
}

// call returns the body of an answer with HTTP 200, of at most limit bytes.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, request any, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u := *c.base
	u.Path, u.RawQuery = path, query.Encode()
	var body io.Reader = http.NoBody
	if request != nil {
		text, err := json.Marshal(request)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%s: the request cannot be written", path)
	}
	r.Header.Set("User-Agent", "Menshen")
	if request != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", path, describe(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: HTTP %d", path, response.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %s", path, describe(err))
	case int64(len(answer)) > limit:
		return nil, fmt.Errorf("%s: the answer is longer than %d bytes", path, limit)
	}
	return answer, nil
}

// describe words an error of net/http, whose own text has the URL, and what the other side wrote.
func describe(err error) string {
	var (
		op   *net.OpError
		cert *tls.CertificateVerificationError
		t    interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "given up"
	case errors.As(err, &t) && t.Timeout():
		return "no answer in time"
	case errors.As(err, &cert):
		return "the certificate is not trusted"
	case errors.As(err, &op):
		return op.Op + ": " + op.Err.Error() // addresses and system errors, no more
	}
	return "no HTTP, or it broke off"
}
