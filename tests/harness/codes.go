package harness

import (
	"context"

	"github.com/menshen-auth/menshen/gen"
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
