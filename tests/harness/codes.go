package harness

import (
	"context"
	"strings"

	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/notify/channel"
)

// Captcha draws an image captcha and returns its id and the digits in the picture.
func (h *Instance) Captcha(use gen.CaptchaUse) (codeID, answer string) {
	h.t.Helper()
	r, err := h.Client.CreateCaptchaWithResponse(context.Background(), nil, gen.CreateCaptchaJSONRequestBody{
		Type: gen.CaptchaRequestTypeImage, Use: use,
	})
	h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		h.t.Fatalf("captcha: %s", r.Body)
	}
	return r.JSON200.Data.CodeID, h.Digits.Last()
}

// Fastpass shows a fastpass on the web.
func (p *Person) Fastpass(options *gen.SignInFastpassOptionsDto) *gen.GeneFastpassQRCodeInfoDto {
	p.t.Helper()
	r, err := p.Client.CreateFastpassWithResponse(context.Background(), gen.CreateFastpassJSONRequestBody{Options: options})
	p.h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		p.t.Fatalf("fastpass: %s", r.Body)
	}
	return r.JSON200.Data
}

// Redeem is the phone that has scanned a fastpass.
func (h *Instance) Redeem(qrcodeID string) *gen.RedeemFastpassResult {
	h.t.Helper()
	r, err := h.Client.RedeemFastpassWithResponse(context.Background(), nil, gen.RedeemFastpassJSONRequestBody{
		Action: gen.QRCodeAppLoginDtoActionAppLogin, QrcodeID: qrcodeID,
	})
	h.must(err)
	return r
}

// AskForCode asks for a code by e-mail or SMS, and returns its id. The test ends if it is refused.
func (h *Instance) AskForCode(by gen.CaptchaRequestType, use gen.CaptchaUse, to string, editors ...gen.RequestEditorFn) (codeID string) {
	h.t.Helper()
	r, err := h.TryAskForCode(by, use, to, editors...)
	h.must(err)
	if r.JSON200 == nil || r.JSON200.Data == nil {
		h.t.Fatalf("code to %s: %s", to, r.Body)
	}
	return r.JSON200.Data.CodeID
}

// TryAskForCode asks for a code by e-mail or SMS, and returns the answer.
func (h *Instance) TryAskForCode(by gen.CaptchaRequestType, use gen.CaptchaUse, to string, editors ...gen.RequestEditorFn) (*gen.CreateCaptchaResult, error) {
	return h.Client.CreateCaptchaWithResponse(context.Background(), nil, gen.CreateCaptchaJSONRequestBody{Type: by, Use: use, Account: &to}, editors...)
}

// SentCode returns the newest code that was sent to an address (an e-mail address, or a number in E.164) by a channel that
// is not configured. It waits for messages that are on their way.
func (h *Instance) SentCode(to string) (code string) {
	h.t.Helper()
	by := gen.CaptchaRequestTypePhone
	if strings.Contains(to, "@") {
		by = gen.CaptchaRequestTypeEmail
	}
	Eventually(h.t, "a code to "+to, func() bool {
		if h.Count(`SELECT count(*) FROM outbox WHERE state = 'waiting' AND channel = $1`, by) > 0 {
			return false
		}
		entries, err := channel.Read(h.Outbox)
		h.must(err)
		for _, entry := range entries {
			if strings.EqualFold(entry.To, to) && string(entry.Channel) == string(by) && entry.Code != "" {
				code = entry.Code
			}
		}
		return code != ""
	})
	return code
}
